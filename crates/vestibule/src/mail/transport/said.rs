//! What mail servers say, fit for a log.

/// How much of it is kept, in characters.
const KEPT: usize = 200;

/// One short line, without the address that it is about.
pub(super) fn clean(text: &str, about: &str) -> String {
    let text = if about.is_empty() {
        text.to_owned()
    } else {
        text.replace(about, "(recipient)")
    };
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(KEPT)
        .collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_short_line_without_the_address() {
        let text = "550 <ana@example.com>\r\n\u{1b}[31mno such user\n";
        assert_eq!(
            clean(text, "ana@example.com"),
            "550 <(recipient)>   [31mno such user"
        );
        assert_eq!(clean(&"x".repeat(1000), "").len(), KEPT);
    }
}
