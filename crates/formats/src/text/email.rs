//! Email addresses: which are valid, and the normal form in which each is stored.
//!
//! Equal in effect to Python's `email_validator` 2.x without its DNS look-ups: unquoted local parts
//! by RFC 5321 and RFC 6531, domain names through UTS 46, no addresses in brackets, and no domains
//! that mail is never delivered to.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::normalise::{Form, normalise as to_form};
use super::registrable::is_registrable;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3).
const MAX_BYTES: usize = 254;

/// The longest local part that every server must accept, in characters (RFC 5321, section
/// 4.5.3.1.1). Only strict mode enforces it.
const LOCAL_MAX_CHARS: usize = 64;

/// The longest domain name and the longest label in it, in bytes as transmitted.
const DOMAIN_MAX_BYTES: usize = 253;
const LABEL_MAX_BYTES: usize = 63;

/// Domains that no mail is delivered to (RFC 6761, RFC 6762, RFC 7686).
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// Mailboxes that are the same in any case (RFC 2142).
const CASELESS: [&str; 15] = [
    "abuse",
    "ftp",
    "hostmaster",
    "info",
    "marketing",
    "news",
    "noc",
    "postmaster",
    "sales",
    "security",
    "support",
    "usenet",
    "uucp",
    "webmaster",
    "www",
];

/// The options of the validator (`SECURITY_EMAIL_VALIDATOR_ARGS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailOptions {
    /// Whether the local part may contain characters outside ASCII.
    pub allow_smtputf8: bool,
    /// Whether the domain `test` is valid.
    pub test_environment: bool,
    /// Whether the domain must be reachable from the whole internet.
    pub globally_deliverable: bool,
    /// Whether the local part must not exceed the length in RFC 5321.
    pub strict: bool,
}

impl Default for EmailOptions {
    fn default() -> Self {
        Self {
            allow_smtputf8: true,
            test_environment: false,
            globally_deliverable: true,
            strict: false,
        }
    }
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no @, or more than one, or nothing before or after it.
    Shape,
    /// The part before the @ is invalid.
    Local,
    /// The part after the @ is invalid.
    Domain,
    /// No mail is delivered to the domain.
    Undeliverable,
    /// The address is too long.
    Length,
}

/// Normalises an address to the form in which it is stored.
///
/// # Errors
/// [`Refusal`] if the address is invalid.
pub fn normalise(address: &str, options: &EmailOptions) -> Result<String, Refusal> {
    if address.len() > 4 * MAX_BYTES {
        return Err(Refusal::Length);
    }
    let (local, domain) = address.split_once('@').ok_or(Refusal::Shape)?;
    if local.is_empty() || domain.is_empty() || domain.contains('@') {
        return Err(Refusal::Shape);
    }
    if options.strict && local.chars().count() > LOCAL_MAX_CHARS {
        return Err(Refusal::Length);
    }
    let local = local_part(local, options)?;
    let (ascii, domain) = domain_part(domain, options)?;
    let normalised = format!("{local}@{domain}");
    let transmitted = local.len() + 1 + ascii.len();
    if address.len() > MAX_BYTES || normalised.len() > MAX_BYTES || transmitted > MAX_BYTES {
        return Err(Refusal::Length);
    }
    Ok(normalised)
}

/// A domain in its ASCII form for the DNS; `None` if it is invalid.
#[must_use]
pub fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    check_hostname(&ascii).ok()?;
    Some(ascii)
}

fn local_part(local: &str, options: &EmailOptions) -> Result<String, Refusal> {
    let composed = to_form(local, Some(Form::Nfc));
    for text in [local, &composed] {
        let good = |c: char| {
            c.is_ascii_alphanumeric()
                || "_!#$%&'*+-/=?^`{|}~.".contains(c)
                || (options.allow_smtputf8 && !c.is_ascii())
        };
        if !text.chars().all(good) || has_stray_dots(text) || !is_safe(text) {
            return Err(Refusal::Local);
        }
    }
    let lower = composed.to_ascii_lowercase();
    if CASELESS.contains(&lower.as_str()) {
        Ok(lower)
    } else {
        Ok(composed.into_owned())
    }
}

fn has_stray_dots(text: &str) -> bool {
    text.split('.').any(str::is_empty)
}

/// Letters, digits, punctuation and symbols are safe. Marks are safe unless they come first.
/// Spaces, control characters and unassigned characters are not.
fn is_safe(text: &str) -> bool {
    text.chars().enumerate().all(|(index, c)| match group(c) {
        b'L' | b'N' | b'P' | b'S' => true,
        b'M' => index > 0,
        _ => false,
    })
}

fn group(c: char) -> u8 {
    use GeneralCategory as G;
    match get_general_category(c) {
        G::UppercaseLetter
        | G::LowercaseLetter
        | G::TitlecaseLetter
        | G::ModifierLetter
        | G::OtherLetter => b'L',
        G::DecimalNumber | G::LetterNumber | G::OtherNumber => b'N',
        G::ConnectorPunctuation
        | G::DashPunctuation
        | G::OpenPunctuation
        | G::ClosePunctuation
        | G::InitialPunctuation
        | G::FinalPunctuation
        | G::OtherPunctuation => b'P',
        G::MathSymbol | G::CurrencySymbol | G::ModifierSymbol | G::OtherSymbol => b'S',
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark => b'M',
        _ => b'C',
    }
}

