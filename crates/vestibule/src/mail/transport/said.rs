//! Replies of mail servers, made safe for a log.

/// Whether a permanent refusal concerns us or our use of the protocol, and not the recipient or the
/// mail. The enhanced status code (RFC 3463, RFC 5248) decides if the reply has one: `5.1.7` and
/// `5.1.8` concern the sender's address, `5.5` the protocol, `5.7` permissions.
///
/// A server that checks the sender late reports it in its reply to RCPT.
#[cfg(any(feature = "smtp", test))]
pub(super) fn is_about_us(code: u16, text: &str) -> bool {
    const BASIC: [u16; 10] = [500, 501, 502, 503, 504, 530, 534, 535, 538, 555];
    match enhanced(text) {
        Some((1, 7 | 8) | (5 | 7, _)) => true,
        Some(_) => false,
        None => BASIC.contains(&code),
    }
}

/// The second and third number of the first `5.x.y` in a text.
#[cfg(any(feature = "smtp", test))]
fn enhanced(text: &str) -> Option<(u16, u16)> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ':' | '(' | ')'))
        .find_map(|word| {
            let (subject, detail) = word.strip_prefix("5.")?.split_once('.')?;
            Some((subject.parse().ok()?, detail.parse().ok()?))
        })
}

/// How many characters of a reply are kept.
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
    fn a_refusal_of_the_sender_is_distinguished_from_one_of_the_recipient() {
        for (code, text, about_us) in [
            (550, "no such user", false),
            (550, "5.1.1 <x@example.com>: unknown", false),
            (552, "5.2.2 mailbox full", false),
            (554, "5.7.1 <x@example.com>: Relay access denied", true),
            (
                553,
                "5.7.1 <a@example.com>: Sender address rejected: not owned",
                true,
            ),
            (550, "5.1.8 Sender domain does not exist", true),
            (503, "bad sequence", true),
            (530, "authentication required", true),
            (501, "5.1.3 bad address syntax", false),
        ] {
            let said = format!("permanent error ({code}): {text}");
            assert_eq!(is_about_us(code, &said), about_us, "{said}");
        }
    }

    #[test]
    fn a_reply_is_cut_to_one_line_without_the_address() {
        let text = "550 <ana@example.com>\r\n\u{1b}[31mno such user\n";
        assert_eq!(
            clean(text, "ana@example.com"),
            "550 <(recipient)>   [31mno such user"
        );
        assert_eq!(clean(&"x".repeat(1000), "").len(), KEPT);
    }
}
