//! Masking of values that may contain a secret although their key is not a secret's.

/// A text without the usernames and passwords in its URLs (`scheme://user:password@`). Everything
/// up to the last `@` of a word counts as a password, whatever characters it contains.
pub(super) fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',');
        let word = &after[..after.find(ends).unwrap_or(after.len())];
        rest = match word.rfind('@') {
            Some(end) => {
                shown.push_str("********");
                &after[end..]
            }
            None => after,
        };
    }
    shown.push_str(rest);
    shown
}

/// Whether a text is a file path, and not a secret in the place of a path.
pub(super) fn is_file_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    ["/", "./", "../"]
        .iter()
        .any(|start| text.starts_with(start))
        && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_secret_in_a_log_credentials_in_a_url_are_masked() {
        for (text, shown) in [
            (
                "\"smtps://ana:s3cret@mail:465\"",
                "\"smtps://********@mail:465\"",
            ),
            ("redis://:s3/cr@et@cache/0", "redis://********@cache/0"),
            (
                "[\"https://a.example\", \"http://u:p@b\"]",
                "[\"https://a.example\", \"http://********@b\"]",
            ),
            ("ana@example.com", "ana@example.com"),
            ("https://app.example/a", "https://app.example/a"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }

    #[test]
    fn a_secret_is_not_taken_for_a_path() {
        for path in ["/run/secrets/key", "./key", "../secrets/key.txt"] {
            assert!(is_file_path(path), "{path}");
        }
        for text in ["s3cret", "aGVsbG8/d29ybGQ=", "/3J+aGVsbG8=", "a secret key"] {
            assert!(!is_file_path(text), "{text}");
        }
    }
}
