//! `MAIL_SERVER`, `MAIL_PORT` and encryption, and which combinations are valid.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use vestibule_formats::text::email;

use super::load::Problem;
use super::reader::Reader;
use super::sender::is_loopback;
use super::{SmtpSettings, SmtpTls};

const SERVER: &str = "MAIL_SERVER";
const PORT: &str = "MAIL_PORT";

/// The longest `MAIL_TIMEOUT`, in seconds.
const LONGEST_TIMEOUT: u64 = 60;

/// The port for implicit TLS (RFC 8314).
const IMPLICIT_TLS: u16 = 465;

/// Ports whose servers begin in clear text: relay, and submission (RFC 6409).
const CLEAR_TEXT: [u16; 2] = [25, 587];

/// The mail server, if one is configured.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<SmtpSettings> {
    let written = reader.text(SERVER);
    let written = written.trim();
    if written.is_empty() {
        return None;
    }
    let host = host(written).unwrap_or_else(|(what, fix)| {
        reader.problem(SERVER, what, fix);
        "localhost".to_owned()
    });
    let tls = match (reader.flag("MAIL_USE_TLS"), reader.flag("MAIL_USE_SSL")) {
        (true, true) => {
            reader.problem(
                "MAIL_USE_SSL",
                "is on, and so is MAIL_USE_TLS",
                "remove one of them: MAIL_USE_SSL encrypts from the first byte (port 465), \
                 MAIL_USE_TLS after the greeting (port 587)",
            );
            SmtpTls::Tls
        }
        (true, false) => SmtpTls::StartTls,
        (false, true) => SmtpTls::Tls,
        (false, false) => SmtpTls::None,
    };
    let port = reader.whole(PORT).unwrap_or(25);
    let port = u16::try_from(port).unwrap_or_else(|_| {
        reader.problem(
            PORT,
            format!("{port} is not a port"),
            "write a port such as 587",
        );
        25
    });
    let timeout = reader
        .whole("MAIL_TIMEOUT")
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0);
    let trimmed = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let settings = SmtpSettings {
        host,
        port,
        tls,
        username: reader.optional_text("MAIL_USERNAME").and_then(trimmed),
        password: reader.secret("MAIL_PASSWORD"),
        timeout: Duration::from_secs(timeout.unwrap_or(30).min(LONGEST_TIMEOUT)),
        ca_file: reader
            .optional_text("MAIL_CA_FILE")
            .and_then(trimmed)
            .map(PathBuf::from),
    };
    // A tunnel on this machine may listen on any port.
    if !is_loopback(&settings.host)
        && let Some(problem) = mismatch(&settings)
        && !reader.has_problem("MAIL_USE_SSL", "MAIL_USE_TLS too")
    {
        reader.problem(&problem.key, problem.what, problem.fix);
    }
    Some(settings)
}

/// The host alone, or what is wrong with it and how to write it. Parts that may contain a password
/// are not repeated.
fn host(written: &str) -> Result<String, (String, String)> {
    const PLAIN: &str = "write the host alone, such as \"mail.example.com\"; set the port with MAIL_PORT and the encryption with MAIL_USE_TLS or MAIL_USE_SSL";
    if let Some((scheme, rest)) = written.split_once("://") {
        let rest = rest.rsplit('@').next().unwrap_or_default();
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (name, port) = split_port(rest);
        let from_the_start = scheme.eq_ignore_ascii_case("smtps");
        let port = port.unwrap_or(if from_the_start { "465" } else { "587" });
        let flag = if from_the_start {
            "MAIL_USE_SSL"
        } else {
            "MAIL_USE_TLS"
        };
        let name = known_host(name).unwrap_or_else(|| "mail.example.com".to_owned());
        return Err((
            "is a URL, but has to be a host".to_owned(),
            format!("write MAIL_SERVER = {name:?}, MAIL_PORT = {port} and {flag} = true"),
        ));
    }
    if written.contains('@') {
        return Err((
            "contains an @, but has to be a host".to_owned(),
            PLAIN.to_owned(),
        ));
    }
    if let Some(host) = known_host(written) {
        return Ok(host);
    }
    let (name, port) = split_port(written);
    if let (Some(name), Some(port)) = (known_host(name), port) {
        return Err((
            format!("{written:?} contains a port, but has to be a host"),
            format!("write MAIL_SERVER = {name:?} and MAIL_PORT = {port}"),
        ));
    }
    Err((format!("{written:?} is not a host"), PLAIN.to_owned()))
}

/// Splits `host:587` and `[::1]:587`.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, port))
            if !port.is_empty()
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && (name.ends_with(']') || !name.contains(':')) =>
        {
            (name, Some(port))
        }
        _ => (text, None),
    }
}

