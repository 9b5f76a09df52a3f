//! Mail: rendered during the request, stored with the change that it is about, sent later.
//!
//! A mail is written to the outbox in the same transaction as the change that it announces
//! ([`Change`]), so that neither exists without the other. A worker ([`crate::outbox`]) sends it. The
//! database holds it encrypted, because mails contain secrets.

pub(crate) mod addressee;
pub(crate) mod mailbox;
pub(crate) mod rehearsal;
pub(crate) mod render;
pub(crate) mod transport;

use std::time::Duration;

use serde_json::{Map, Value};
use vestibule_store::{Change, NewMail, User};

use self::render::Bodies;
use crate::app::App;
use crate::audit::AuditRecord;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::messages::period;
use crate::outbox::{MailPayload, Payload};
use crate::rng;
use crate::settings::MailTemplate;

/// A mail to be rendered.
#[derive(Debug)]
pub(crate) struct Email<'a> {
    pub(crate) template: &'a MailTemplate,
    pub(crate) to: &'a str,
    /// The variables of the template.
    pub(crate) context: Map<String, Value>,
    /// Whether the mail is sent. One that is not sent costs as much, so that the response time does
    /// not reveal whether it has a recipient.
    pub(crate) sent: bool,
}

impl Email<'_> {
    /// A mail that is sent.
    pub(crate) fn new<'a>(
        template: &'a MailTemplate,
        to: &'a str,
        context: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Email<'a> {
        let context = context.into_iter();
        Email {
            template,
            to,
            context: context
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            sent: true,
        }
    }
}

/// The variables that describe a user to a template.
pub(crate) fn about(user: &User) -> Value {
    person(user.email.as_deref(), user.username.as_deref())
}

/// The same for a user that does not exist yet.
pub(crate) fn person(email: Option<&str>, username: Option<&str>) -> Value {
    serde_json::json!({ "email": email, "username": username })
}

impl App {
    /// Renders a mail for the outbox.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    pub(crate) fn write(
        &self,
        info: &RequestInfo,
        email_message: &Email<'_>,
    ) -> Result<NewMail, Fault> {
        let settings = &self.settings().mail;
        let bodies = Bodies {
            text: settings.text,
            html: settings.html,
        };
        let path = &email_message.template.path;
        let rendered = self
            .renderer()
            .render(
                path,
                info.locale(),
                self.messages().catalogues(),
                &email_message.context,
                bodies,
            )
            .map_err(|error| Fault::Internal(format!("a mail cannot be rendered: {error}")))?;
        let words = self.words(info);
        let subject = words.translate(&email_message.template.subject);
        let payload = Payload::Mail(MailPayload {
            to: email_message.to.to_owned(),
            subject: subject.to_owned(),
            text: rendered.text,
            html: rendered.html,
            sent: email_message.sent,
        });
        let payload = self
            .outbox()
            .seal(&payload, self.random())
            .ok_or_else(|| Fault::Internal("a mail cannot be encrypted".to_owned()))?;
        let domain = settings
            .sender_address()
            .rsplit('@')
            .next()
            .unwrap_or_default();
        Ok(NewMail {
            message_id: format!("<{}@{domain}>", rng::hex::<16>(self.random())),
            payload,
            created_at: self.clock().now(),
        })
    }

    /// Stores a mail that belongs to no other change, and the audit record of its event. Without an
    /// event, the mail has no recipient, and we do the same work.
    pub(crate) async fn send(
        &self,
        info: &RequestInfo,
        email_message: &Email<'_>,
        event: Option<&Event<'_>>,
    ) -> Result<(), Fault> {
        let mails = vec![self.write(info, email_message)?];
        self.apply_or_pad(info, mails, event).await
    }

    /// Writes the audit record of an event for which the application sends a mail of its own.
    /// Without an event, we do the same work.
    pub(crate) async fn record_or_pad(
        &self,
        info: &RequestInfo,
        event: Option<&Event<'_>>,
    ) -> Result<(), Fault> {
        self.apply_or_pad(info, Vec::new(), event).await
    }

    /// Stores deliveries that belong to no other change, and the audit record of their event.
    /// Without an event, they have no recipient, and we do the same work.
    pub(crate) async fn apply_or_pad(
        &self,
        info: &RequestInfo,
        mails: Vec<NewMail>,
        event: Option<&Event<'_>>,
    ) -> Result<(), Fault> {
        let audit_record = event.map_or(
            AuditRecord {
                kind: "mail_for_nobody",
                user_id: None,
                detail: None,
            },
            AuditRecord::of,
        );
        let change = Change {
            mails,
            events: self
                .chain()
                .entries(vec![audit_record.entry(self, Some(info))]),
            ..Change::default()
        };
        self.apply(change).await?;
        if let Some(event) = event {
            self.hooks().emit(event, info);
        } else {
            // The log must not tell the two cases apart by its volume either.
            tracing::info!("a mail was requested for an address that gets none");
        }
        Ok(())
    }

    /// A duration in the reader's language: "2 days", "1 hour and 30 minutes".
    pub(crate) fn period(&self, info: &RequestInfo, length: Duration) -> String {
        let words = self.words(info);
        period::in_words(length, |word| words.translate(word))
    }
}
