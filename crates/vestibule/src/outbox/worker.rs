//! Sends the mails and SMS in the outbox, and retries each until it is sent or given up.
//!
//! Several servers may share an outbox: each mail is leased to one of them at a time. If a server
//! dies while it sends, the others take over its mails once the lease ends. A mail that was sent
//! but not yet marked as sent is then sent twice. The same applies to SMS, which the store does not
//! tell from mails.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use vestibule_store::{Cutoffs, MailFate, QueuedMail};

use super::{DeliveryError, MailPayload, Payload, SmsPayload};
use crate::app::App;
use crate::http::fault::Fault;
use crate::mail::transport::{Mailer, Outgoing};
use crate::rng;
use crate::sms::transport::{SmsMessage, SmsSender};

/// How many mails are taken at a time.
const BATCH: u32 = 8;

/// How long the worker sleeps unless it is woken. Other servers write mails too and cannot wake it.
const SLEEP: Duration = Duration::from_secs(5);

/// How long a mail waits after its first failure; the pause doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The maximum age of a mail at its last attempt if the receiving side does not accept it. Links in
/// older mails have expired anyway.
const GIVE_UP_AFTER: Duration = Duration::from_secs(2 * 86_400);

/// The same if the failure is on our side. A lost mail goes unnoticed, so the operator gets time to
/// fix the cause.
const KEEP_BLOCKED: Duration = Duration::from_secs(30 * 86_400);

/// Why an SMS is given up although the service might still send it.
const EXPIRED: &str = "its code has expired, or will have before the next attempt";

/// How often expired rows are purged.
const CLEAN_EVERY: Duration = Duration::from_secs(3600);

/// How long failed mails and expired refresh-token families are kept for inspection.
const KEEP: Duration = Duration::from_secs(30 * 86_400);

/// What sends the deliveries.
#[derive(Debug, Clone)]
pub(crate) struct Transports {
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) sms: Arc<dyn SmsSender>,
}

/// Sends mails until `stop` completes; mails that are waiting then get one more attempt.
pub(crate) async fn run(app: App, transports: Transports, stop: impl Future<Output = ()>) {
    let working = app.outbox().begin_work();
    // Done now so that the first sign-in does not have to wait for it.
    let looking = app.clone();
    tokio::spawn(async move { looking.passwords().look_at_the_kinds().await });
    let mut cleaned: Option<OffsetDateTime> = None;
    tokio::pin!(stop);
    loop {
        // Registered before the outbox is read, so that a mail that arrives meanwhile wakes the
        // worker.
        let woken = app.outbox().notify.notified();
        let sent = send_due(&app, &transports).await;
        let now = app.clock().now();
        if cleaned.is_none_or(|at| now - at >= CLEAN_EVERY) {
            cleaned = Some(now);
            if let Err(error) = app.store().purge(cutoffs(&app, now)).await {
                tracing::warn!(%error, "expired records cannot be deleted");
            }
        }
        let pause = if sent > 0 { Duration::ZERO } else { SLEEP };
        tokio::select! {
            () = &mut stop => break,
            _ = tokio::time::timeout(pause, woken) => {}
        }
    }
    send_due(&app, &transports).await;
    drop(working);
}

/// The ages beyond which rows are purged. The reference uses the same families, so its setting
/// decides about them.
fn cutoffs(app: &App, now: OffsetDateTime) -> Cutoffs {
    let refresh = &app.settings().refresh;
    Cutoffs {
        secrets: now,
        failed_mails: now - KEEP,
        families: (refresh.enabled && refresh.cleanup_expired).then(|| now - KEEP),
    }
}

/// Sends the mails that are due; a failure to read the outbox is logged.
async fn send_due(app: &App, transports: &Transports) -> usize {
    batch(app, transports).await.unwrap_or_else(|fault| {
        tracing::error!(%fault, "the outbox cannot be read");
        0
    })
}

/// Sends the mails that are due and returns how many there were.
pub(crate) async fn batch(app: &App, transports: &Transports) -> Result<usize, Fault> {
    let now = app.clock().now();
    let claim = rng::hex::<16>(app.random());
    let mails = app
        .store()
        .claim_mails(&claim, now, now + app.settings().mail.lease, BATCH)
        .await?;
    let sending = mails.iter().map(|mail| one(app, transports, mail, &claim));
    let done = futures_util::future::join_all(sending).await;
    done.into_iter().collect::<Result<Vec<()>, Fault>>()?;
    Ok(mails.len())
}

async fn one(
    app: &App,
    transports: &Transports,
    mail: &QueuedMail,
    claim: &str,
) -> Result<(), Fault> {
    let payload = app.outbox().open(&mail.payload);
    let (what, until) = match &payload {
        Some(Payload::Sms(sms)) => ("SMS", Some(sms.until)),
        Some(Payload::Mail(_)) | None => ("mail", None),
    };
    let outcome = match payload {
        Some(payload) => deliver(app, transports, mail, payload).await,
        None => Err(DeliveryError::Blocked(
            "the mail was encrypted with a key that is no longer configured: add that key to SECRET_KEY_FALLBACKS"
                .to_owned(),
        )),
    };
    let blocked = matches!(outcome, Err(DeliveryError::Blocked(_)));
    let fate = fate(mail, until, outcome, app.clock().now());
    match &fate {
        MailFate::Sent => tracing::debug!(id = mail.message_id, "{what} sent"),
        MailFate::Later { error, .. } if blocked => {
            tracing::error!(
                id = mail.message_id,
                attempts = mail.attempts,
                error,
                "{what} delayed until this is fixed"
            );
        }
        MailFate::Later { error, .. } => {
            tracing::warn!(
                id = mail.message_id,
                attempts = mail.attempts,
                error,
                "{what} delayed"
            );
        }
        MailFate::Never { error, .. } => {
            tracing::error!(id = mail.message_id, error, "{what} given up");
        }
    }
    app.store().settle_mail(mail.id, claim, fate).await?;
    Ok(())
}

