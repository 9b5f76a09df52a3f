//! SMS: written during the request, stored with the change that they are about, sent later.
//!
//! An SMS travels as a mail does ([`crate::mail`]): in the outbox, encrypted, in the transaction of
//! its change. Unlike a mail, it is given up when the code in it expires.

#[cfg(test)]
#[cfg(feature = "sms")]
mod fake_service;
#[cfg(test)]
#[cfg(feature = "sms")]
mod tests;
pub(crate) mod transport;

use std::time::Duration;

use vestibule_store::NewMail;

use crate::app::App;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::messages::Message;
use crate::outbox::{Payload, SmsPayload};
use crate::rng;
use crate::settings::hosts;

/// An SMS with a one-time code.
pub(crate) struct CodeSms<'a> {
    /// The recipient's number in E.164 form.
    pub(crate) to: &'a str,
    pub(crate) code: &'a str,
    /// How long the code is valid. The SMS is not sent later.
    pub(crate) within: Duration,
    /// Whether the SMS is sent. One that is not sent costs as much, so that the response time does
    /// not reveal whether it has a recipient.
    pub(crate) sent: bool,
}

/// Writes the SMS with a one-time code, for the outbox: the caller adds it to the mails of its
/// [`Change`](vestibule_store::Change).
///
/// # Errors
/// If the SMS cannot be encrypted.
#[cfg_attr(
    not(all(test, feature = "sms")),
    expect(dead_code, reason = "the features that send codes are not served yet")
)]
pub(crate) fn code_message(
    app: &App,
    info: &RequestInfo,
    sms: &CodeSms<'_>,
) -> Result<NewMail, Fault> {
    let now = app.clock().now();
    let payload = Payload::Sms(SmsPayload {
        to: sms.to.to_owned(),
        text: text(app, info, sms),
        until: (now + sms.within).unix_timestamp(),
        sent: sms.sent,
    });
    let payload = app
        .outbox()
        .seal(&payload, app.random())
        .ok_or_else(|| Fault::Internal("an SMS cannot be encrypted".to_owned()))?;
    Ok(NewMail {
        message_id: format!("sms_{}", rng::hex::<16>(app.random())),
        payload,
        created_at: now,
    })
}

/// The text of an SMS with a code, in the reader's language.
///
/// The last line is that of origin-bound one-time codes
/// (<https://wicg.github.io/sms-one-time-codes/>): browsers offer the code on pages of that host,
/// and on no other.
fn text(app: &App, info: &RequestInfo, sms: &CodeSms<'_>) -> String {
    let message = Message::UseCode
        .with("code", sms.code)
        .with("within", app.period(info, sms.within));
    let message = app.words(info).say(&message);
    let (host, code) = (host(app, info), sms.code);
    format!("{}\n\n@{host} #{code}", message.trim_end())
}

/// The host that the code is bound to: the public one, if it is configured, or the trusted host of
/// the request. The format has no place for a port.
fn host(app: &App, info: &RequestInfo) -> String {
    let http = &app.settings().http;
    let public = http.public_origin.as_deref();
    let host = match public.and_then(|origin| origin.split("://").nth(1)) {
        Some(public) => public.to_ascii_lowercase(),
        None => http.hosts.in_links(info.host()),
    };
    match hosts::split(&host) {
        Some((name, _)) => name.to_owned(),
        None => host,
    }
}
