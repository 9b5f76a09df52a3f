//! Settings of mail: the sender and the route.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::reader::Reader;
use super::{mail_server, sender};

/// How many times `MAIL_TIMEOUT` sending a mail may take: connecting and sending, for this mail and
/// for the one that uses the connection before it.
const WAITS: u32 = 4;

/// How long the host's sendmail program may take.
pub(crate) const SENDMAIL_TIMEOUT: Duration = Duration::from_secs(60);

/// How mail is sent.
#[derive(Debug, Clone)]
pub enum MailRoute {
    /// Not sent: kept for the developer, who reads it at `/dev/mailbox`.
    DevMailbox,
    /// Not sent and not kept (`MAIL_SUPPRESS_SEND`).
    Nowhere,
    /// By SMTP.
    Smtp(SmtpSettings),
    /// By a program of the host.
    Sendmail(PathBuf),
}

impl MailRoute {
    /// The longest time that sending a mail from the outbox may take.
    fn longest(&self) -> Duration {
        match self {
            Self::DevMailbox | Self::Nowhere => Duration::ZERO,
            Self::Smtp(smtp) => smtp.timeout * WAITS,
            Self::Sendmail(_) => SENDMAIL_TIMEOUT,
        }
    }
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// Not encrypted.
    None,
    /// With STARTTLS after the greeting, and never without (`MAIL_USE_TLS`).
    StartTls,
    /// From the first byte (`MAIL_USE_SSL`).
    Tls,
}

/// Settings of the mail server: `MAIL_SERVER` and related settings.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The server's name or address.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// The username for SMTP authentication.
    pub username: Option<String>,
    /// The password for SMTP authentication.
    pub password: Option<SecretString>,
    /// How long to wait for the server.
    pub timeout: Duration,
    /// A file of certificates (PEM) that are trusted in addition to the public authorities'.
    pub ca_file: Option<PathBuf>,
}

/// Settings of mail: `MAIL_*` and `SECURITY_EMAIL_*`.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// How mail is sent.
    pub route: MailRoute,
    /// The sender: an address, or a name and an address in angle brackets.
    pub sender: String,
    /// Whether mails have a plain-text part.
    pub text: bool,
    /// Whether mails have an HTML part.
    pub html: bool,
    /// The folder of templates that override the built-in ones.
    pub templates: Option<PathBuf>,
    /// How long a server that took a mail out of the outbox has it to itself.
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

    /// The sender's address without the name.
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

/// The lease of a mail. If sending took longer, a second server would send the same mail.
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
    // The names that Flask-Mailman uses.
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
