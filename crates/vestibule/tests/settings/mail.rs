//! Mail settings: the sender and the mail server.

use vestibule::program::{Listening, MailRoute, Settings, SmtpSettings};

use crate::support::{SECRETS, local};

fn settings(lines: &str) -> Settings {
    Settings::from_toml(&format!("{SECRETS}{lines}")).unwrap_or_else(|error| panic!("{error:?}"))
}

fn advice(lines: &str) -> Vec<String> {
    let settings = settings(&format!(
        "SECURITY_LOGOUT_CSRF = true\nSECURITY_RETURN_GENERIC_RESPONSES = true\n{lines}"
    ));
    settings.advice.iter().map(ToString::to_string).collect()
}

fn smtp(lines: &str) -> SmtpSettings {
    match settings(lines).mail.route {
        MailRoute::Smtp(smtp) => smtp,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_sender_is_trimmed_and_its_domain_converted_to_ascii() {
    for (written, sender) in [
        ("\"care@b\u{fc}cher.example\"", "care@xn--bcher-kva.example"),
        ("\"  care@example.com\\n\"", "care@example.com"),
        (
            "\" Care < care@b\u{fc}cher.example > \"",
            "Care <care@xn--bcher-kva.example>",
        ),
        (
            "\"\\\"Care, Ltd.\\\" <care@example.com>\"",
            "\"Care, Ltd.\" <care@example.com>",
        ),
        (
            "[\"Accounts\", \"accounts@example.com\"]",
            "Accounts <accounts@example.com>",
        ),
        (
            "[\" Accounts \", \" accounts@b\u{fc}cher.example \"]",
            "Accounts <accounts@xn--bcher-kva.example>",
        ),
    ] {
        for key in ["SECURITY_EMAIL_SENDER", "MAIL_DEFAULT_SENDER"] {
            assert_eq!(settings(&format!("{key} = {written}")).mail.sender, sender);
        }
    }
    assert_eq!(settings("").mail.sender, "no-reply@localhost");
}

#[test]
fn an_invalid_sender_is_refused_with_the_invalid_part() {
    for (written, part) in [
        ("\"example.com\"", "no address with an @"),
        ("\"Care <care@example.com\"", "not closed with a >"),
        ("\"care@\"", "part of the address is missing"),
        ("\"<@example.com>\"", "part of the address is missing"),
        ("\"ca re@example.com\"", "before the @"),
        ("\"care@exa mple.com\"", "not a domain"),
        ("\"care@-example.com\"", "not a domain"),
        ("\"Care\\nBcc: x <care@example.com>\"", "line break"),
        ("[\"Care\"]", "no address with an @"),
        ("5", "no address with an @"),
    ] {
        for key in ["SECURITY_EMAIL_SENDER", "MAIL_DEFAULT_SENDER"] {
            let said = local(&format!("{key} = {written}"));
            assert_eq!(said.len(), 1, "{written}: {said:?}");
            assert!(said[0].starts_with(&format!("{key}: ")), "{}", said[0]);
            assert!(said[0].contains(part), "{written}: {part:?} in {}", said[0]);
            assert!(said[0].contains("Example <accounts@example.com>"));
        }
    }
}

#[test]
fn a_subject_with_a_line_break_is_refused() {
    let said = local("SECURITY_EMAIL_SUBJECT_REGISTER = \"\"\"Welcome\n\"\"\"");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("on one line"), "{}", said[0]);
}

#[test]
fn white_space_around_the_mail_server_and_the_username_is_ignored() {
    let smtp = smtp(
        "MAIL_SERVER = \" mail.example.com. \"\nMAIL_USERNAME = \" us er \"\nMAIL_PASSWORD = \"x\"\nMAIL_USE_TLS = true\nMAIL_PORT = 587",
    );
    assert_eq!(smtp.host, "mail.example.com");
    assert_eq!(smtp.username.as_deref(), Some("us er"));
    assert!(matches!(
        settings("MAIL_SERVER = \"  \"").mail.route,
        MailRoute::DevMailbox
    ));
}

#[test]
fn invalid_mail_server_settings_stop_the_start() {
    for (lines, parts) in [
        (
            "MAIL_SERVER = \"mail.example.com:587\"",
            &["MAIL_SERVER", "MAIL_PORT = 587"][..],
        ),
        (
            "MAIL_SERVER = \"smtps://user:hunter2@mail.example.com\"",
            &[
                "MAIL_SERVER = \"mail.example.com\"",
                "MAIL_PORT = 465 and MAIL_USE_SSL = true",
            ],
        ),
        (
            "MAIL_SERVER = \"mail.example.com\"\nMAIL_PORT = 465\nMAIL_USE_TLS = true",
            &[
                "MAIL_USE_TLS",
                "465",
                "MAIL_USE_SSL = true",
                "MAIL_PORT = 587",
            ],
        ),
        (
            "MAIL_SERVER = \"mail.example.com\"\nMAIL_PORT = 465",
            &["MAIL_PORT", "465", "MAIL_USE_SSL = true"],
        ),
        (
            "MAIL_SERVER = \"mail.example.com\"\nMAIL_PORT = 587\nMAIL_USE_SSL = true",
            &[
                "MAIL_USE_SSL",
                "587",
                "MAIL_USE_TLS = true",
                "MAIL_PORT = 465",
            ],
        ),
        // The default port is 25.
        (
            "MAIL_SERVER = \"mail.example.com\"\nMAIL_USE_SSL = true",
            &["MAIL_USE_SSL", "MAIL_PORT is 25", "set MAIL_PORT = 465"],
        ),
        (
            "MAIL_SERVER = \"mail.example.com\"\nMAIL_PORT = 465\nMAIL_USE_SSL = true\nMAIL_USE_TLS = true",
            &["MAIL_USE_SSL", "so is MAIL_USE_TLS"],
        ),
    ] {
        let said = local(lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
        assert!(!said[0].contains("hunter2"), "{}", said[0]);
    }
    for fine in [
        "MAIL_PORT = 587\nMAIL_USE_TLS = true",
        "MAIL_PORT = 465\nMAIL_USE_SSL = true",
        "MAIL_PORT = 2465\nMAIL_USE_SSL = true",
        "MAIL_PORT = 25",
    ] {
        let lines = format!("MAIL_SERVER = \"mail.example.com\"\n{fine}");
        assert_eq!(local(&lines), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn unusual_mail_settings_get_advice() {
    let from = "SECURITY_EMAIL_SENDER = \"care@example.com\"";
    let server = "MAIL_SERVER = \"mail.example.com\"";
    for (lines, parts) in [
        (
            server.to_owned(),
            &["SECURITY_EMAIL_SENDER", "no-reply@localhost", "your domain"][..],
        ),
        (
            "MAIL_SERVER = \"localhost\"".to_owned(),
            &["SECURITY_EMAIL_SENDER", "no-reply@localhost"],
        ),
        (
            "MAIL_BACKEND = \"sendmail\"".to_owned(),
            &["SECURITY_EMAIL_SENDER", "no-reply@localhost"],
        ),
        (
            format!("{server}\nSECURITY_EMAIL_SENDER = \"care@localhost\""),
            &["SECURITY_EMAIL_SENDER", "care@localhost", "elsewhere"],
        ),
        (
            format!("{server}\nSECURITY_EMAIL_SENDER = \"c\u{e1}re@example.com\""),
            &["SECURITY_EMAIL_SENDER", "SMTPUTF8", "in ASCII"],
        ),
        (
            format!(
                "{server}\n{from}\nMAIL_PORT = 587\nMAIL_USE_TLS = true\nMAIL_USERNAME = \"u\""
            ),
            &["MAIL_USERNAME", "without authentication", "MAIL_PASSWORD"],
        ),
        (
            format!("{server}\n{from}\nMAIL_PASSWORD = \"p\""),
            &["MAIL_PASSWORD", "without authentication", "MAIL_USERNAME"],
        ),
        (
            format!(
                "MAIL_SERVER = \"localhost\"\n{from}\nMAIL_USERNAME = \"u\"\nMAIL_PASSWORD = \" p\""
            ),
            &["MAIL_PASSWORD", "white space"],
        ),
        // Only advice: a tunnel on the same machine may accept plain text on any port.
        (
            format!("MAIL_SERVER = \"localhost\"\n{from}\nMAIL_PORT = 465"),
            &["MAIL_PORT", "465", "MAIL_USE_SSL"],
        ),
    ] {
        let said = advice(&lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
    }
    for fine in [
        format!("{server}\n{from}"),
        "MAIL_SERVER = \"localhost\"\nSECURITY_EMAIL_SENDER = \"care@localhost\"".to_owned(),
        String::new(),
        "MAIL_SUPPRESS_SEND = true".to_owned(),
    ] {
        assert_eq!(advice(&fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn a_localhost_sender_is_warned_about_at_each_start() {
    let warned = |lines: &str| {
        let warnings = settings(lines).warnings(Listening::Local);
        warnings
            .iter()
            .any(|one| one.key == "SECURITY_EMAIL_SENDER")
    };
    assert!(warned("MAIL_SERVER = \"mail.example.com\""));
    assert!(!warned(""));
    assert!(!warned(
        "MAIL_SERVER = \"mail.example.com\"\nSECURITY_EMAIL_SENDER = \"care@example.com\""
    ));
}