async fn deliver(
    app: &App,
    transports: &Transports,
    mail: &QueuedMail,
    payload: Payload,
) -> Result<(), DeliveryError> {
    match payload {
        Payload::Mail(payload) if payload.sent => {
            let outgoing = outgoing(app, mail, payload);
            transports.mailer.send(&outgoing).await
        }
        Payload::Sms(payload) if payload.sent => {
            if payload.until <= app.unix_now() {
                return Err(DeliveryError::Never(EXPIRED.to_owned()));
            }
            transports.sms.send(&message(mail, payload)).await
        }
        Payload::Mail(_) | Payload::Sms(_) => Ok(()),
    }
}

fn outgoing(app: &App, mail: &QueuedMail, payload: MailPayload) -> Outgoing {
    Outgoing {
        from: app.settings().mail.sender.clone(),
        to: payload.to,
        subject: payload.subject,
        text: payload.text,
        html: payload.html,
        message_id: mail.message_id.clone(),
        date: mail.created_at,
    }
}

fn message(mail: &QueuedMail, payload: SmsPayload) -> SmsMessage {
    SmsMessage {
        to: payload.to,
        text: payload.text,
        message_id: mail.message_id.clone(),
        date: mail.created_at,
    }
}

/// What happens to a mail or an SMS after an attempt. `until` is when it becomes useless, in
/// seconds since 1970, if it does before it is given up.
fn fate(
    mail: &QueuedMail,
    until: Option<i64>,
    outcome: Result<(), DeliveryError>,
    now: OffsetDateTime,
) -> MailFate {
    let (error, patience) = match outcome {
        Ok(()) => return MailFate::Sent,
        Err(DeliveryError::Never(error)) => return MailFate::Never { at: now, error },
        Err(DeliveryError::Later(error)) => (error, GIVE_UP_AFTER),
        Err(DeliveryError::Blocked(error)) => (error, KEEP_BLOCKED),
    };
    if now - mail.created_at >= patience {
        return MailFate::Never { at: now, error };
    }
    let doublings = u32::try_from(mail.attempts - 1).unwrap_or(0).min(16);
    let pause = FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE);
    let due_at = now + pause;
    if until.is_some_and(|until| until <= due_at.unix_timestamp()) {
        let error = format!("{error}; {EXPIRED}");
        return MailFate::Never { at: now, error };
    }
    MailFate::Later { due_at, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(attempts: i64) -> QueuedMail {
        QueuedMail {
            id: 1,
            message_id: "<1@localhost>".to_owned(),
            payload: String::new(),
            created_at: OffsetDateTime::UNIX_EPOCH,
            attempts,
        }
    }

    #[test]
    fn pauses_between_attempts_double_until_the_mail_is_given_up() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(100);
        let later = || Err(DeliveryError::Later("full".to_owned()));
        for (attempts, seconds) in [
            (1, 10),
            (2, 20),
            (3, 40),
            (9, 2560),
            (10, 3600),
            (1000, 3600),
        ] {
            let expected = MailFate::Later {
                due_at: now + Duration::from_secs(seconds),
                error: "full".to_owned(),
            };
            assert_eq!(
                fate(&mail(attempts), None, later(), now),
                expected,
                "{attempts}"
            );
        }
        let old = OffsetDateTime::UNIX_EPOCH + GIVE_UP_AFTER;
        assert!(matches!(
            fate(&mail(1), None, later(), old),
            MailFate::Never { .. }
        ));
        let blocked = || Err(DeliveryError::Blocked("no such host".to_owned()));
        assert!(matches!(
            fate(&mail(1), None, blocked(), old),
            MailFate::Later { .. }
        ));
        let older = OffsetDateTime::UNIX_EPOCH + KEEP_BLOCKED;
        assert!(matches!(
            fate(&mail(1), None, blocked(), older),
            MailFate::Never { .. }
        ));
        let never = Err(DeliveryError::Never("no such user".to_owned()));
        assert!(matches!(
            fate(&mail(1), None, never, now),
            MailFate::Never { .. }
        ));
        assert_eq!(fate(&mail(1), None, Ok(()), old), MailFate::Sent);
    }

    #[test]
    fn an_sms_is_given_up_if_its_code_expires_before_the_next_attempt() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(100);
        for (until, is_retried) in [(111, true), (110, false), (50, false)] {
            for failure in [DeliveryError::Later, DeliveryError::Blocked] {
                let outcome = Err(failure("busy".to_owned()));
                let fate = fate(&mail(1), Some(until), outcome, now);
                assert_eq!(
                    matches!(fate, MailFate::Later { .. }),
                    is_retried,
                    "{until}: {fate:?}"
                );
            }
        }
    }
}
