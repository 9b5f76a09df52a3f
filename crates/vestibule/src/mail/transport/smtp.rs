//! Sending mail by SMTP (RFC 5321), over connections that are kept for a while.

mod connect;
mod lines;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::sync::Semaphore;

use super::message::{self, Travelling};
use super::{DeliveryError, Mailer, Outgoing, said};
use crate::http::fault::Fault;
use crate::settings::{SmtpSettings, SmtpTls};

/// How many mails are sent at the same time.
const CONNECTIONS: usize = 4;

/// How long an idle connection is kept: servers wait for five minutes, but firewalls in between
/// often only for one.
const KEEP: Duration = Duration::from_secs(30);

/// How many mails are sent over one connection.
const MAILS_PER_CONNECTION: u32 = 50;

/// Sends mails to a mail server.
pub(super) struct Smtp {
    settings: SmtpSettings,
    hello: ClientId,
    tls: Option<TlsParameters>,
    patience: Duration,
    idle: Mutex<Vec<Idle>>,
    connections: Semaphore,
}

/// An idle connection.
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
    /// `domain` is the sender's, and the name in our EHLO.
    ///
    /// # Errors
    /// If the certificates of `MAIL_CA_FILE` cannot be read.
    pub(super) fn new(settings: &SmtpSettings, domain: &str) -> Result<Self, Fault> {
        let tls = match settings.tls {
            SmtpTls::None => None,
            SmtpTls::StartTls | SmtpTls::Tls => Some(tls(settings)?),
        };
        // Never the host's own name: it would leak, and often it is not in the DNS.
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

    /// A working connection, kept or new, and how many mails it has carried.
    async fn connection(&self) -> Result<(AsyncSmtpConnection, u32), DeliveryError> {
        let deadline = tokio::time::Instant::now() + self.patience;
        loop {
            let kept = self.idle().pop();
            let Some(mut kept) = kept else { break };
            if kept.since.elapsed() >= KEEP {
                continue;
            }
            // A kept connection that does not answer leaves enough time to open a new one; the
            // others would not answer either.
            let works = tokio::time::timeout(self.patience / 4, kept.connection.test_connected());
            match works.await {
                Ok(true) => return Ok((kept.connection, kept.mails)),
                Ok(false) => {}
                Err(_) => self.idle().clear(),
            }
        }
        Ok((self.connect(deadline).await?, 0))
    }

    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Travelling,
    ) -> Result<(), DeliveryError> {
        let offers = |extension| connection.server_info().supports_feature(extension);
        let mut options = Vec::new();
        if mail.needs_smtputf8() {
            if !offers(Extension::SmtpUtfEight) {
                return Err(DeliveryError::Blocked(connect::NO_SMTPUTF8.to_owned()));
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
            .map_err(|error| {
                connect::failed(
                    "MAIL_SERVER refuses the sender (SECURITY_EMAIL_SENDER)",
                    &error,
                )
            })?;
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
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError> {
        let mail = message::write(mail)?;
        let _permit = self.connections.acquire().await;
        let (mut connection, mails) = self.connection().await?;
        // After an error the connection is dropped, because its state is unknown.
        tokio::time::timeout(self.patience, self.hand_over(&mut connection, &mail))
            .await
            .unwrap_or_else(|_| {
                Err(DeliveryError::Blocked(
                    "MAIL_SERVER takes too long".to_owned(),
                ))
            })?;
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

/// TLS, only with a server whose certificate matches its name.
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

/// What a server's reply to a mail means. A permanent refusal is final unless it concerns us: then
/// the operator can fix the cause.
fn refused(error: &Error, mail: &Travelling) -> DeliveryError {
    let about = mail.envelope.to().first().map_or("", AsRef::as_ref);
    let text = error.to_string();
    let shown = said::clean(&text, about);
    match error.status() {
        Some(code) if error.is_permanent() => {
            if said::is_about_us(u16::from(code), &text) {
                DeliveryError::Blocked(shown)
            } else {
                DeliveryError::Never(shown)
            }
        }
        Some(_) => DeliveryError::Later(shown),
        None => DeliveryError::Blocked(shown),
    }
}