/// The domain in its ASCII and its Unicode form.
fn domain_part(domain: &str, options: &EmailOptions) -> Result<(String, String), Refusal> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || !c.is_ascii();
    if !domain.chars().all(good) || !is_safe(domain) {
        return Err(Refusal::Domain);
    }
    let ascii = if domain.is_ascii() && !domain.to_ascii_lowercase().contains("xn--") {
        domain.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii_strict(domain).map_err(|_| Refusal::Domain)?
    };
    check_hostname(&ascii)?;
    let top = ascii.rsplit('.').next().unwrap_or_default();
    if options.globally_deliverable {
        let reachable = ascii.contains('.') || (ascii == "test" && options.test_environment);
        if !reachable || !top.ends_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(Refusal::Undeliverable);
        }
    }
    let special = SPECIAL_USE.contains(&top) && !(top == "test" && options.test_environment);
    if special {
        return Err(Refusal::Undeliverable);
    }
    if !ascii.contains("xn--") {
        return Ok((ascii.clone(), ascii));
    }
    let (shown, outcome) = idna::domain_to_unicode(&ascii);
    if outcome.is_err() || !shown.split('.').all(is_registrable) {
        return Err(Refusal::Domain);
    }
    Ok((ascii, shown))
}

/// Checks a host name by RFC 952 and RFC 1123.
fn check_hostname(ascii: &str) -> Result<(), Refusal> {
    if ascii.len() > DOMAIN_MAX_BYTES {
        return Err(Refusal::Length);
    }
    for label in ascii.split('.') {
        if label.len() > LABEL_MAX_BYTES {
            return Err(Refusal::Length);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let bytes = label.as_bytes();
        let reserved = bytes.get(2..4) == Some(b"--") && !label.starts_with("xn--");
        if bytes.is_empty()
            || !bytes.iter().copied().all(plain)
            || label.starts_with('-')
            || label.ends_with('-')
            || reserved
        {
            return Err(Refusal::Domain);
        }
    }
    Ok(())
}

/// Splits an address into the local part and the domain in its ASCII form (RFC 5890), as SMTP
/// carries them.
///
/// `None` for an address that no mail could have. The local part may hold characters outside of
/// ASCII, and never one that ends a header line or an SMTP command, or begins another address.
#[must_use]
pub fn split_for_transport(address: &str) -> Option<(&str, String)> {
    let (local, domain) = address.rsplit_once('@')?;
    let good = |c: char| {
        c.is_ascii_alphanumeric()
            || "_!#$%&'*+-/=?^`{|}~.".contains(c)
            || !(c.is_ascii() || c.is_control() || c.is_whitespace())
    };
    if local.is_empty() || !local.chars().all(good) {
        return None;
    }
    Some((local, ascii_domain(domain)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(address: &str) -> Result<String, Refusal> {
        normalise(address, &EmailOptions::default())
    }

    #[test]
    fn addresses_are_normalised_to_one_form() {
        for (typed, form) in [
            ("ana@example.com", "ana@example.com"),
            ("Ana@EXAMPLE.com", "Ana@example.com"),
            ("INFO@example.com", "info@example.com"),
            ("a.b+c@sub.example.com", "a.b+c@sub.example.com"),
            ("ana@M\u{fc}nchen.example", "ana@m\u{fc}nchen.example"),
            ("ana@xn--mnchen-3ya.example", "ana@m\u{fc}nchen.example"),
            ("e\u{301}@example.com", "\u{e9}@example.com"),
        ] {
            assert_eq!(kept(typed).as_deref(), Ok(form), "{typed}");
        }
    }

    #[test]
    fn attack_email_parsing_invalid_addresses_are_refused() {
        for typed in [
            "",
            "@",
            "a@",
            "@b.example",
            "a",
            "a@b",
            "a@b@c.example",
            "a b@example.com",
            " a@example.com",
            "a@example.com ",
            "a@example.com\n",
            "a@example.com,b@example.com",
            "a@exam ple.com",
            "\"a\"@example.com",
            "a@[127.0.0.1]",
            "Ana <a@example.com>",
            ".a@example.com",
            "a.@example.com",
            "a..b@example.com",
            "a@.example.com",
            "a@example..com",
            "a@-example.com",
            "a@example-.com",
            "a@example.com.",
            "a@localhost",
            "a@x.test",
            "a@x.invalid",
            "a@example.1",
            "a\u{0}@example.com",
            "a@\u{2603}.example",
            "a@ab--c.example",
            "a@exa\u{200b}mple.com\u{0}",
        ] {
            assert!(kept(typed).is_err(), "{typed:?}");
        }
        assert_eq!(
            kept(&format!("{}@example.com", "a".repeat(243))),
            Err(Refusal::Length)
        );
        assert!(kept(&format!("{}@example.com", "a".repeat(242))).is_ok());
        assert_eq!(kept(&"a".repeat(100_000)), Err(Refusal::Length));
    }

    #[test]
    fn options_allow_what_they_name() {
        let test = EmailOptions {
            test_environment: true,
            ..EmailOptions::default()
        };
        assert!(normalise("a@test", &test).is_ok());
        let inside = EmailOptions {
            globally_deliverable: false,
            ..EmailOptions::default()
        };
        assert!(normalise("a@intranet", &inside).is_ok());
        let ascii = EmailOptions {
            allow_smtputf8: false,
            ..EmailOptions::default()
        };
        assert!(normalise("\u{e9}@example.com", &ascii).is_err());
    }
}
