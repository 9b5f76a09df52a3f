//! Opening a connection to the mail server, and explaining why one cannot be opened.

use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::Extension;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::lines::Lines;
use super::{DeliveryError, Smtp, SmtpTls, said};

/// How long the server may take to reply to a probe's QUIT.
const GOODBYE: Duration = Duration::from_secs(2);

/// How rustls names a reply that is not TLS.
const NOT_TLS: &str = "InvalidContentType";

impl Smtp {
    /// A connection that is ready for mails. The operator can fix every failure here, so the mail
    /// waits.
    pub(super) async fn connect(
        &self,
        deadline: Instant,
    ) -> Result<AsyncSmtpConnection, DeliveryError> {
        let mut connection = self.greet(deadline).await?;
        if let (SmtpTls::StartTls, Some(tls)) = (self.settings.tls, &self.tls) {
            if !connection.can_starttls() {
                return Err(DeliveryError::Blocked(
                    "MAIL_SERVER does not offer STARTTLS, which MAIL_USE_TLS requires; check MAIL_PORT, which is often 587"
                        .to_owned(),
                ));
            }
            let encrypting = connection.starttls(tls.clone(), &self.hello);
            within(deadline, encrypting)
                .await
                .ok_or_else(|| self.silent("does not respond to STARTTLS"))?
                .map_err(|error| {
                    let text = error.to_string();
                    DeliveryError::Blocked(format!(
                        "STARTTLS failed: {}; {}",
                        said::clean(&text, ""),
                        fix(&text)
                    ))
                })?;
        }
        // As in the reference, we sign in only if both are set.
        if let (Some(username), Some(password)) = (&self.settings.username, &self.settings.password)
        {
            let password = password.expose_secret().to_owned();
            let credentials = Credentials::new(username.clone(), password);
            let signing_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            within(deadline, signing_in)
                .await
                .ok_or_else(|| self.silent("does not respond to the authentication"))?
                // The server's reply may repeat the username.
                .map_err(|error| match error.status() {
                    Some(code) => DeliveryError::Blocked(format!(
                        "MAIL_SERVER refuses MAIL_USERNAME and MAIL_PASSWORD: {code}"
                    )),
                    None => failed("authentication with MAIL_SERVER failed", &error),
                })?;
        }
        Ok(connection)
    }

    /// Connects and waits for the greeting.
    async fn greet(&self, deadline: Instant) -> Result<AsyncSmtpConnection, DeliveryError> {
        let (host, port) = (self.settings.host.as_str(), self.settings.port);
        let unreachable = |error: &dyn std::fmt::Display| {
            DeliveryError::Blocked(format!(
                "cannot connect to {}: {}; {}",
                self.place(),
                said::clean(&error.to_string(), ""),
                fix(&error.to_string()),
            ))
        };
        if self.settings.tls == SmtpTls::Tls {
            let (server, tls) = ((host, port), self.tls.clone());
            let connecting =
                AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, tls, None);
            return within(deadline, connecting)
                .await
                .ok_or_else(|| {
                    self.silent(
                        "does not respond with TLS: MAIL_PORT may be wrong, a firewall may block the connection, or the server starts without TLS, as on ports 587 and 25, where MAIL_USE_TLS is right instead of MAIL_USE_SSL",
                    )
                })?
                .map_err(|error| {
                    if format!("{error:?}").contains(NOT_TLS) {
                        DeliveryError::Blocked(format!(
                            "{} responds without TLS: the server starts without TLS, as on ports 587 and 25; set MAIL_USE_TLS = true instead of MAIL_USE_SSL",
                            self.place()
                        ))
                    } else {
                        unreachable(&error)
                    }
                });
        }
        let stream = within(deadline, Lines::connect(host, port))
            .await
            .ok_or_else(|| {
                self.silent(
                    "does not accept the connection: MAIL_PORT may be wrong, or a firewall may block the connection",
                )
            })?
            .map_err(|error| unreachable(&error))?;
        let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello);
        within(deadline, greeting)
            .await
            .ok_or_else(|| {
                self.silent(
                    "accepts the connection but sends no greeting: it may expect TLS from the first byte, as on port 465, where MAIL_USE_SSL is right instead of MAIL_USE_TLS",
                )
            })?
            .map_err(|error| unreachable(&error))
    }

    /// Connects as for a mail, sends none, and describes the connection.
    pub(in super::super) async fn probe(&self, sender: &str) -> Result<String, DeliveryError> {
        let mut connection = self.connect(Instant::now() + self.patience).await?;
        let takes_utf8 = connection
            .server_info()
            .supports_feature(Extension::SmtpUtfEight);
        // The reply to QUIT does not matter.
        let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
        if !sender.is_ascii() && !takes_utf8 {
            return Err(DeliveryError::Blocked(NO_SMTPUTF8.to_owned()));
        }
        let encryption = match self.settings.tls {
            SmtpTls::None => "without encryption",
            SmtpTls::StartTls => "STARTTLS",
            SmtpTls::Tls => "TLS",
        };
        let signed_in = self.settings.username.is_some() && self.settings.password.is_some();
        let signed_in = if signed_in { ", signed in" } else { "" };
        Ok(format!("{} answers, {encryption}{signed_in}", self.place()))
    }

    fn place(&self) -> String {
        let (host, port) = (&self.settings.host, self.settings.port);
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }

    fn silent(&self, what: &str) -> DeliveryError {
        DeliveryError::Blocked(format!("{} {what} ({:?})", self.place(), self.patience))
    }
}

/// Why a mail whose sender or recipient has a local part that is not ASCII cannot be sent.
pub(super) const NO_SMTPUTF8: &str =
    "an address has non-ASCII letters before the @, but MAIL_SERVER does not offer SMTPUTF8";

/// How to fix a connection that cannot be opened.
fn fix(error: &str) -> &'static str {
    if error.contains("certificate") {
        "set MAIL_SERVER to the name in the server's certificate, or set MAIL_CA_FILE for your own certificate authority"
    } else {
        "check MAIL_SERVER and MAIL_PORT, and that the server is running"
    }
}

async fn within<T>(deadline: Instant, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(deadline, what).await.ok()
}

/// A failure before the recipient is named, which therefore has nothing to do with them.
pub(super) fn failed(what: &str, error: &dyn std::fmt::Display) -> DeliveryError {
    DeliveryError::Blocked(format!("{what}: {}", said::clean(&error.to_string(), "")))
}
