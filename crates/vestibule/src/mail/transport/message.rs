//! A mail as it is transmitted: its envelope and its bytes.

use std::time::SystemTime;

use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use vestibule_formats::text::email;

use super::{DeliveryError, Outgoing};

/// Marks the mail as automatic, so that it triggers no out-of-office reply (RFC 3834).
const AUTO_SUBMITTED: (&str, &str) = ("Auto-Submitted", "auto-generated");

/// A mail as it is transmitted.
pub(super) struct Travelling {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

impl Travelling {
    /// The sender of the envelope.
    pub(super) fn from(&self) -> Option<&Address> {
        self.envelope.from()
    }

    /// Whether the local part of an address is not ASCII, which every server on the way has to
    /// support (RFC 6531).
    #[cfg(any(feature = "smtp", test))]
    pub(super) fn needs_smtputf8(&self) -> bool {
        let addresses = self.envelope.to().iter().chain(self.envelope.from());
        addresses.into_iter().any(|address| {
            let address: &str = address.as_ref();
            !address.is_ascii()
        })
    }
}

/// Encodes a mail.
///
/// # Errors
/// [`DeliveryError::Blocked`] if one of its addresses is invalid: only the receiving server can say for
/// good that a recipient does not exist.
pub(super) fn write(mail: &Outgoing) -> Result<Travelling, DeliveryError> {
    let from = mailbox(&mail.from)
        .ok_or_else(|| blocked("SECURITY_EMAIL_SENDER is not a valid sender"))?;
    let to = address(&mail.to).ok_or_else(|| blocked("the recipient's address is not valid"))?;
    let message_id = message_id(&mail.message_id, from.email.domain());
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()])
        .map_err(|_| blocked("the mail has no recipient"))?;
    let builder = Message::builder()
        .envelope(envelope.clone())
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(one_line(&mail.subject))
        .message_id(Some(message_id))
        .date(SystemTime::from(mail.date))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str(AUTO_SUBMITTED.0),
            AUTO_SUBMITTED.1.to_owned(),
        ));
    let message = match (mail.text.clone(), mail.html.clone()) {
        (Some(text), Some(html)) => {
            builder.multipart(MultiPart::alternative_plain_html(text, html))
        }
        (None, Some(html)) => builder.singlepart(SinglePart::html(html)),
        (text, None) => builder.singlepart(SinglePart::plain(text.unwrap_or_default())),
    };
    let message =
        message.map_err(|error| blocked(&format!("the mail cannot be encoded: {error}")))?;
    Ok(Travelling {
        envelope,
        bytes: message.formatted(),
    })
}

fn blocked(why: &str) -> DeliveryError {
    DeliveryError::Blocked(why.to_owned())
}

/// A `Message-ID` that is valid in a header (RFC 5322, section 3.6.4). An invalid one, such as one
/// with the domain of a misconfigured sender, is rebuilt from its valid characters, so that it is
/// the same at every attempt.
fn message_id(written: &str, domain: &str) -> String {
    let is_id = written.len() < 500
        && written.starts_with('<')
        && written.ends_with('>')
        && written.bytes().all(|byte| byte.is_ascii_graphic());
    if is_id {
        return written.to_owned();
    }
    let left = written.split('@').next().unwrap_or_default();
    let left: String = left
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(64)
        .collect();
    format!("<{left}@{domain}>")
}

/// Parses `Name <address>`, or an address alone.
pub(super) fn mailbox(text: &str) -> Option<Mailbox> {
    let Some((name, rest)) = text.rsplit_once('<') else {
        return Some(Mailbox::new(None, address(text.trim())?));
    };
    let address = address(rest.trim_end().strip_suffix('>')?)?;
    let name = one_line(name);
    let name = name.trim();
    let name = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
        .unwrap_or(name);
    Some(Mailbox::new(
        Some(name.to_owned()).filter(|name| !name.is_empty()),
        address,
    ))
}

fn address(text: &str) -> Option<Address> {
    let (local, domain) = email::split_for_transport(text)?;
    Some(Address::new_dangerous(local, domain))
}

