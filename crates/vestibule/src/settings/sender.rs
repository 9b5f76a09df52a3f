//! `SECURITY_EMAIL_SENDER`: the sender of mails.

use toml::Value;
use vestibule_formats::text::email;

use super::hosts::BelievedHosts;
use super::load::Problem;
use super::reader::Reader;
use super::{MailRoute, MailSettings};

const KEY: &str = "SECURITY_EMAIL_SENDER";

/// The default sender, as in the reference.
const DEFAULT: &str = "no-reply@localhost";

/// The configured sender: an address, or `Name <address>`, without surrounding white space and with
/// its domain in ASCII.
pub(super) fn read(reader: &mut Reader<'_>) -> String {
    let own = reader.any(KEY).map(|value| (KEY, value));
    let set = own.or_else(|| {
        let value = reader.any("MAIL_DEFAULT_SENDER")?;
        Some(("MAIL_DEFAULT_SENDER", value))
    });
    let Some((key, value)) = set else {
        return DEFAULT.to_owned();
    };
    let written = match &value {
        Value::String(sender) => sender.trim().to_owned(),
        // Flask-Mail's pair of a name and an address.
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(name), Value::String(address)] => {
                format!("{} <{}>", name.trim(), address.trim())
            }
            _ => String::new(),
        },
        _ => String::new(),
    };
    match parse(&written) {
        Ok(sender) => sender,
        Err(why) => {
            let shown = if written.is_empty() {
                value.to_string()
            } else {
                format!("{written:?}")
            };
            reader.problem(
                key,
                format!("{shown} is not a valid sender: {why}"),
                "write an address such as \"accounts@example.com\", or \"Example <accounts@example.com>\"",
            );
            DEFAULT.to_owned()
        }
    }
}

/// The address as it is written in a mail header, with its domain in ASCII.
fn ascii_form(address: &str) -> Option<String> {
    let (local, domain) = email::split_for_transport(address)?;
    Some(format!("{local}@{domain}"))
}

/// The sender in normalised form, or which part of it is invalid.
fn parse(written: &str) -> Result<String, &'static str> {
    if written.chars().any(char::is_control) {
        return Err("it contains a line break or another control character");
    }
    let (name, address) = match written.rsplit_once('<') {
        None => ("", written),
        Some((name, rest)) => {
            let inside = rest.trim_end().strip_suffix('>');
            (
                name.trim(),
                inside.ok_or("the < before the address is not closed with a >")?,
            )
        }
    };
    let address = address.trim();
    let (local, domain) = address
        .rsplit_once('@')
        .ok_or("it contains no address with an @")?;
    let ascii = ascii_form(address).ok_or_else(|| {
        if local.is_empty() || domain.is_empty() {
            "part of the address is missing"
        } else if ascii_form(&format!("{local}@example.com")).is_some() {
            "the part after the @ is not a domain"
        } else {
            "the part before the @ contains characters that are not allowed in an address"
        }
    })?;
    Ok(if name.is_empty() {
        ascii
    } else {
        format!("{name} <{ascii}>")
    })
}

/// Warns if the sender's domain is this machine's, which few mail servers accept.
pub(super) fn at_localhost(mail: &MailSettings) -> Option<Problem> {
    let on_this_machine = match &mail.route {
        MailRoute::DevMailbox | MailRoute::Nowhere => return None,
        MailRoute::Sendmail(_) => true,
        MailRoute::Smtp(smtp) => is_loopback(&smtp.host),
    };
    let domain = mail.sender_address().rsplit('@').next().unwrap_or_default();
    let what = if mail.sender == DEFAULT {
        format!(
            "is not set: emails are sent from {DEFAULT}, which most mail servers refuse or treat as spam"
        )
    } else if !on_this_machine && is_local_domain(domain) {
        format!(
            "is {}, an address that exists only on this machine, but MAIL_SERVER is elsewhere: most mail servers refuse such a sender",
            mail.sender_address()
        )
    } else {
        return None;
    };
    Some(Problem::new(
        KEY,
        what,
        "set it to an address of your domain, such as \"accounts@example.com\"",
    ))
}

/// Warns if the sender's address is not ASCII, because then every mail needs a server that supports
/// SMTPUTF8.
pub(super) fn needs_smtputf8(mail: &MailSettings) -> Option<Problem> {
    let sends = matches!(mail.route, MailRoute::Smtp(_) | MailRoute::Sendmail(_));
    (sends && !mail.sender_address().is_ascii()).then(|| {
        Problem::new(
            KEY,
            "contains non-ASCII letters before the @: mail servers without SMTPUTF8 (RFC 6531) cannot send from it, and many recipients' servers refuse it",
            "choose an address in ASCII",
        )
    })
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    BelievedHosts::Loopback.believe(host) || host == "::1"
}

fn is_local_domain(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    domain == "localhost" || domain == "localhost.localdomain" || domain.ends_with(".localhost")
}