/// A host in the form that is looked up and compared with a certificate: in ASCII, without brackets
/// and without the root's dot.
fn known_host(text: &str) -> Option<String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(text).parse::<Ipv6Addr>() {
        return Some(address.to_string());
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.split('.').any(str::is_empty) {
        None
    } else if name.chars().all(plain) {
        Some(name.to_owned())
    } else {
        email::ascii_domain(name).filter(|_| !name.is_ascii())
    }
}

/// Reports a port and an encryption that do not match.
pub(super) fn mismatch(settings: &SmtpSettings) -> Option<Problem> {
    let port = settings.port;
    match settings.tls {
        SmtpTls::StartTls if port == IMPLICIT_TLS => Some(Problem::new(
            "MAIL_USE_TLS",
            "is on, but MAIL_PORT is 465: mail servers expect TLS from the first byte on that port, so this server would wait for a greeting in vain",
            "set MAIL_USE_SSL = true instead of MAIL_USE_TLS, or MAIL_PORT = 587",
        )),
        SmtpTls::None if port == IMPLICIT_TLS => Some(Problem::new(
            PORT,
            "is 465, where mail servers expect TLS from the first byte, but MAIL_USE_SSL is off",
            "set MAIL_USE_SSL = true",
        )),
        SmtpTls::Tls if CLEAR_TEXT.contains(&port) => Some(Problem::new(
            "MAIL_USE_SSL",
            format!("is on, but MAIL_PORT is {port}: mail servers start without TLS on that port"),
            if port == 587 {
                "set MAIL_USE_TLS = true instead of MAIL_USE_SSL, or MAIL_PORT = 465"
            } else {
                "set MAIL_PORT = 465, or MAIL_USE_TLS = true instead of MAIL_USE_SSL"
            },
        )),
        _ => None,
    }
}

/// Warnings about settings that are valid but probably a mistake.
pub(super) fn advise(settings: &SmtpSettings) -> Vec<Problem> {
    use secrecy::ExposeSecret as _;

    let mut advice = Vec::new();
    // For other hosts, a mismatch is an error.
    if is_loopback(&settings.host) {
        advice.extend(mismatch(settings));
    }
    match (&settings.username, &settings.password) {
        (Some(_), None) => advice.push(Problem::new(
            "MAIL_USERNAME",
            "is set, but MAIL_PASSWORD is not: emails are sent without authentication",
            "set MAIL_PASSWORD, or remove MAIL_USERNAME",
        )),
        (None, Some(_)) => advice.push(Problem::new(
            "MAIL_PASSWORD",
            "is set, but MAIL_USERNAME is not: emails are sent without authentication",
            "set MAIL_USERNAME, or remove MAIL_PASSWORD",
        )),
        _ => {}
    }
    let has_edges = |password: &secrecy::SecretString| {
        let password = password.expose_secret();
        password.trim() != password
    };
    if settings.password.as_ref().is_some_and(has_edges) {
        advice.push(Problem::new(
            "MAIL_PASSWORD",
            "begins or ends with white space, which is part of the password",
            "remove the white space, unless the password really contains it",
        ));
    }
    advice
}

#[cfg(test)]
mod tests {

    #[test]
    fn every_valid_spelling_of_a_host_is_accepted() {
        for (written, host) in [
            ("mail.example.com", "mail.example.com"),
            ("mail.example.com.", "mail.example.com"),
            ("localhost", "localhost"),
            ("mail_relay", "mail_relay"),
            ("192.0.2.1", "192.0.2.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("mail.b\u{fc}cher.example", "mail.xn--bcher-kva.example"),
        ] {
            assert_eq!(super::host(written).as_deref(), Ok(host), "{written}");
        }
    }

    #[test]
    fn an_invalid_host_is_refused_with_a_suggested_fix() {
        for (written, fix) in [
            (
                "mail.example.com:587",
                "MAIL_SERVER = \"mail.example.com\" and MAIL_PORT = 587",
            ),
            ("[::1]:25", "MAIL_SERVER = \"::1\" and MAIL_PORT = 25"),
            (
                "smtps://mail.example.com",
                "MAIL_SERVER = \"mail.example.com\", MAIL_PORT = 465 and MAIL_USE_SSL = true",
            ),
            (
                "smtp://user:hunter2@mail.example.com:2525/x",
                "MAIL_SERVER = \"mail.example.com\", MAIL_PORT = 2525 and MAIL_USE_TLS = true",
            ),
            ("user:hunter2@mail.example.com", "the host alone"),
            ("mail.example.com/", "the host alone"),
            ("mail example.com", "the host alone"),
            ("mail..example.com", "the host alone"),
            ("mail.example.com:", "the host alone"),
        ] {
            let (what, said) = super::host(written).unwrap_err();
            assert!(said.contains(fix), "{written}: {said}");
            assert!(
                !format!("{what}{said}").contains("hunter2"),
                "{what} {said}"
            );
        }
    }
}