/// Replaces everything that could end a line.
fn one_line(text: &str) -> String {
    let is_end = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars()
        .map(|c| if is_end(c) { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    fn written(mail: &Outgoing) -> String {
        String::from_utf8(write(mail).unwrap().bytes).unwrap()
    }

    #[test]
    fn headers_and_both_parts_are_written() {
        let text = written(&example());
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        for line in [
            "From: =?utf-8?b?QWNjb3VudHMsIEx0ZC4=?= <accounts@xn--mnchen-3ya.example>",
            "To: ana@example.com",
            "Subject: Hello",
            "Message-ID: <1@example.com>",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(head.lines().any(|other| other == line), "{line}\n{head}");
        }
        assert!(head.contains("Content-Type: multipart/alternative;"));
        assert!(body.contains("Content-Type: text/plain; charset=utf-8"));
        assert!(body.contains("Content-Type: text/html; charset=utf-8"));
        assert!(body.contains("Gr=C3=BC=C3=9Fe"), "{body}");
        assert!(text.is_ascii());
    }

    #[test]
    fn a_mail_with_one_part_is_not_multipart() {
        let only_text = Outgoing {
            html: None,
            ..example()
        };
        assert!(written(&only_text).contains("Content-Type: text/plain; charset=utf-8"));
        assert!(!written(&only_text).contains("multipart"));
        let only_html = Outgoing {
            text: None,
            ..example()
        };
        assert!(written(&only_html).contains("Content-Type: text/html; charset=utf-8"));
    }

    #[test]
    fn a_retry_has_the_same_message_id() {
        let first = written(&example());
        let id = |text: &str| {
            text.lines()
                .find(|line| line.starts_with("Message-ID"))
                .map(str::to_owned)
        };
        assert_eq!(id(&first), id(&written(&example())));
    }

    #[test]
    fn non_ascii_text_is_encoded_and_domains_are_converted_to_ascii() {
        let mail = Outgoing {
            subject: "Gr\u{fc}\u{df}e \u{1f44b}".to_owned(),
            to: "ana@b\u{fc}cher.example".to_owned(),
            ..example()
        };
        let travelling = write(&mail).unwrap();
        assert!(!travelling.needs_smtputf8());
        let text = String::from_utf8(travelling.bytes).unwrap();
        assert!(text.contains("To: ana@xn--bcher-kva.example\r\n"));
        assert!(text.contains("Subject: =?utf-8?b?"));
        assert!(text.is_ascii());

        let mail = Outgoing {
            to: "\u{e9}va@example.com".to_owned(),
            ..example()
        };
        assert!(write(&mail).unwrap().needs_smtputf8());
    }

    #[test]
    fn a_message_id_with_an_invalid_domain_is_repaired() {
        for id in ["<0a1b@b\u{fc}cher.example>", "<0a1b@example.com >"] {
            let mail = Outgoing {
                message_id: id.to_owned(),
                from: "care@b\u{fc}cher.example".to_owned(),
                ..example()
            };
            let text = written(&mail);
            assert!(
                text.contains("Message-ID: <0a1b@xn--bcher-kva.example>\r\n"),
                "{text}"
            );
        }
    }

    #[test]
    fn attack_header_injection_by_an_address_is_refused() {
        for to in [
            "ana@example.com\r\nBcc: all@example.com",
            "ana@example.com\nBcc: all@example.com",
            "ana\r\nBcc: all@example.com",
            "ana@example.com, all@example.com",
            "ana <ana@example.com>",
            "ana@example.com>\r\nRCPT TO:<all@example.com",
            "ana@example.com\0",
            "ana @example.com",
            "-oQ/tmp ana@example.com",
            "@example.com",
            "ana@",
            "ana",
            "",
        ] {
            let mail = Outgoing {
                to: to.to_owned(),
                ..example()
            };
            assert!(
                matches!(write(&mail), Err(DeliveryError::Blocked(_))),
                "{to:?}"
            );
        }
        let mail = Outgoing {
            message_id: "<1@example.com>\r\nBcc: <all@example.com>".to_owned(),
            ..example()
        };
        assert!(written(&mail).contains("Message-ID: <1@xn--mnchen-3ya.example>\r\n"));
        assert!(!written(&mail).contains("Bcc"));
    }

    #[test]
    fn attack_header_injection_by_a_subject_or_a_name_adds_no_header() {
        for end in ["\r\n", "\n", "\r", "\u{2028}", "\u{85}", "\0"] {
            let mail = Outgoing {
                subject: format!("Hello{end}Bcc: all@example.com"),
                from: format!("Name{end}Bcc: all@example.com <accounts@example.com>"),
                text: Some(format!("{end}.{end}Bcc: all@example.com{end}")),
                ..example()
            };
            let text = written(&mail);
            let head = text.split("\r\n\r\n").next().unwrap();
            assert!(
                !head.lines().any(|line| line.starts_with("Bcc")),
                "{end:?}: {head}"
            );
        }
    }
}
