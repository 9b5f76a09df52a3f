//! Mail: from whom, and how it leaves.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::reader::Reader;
use super::{mail_server, sender};

/// How often a mail may wait for that long: to connect and to be sent, and before that for the
/// mail whose connection it gets.
const WAITS: u32 = 4;

/// How long the host's program may take.
pub(crate) const SENDMAIL_TIMEOUT: Duration = Duration::from_secs(60);

/// How mail leaves.
#[derive(Debug, Clone)]
pub enum MailRoute {
    /// It does not: it is kept for the developer, who reads it at `/dev/mailbox`.
    DevMailbox,
    /// It does not, and nobody reads it (`MAIL_SUPPRESS_SEND`).
    Nowhere,
    /// By SMTP.
    Smtp(SmtpSettings),
    /// By a program of the host.
    Sendmail(PathBuf),
}

impl MailRoute {
    /// The longest that a mail may be under way from the outbox.
    fn longest(&self) -> Duration {
        match self {
            Self::DevMailbox | Self::Nowhere => Duration::ZERO,
            Self::Smtp(smtp) => smtp.timeout * WAITS,
            Self::Sendmail(_) => SENDMAIL_TIMEOUT,
        }
    }
}

/// How the connection to a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// It is not.
    None,
    /// From the greeting on, or not at all (`MAIL_USE_TLS`).
    StartTls,
    /// From the first byte on (`MAIL_USE_SSL`).
    Tls,
}

/// `MAIL_SERVER` and what belongs to it.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Encryption.
    pub tls: SmtpTls,
    /// Whom to sign in as.
    pub username: Option<String>,
    /// With which password.
    pub password: Option<SecretString>,
    /// How long to wait for it.
    pub timeout: Duration,
    /// A file of certificates (PEM) that are trusted beside the public authorities'.
    pub ca_file: Option<PathBuf>,
}

/// `MAIL_*` and `SECURITY_EMAIL_*`.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// How it leaves.
    pub route: MailRoute,
    /// From whom: an address, or a name and an address in angle brackets.
    pub sender: String,
    /// Whether mails have a part in plain text.
    pub text: bool,
    /// Whether mails have a part in HTML.
    pub html: bool,
    /// Where templates are that replace ours.
    pub templates: Option<PathBuf>,
    /// For how long a mail that a server has taken out of the outbox is nobody else's.
    pub lease: Duration,
}

impl MailSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let (text, html) = (
            reader.flag("SECURITY_EMAIL_PLAINTEXT"),
            reader.flag("SECURITY_EMAIL_HTML"),
        );
        if !text && !html {
            reader.problem(
                "SECURITY_EMAIL_PLAINTEXT",
                "is off, and so is SECURITY_EMAIL_HTML: emails would be empty",
                "switch one of them on",
            );
        }
        let sender = sender::read(reader);
        let route = route(reader);
        Self {
            lease: lease(reader, &route),
            route,
            sender,
            text,
            html,
            templates: reader
                .optional_text("SECURITY_TEMPLATES_FOLDER")
                .map(PathBuf::from),
        }
    }

    /// The address alone.
    #[must_use]
    pub fn sender_address(&self) -> &str {
        address_of(&self.sender)
    }
}

/// The address in `Name <address>`.
fn address_of(mailbox: &str) -> &str {
    mailbox
        .rsplit_once('<')
        .map_or(mailbox, |(_, rest)| rest.trim_end_matches('>'))
}

/// Two servers send the same mail if one of them needs longer than this.
fn lease(reader: &mut Reader<'_>, route: &MailRoute) -> Duration {
    const KEY: &str = "VESTIBULE_OUTBOX_LEASE";
    let lease = reader.duration(KEY);
    let sending = route.longest();
    if sending > Duration::ZERO && lease <= sending {
        reader.problem(
            KEY,
            format!(
                "is not longer than the {} seconds that sending may take",
                sending.as_secs()
            ),
            "remove it for the default, 5 minutes, or lower MAIL_TIMEOUT",
        );
    }
    lease
}

fn route(reader: &mut Reader<'_>) -> MailRoute {
    const BACKEND: &str = "MAIL_BACKEND";
    #[derive(Clone, Copy, PartialEq)]
    enum Backend {
        Smtp,
        Sendmail,
        Nowhere,
    }
    // Flask-Mailman's names.
    let backends = [
        ("smtp", Backend::Smtp),
        ("sendmail", Backend::Sendmail),
        ("dummy", Backend::Nowhere),
        ("locmem", Backend::Nowhere),
    ];
    let backend = reader.word(BACKEND, &backends).unwrap_or(Backend::Smtp);
    if reader.flag("MAIL_SUPPRESS_SEND") || backend == Backend::Nowhere {
        return MailRoute::Nowhere;
    }
    if backend == Backend::Sendmail {
        return MailRoute::Sendmail(PathBuf::from(reader.text("MAIL_SENDMAIL").trim()));
    }
    let Some(smtp) = mail_server::read(reader) else {
        return MailRoute::DevMailbox;
    };
    if cfg!(not(feature = "smtp")) {
        reader.problem(
            "MAIL_SERVER",
            "is set, but this program was built without SMTP",
            "build the program with the feature smtp, or set MAIL_BACKEND = \"sendmail\"",
        );
    }
    MailRoute::Smtp(smtp)
}
