//! Mail by SMTP (RFC 5321), over connections that are kept for a while.

mod lines;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;

use self::lines::Lines;
use super::message::{self, Travelling};
use super::{MailError, Mailer, Outgoing, said};
use crate::http::fault::Fault;
use crate::settings::{SmtpSettings, SmtpTls};

/// How many mails are on their way at a time.
const CONNECTIONS: usize = 4;

/// How long a connection is kept for the next mail: servers wait for five minutes, what stands
/// between often for one.
const KEEP: Duration = Duration::from_secs(30);

/// How many mails one connection carries.
const MAILS_PER_CONNECTION: u32 = 50;

/// Sends mails to a server.
pub(super) struct Smtp {
    settings: SmtpSettings,
    hello: ClientId,
    tls: Option<TlsParameters>,
    patience: Duration,
    idle: Mutex<Vec<Idle>>,
    connections: Semaphore,
}

/// A connection on which nothing happens.
struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
    mails: u32,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.settings.host)
            .field("port", &self.settings.port)
            .field("tls", &self.settings.tls)
            .finish_non_exhaustive()
    }
}

impl Smtp {
    /// `domain` is ours: what we call ourselves.
    ///
    /// # Errors
    /// When the certificates of `MAIL_CA_FILE` cannot be read.
    pub(super) fn new(settings: &SmtpSettings, domain: &str) -> Result<Self, Fault> {
        let tls = match settings.tls {
            SmtpTls::None => None,
            SmtpTls::StartTls | SmtpTls::Tls => Some(tls(settings)?),
        };
        // Never the host's own name: it is nobody's business, and often no name of the DNS.
        let hello = if domain.contains('.') {
            ClientId::Domain(domain.to_owned())
        } else {
            ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST)
        };
        Ok(Self {
            patience: settings.timeout,
            settings: settings.clone(),
            hello,
            tls,
            idle: Mutex::default(),
            connections: Semaphore::new(CONNECTIONS),
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that works: one that was kept, or a new one. And how many mails it carried.
    async fn connection(&self) -> Result<(AsyncSmtpConnection, u32), MailError> {
        loop {
            let kept = self.idle().pop();
            let Some(mut kept) = kept else { break };
            if kept.since.elapsed() < KEEP && kept.connection.test_connected().await {
                return Ok((kept.connection, kept.mails));
            }
        }
        Ok((self.connect().await?, 0))
    }

    /// Whatever goes wrong here, whoever runs this can repair: the mail waits.
    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let (host, port) = (self.settings.host.as_str(), self.settings.port);
        let unreachable =
            |error: &dyn std::fmt::Display| later("MAIL_SERVER cannot be connected to", error);
        let mut connection = if self.settings.tls == SmtpTls::Tls {
            let (server, tls) = ((host, port), self.tls.clone());
            AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, tls, None).await
        } else {
            let stream = Lines::connect(host, port)
                .await
                .map_err(|error| unreachable(&error))?;
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await
        }
        .map_err(|error| unreachable(&error))?;
        if let (SmtpTls::StartTls, Some(tls)) = (self.settings.tls, &self.tls) {
            if !connection.can_starttls() {
                return Err(MailError::Later(
                    "MAIL_SERVER does not offer STARTTLS, which MAIL_USE_TLS asks for".to_owned(),
                ));
            }
            connection
                .starttls(tls.clone(), &self.hello)
                .await
                .map_err(|error| later("STARTTLS fails", &error))?;
        }
        if let Some(username) = &self.settings.username {
            let password = self
                .settings
                .password
                .as_ref()
                .map_or("", |password| password.expose_secret());
            let credentials = Credentials::new(username.clone(), password.to_owned());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await
                // What the server says may repeat who we said we are.
                .map_err(|error| match error.status() {
                    Some(code) => {
                        MailError::Later(format!("MAIL_SERVER does not let us in: {code}"))
                    }
                    None => later("signing in to MAIL_SERVER fails", &error),
                })?;
        }
        Ok(connection)
    }

    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Travelling,
    ) -> Result<(), MailError> {
        let offers = |extension| connection.server_info().supports_feature(extension);
        let mut options = Vec::new();
        if mail.needs_smtputf8() {
            if !offers(Extension::SmtpUtfEight) {
                return Err(MailError::Never(
                    "the address has letters beyond ASCII before its @, and MAIL_SERVER does not \
                     offer SMTPUTF8"
                        .to_owned(),
                ));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !mail.bytes.is_ascii() && offers(Extension::EightBitMime) {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let sender = mail.from().cloned();
        connection
            .command(Mail::new(sender, options))
            .await
            // A sender who is not welcome is a setting that is wrong.
            .map_err(|error| later("MAIL_SERVER refuses the sender", &error))?;
        for to in mail.envelope.to() {
            connection
                .command(Rcpt::new(to.clone(), Vec::new()))
                .await
                .map_err(|error| refused(&error, mail))?;
        }
        connection
            .command(Data)
            .await
            .map_err(|error| refused(&error, mail))?;
        connection
            .message(&mail.bytes)
            .await
            .map_err(|error| refused(&error, mail))?;
        Ok(())
    }

    async fn limited<T>(
        &self,
        what: impl Future<Output = Result<T, MailError>>,
    ) -> Result<T, MailError> {
        tokio::time::timeout(self.patience, what)
            .await
            .unwrap_or_else(|_| Err(MailError::Later("MAIL_SERVER takes too long".to_owned())))
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Outgoing) -> Result<(), MailError> {
        let mail = message::write(mail)?;
        let _permit = self.connections.acquire().await;
        let (mut connection, mails) = self.limited(self.connection()).await?;
        // After an error the connection is dropped: who knows what it would say next.
        self.limited(self.hand_over(&mut connection, &mail)).await?;
        if mails + 1 < MAILS_PER_CONNECTION {
            self.idle().push(Idle {
                connection,
                since: Instant::now(),
                mails: mails + 1,
            });
        }
        Ok(())
    }
}

/// Encryption, to whoever has a certificate for the server's name.
fn tls(settings: &SmtpSettings) -> Result<TlsParameters, Fault> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        let unreadable = |error: &dyn std::fmt::Display| {
            Fault::Internal(format!("MAIL_CA_FILE cannot be read: {error}"))
        };
        let pem = std::fs::read(path).map_err(|error| unreadable(&error))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| unreadable(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .build_rustls()
        .map_err(|error| Fault::Internal(format!("TLS to MAIL_SERVER cannot be set up: {error}")))
}

fn later(what: &str, error: &dyn std::fmt::Display) -> MailError {
    MailError::Later(format!("{what}: {}", said::clean(&error.to_string(), "")))
}

/// What a server's answer to a mail means: 5 at its beginning is the last word, but for those
/// that ask who we are.
fn refused(error: &Error, mail: &Travelling) -> MailError {
    const WHO_ARE_YOU: [u16; 4] = [530, 534, 535, 538];
    let about = mail.envelope.to().first().map_or("", AsRef::as_ref);
    let text = said::clean(&error.to_string(), about);
    match error.status() {
        Some(code) if error.is_permanent() && !WHO_ARE_YOU.contains(&u16::from(code)) => {
            MailError::Never(text)
        }
        _ => MailError::Later(text),
    }
}
