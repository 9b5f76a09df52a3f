//! Sends what waits, one after the other, again and again until it is sent or hopeless.
//!
//! Several servers may share an outbox: each mail is handed to one of them at a time. A server
//! that dies while it sends leaves its mails to the others when its lease is over; then a mail
//! that was sent and not yet forgotten is sent once more.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use vestibule_store::{Cutoffs, MailFate, QueuedMail};

use super::Sealed;
use super::transport::{MailError, Mailer, Outgoing};
use crate::app::App;
use crate::http::fault::Fault;
use crate::rng;

/// How many are taken at a time.
const BATCH: u32 = 8;

/// How long the worker sleeps when nobody wakes it: other servers write mails, too.
const SLEEP: Duration = Duration::from_secs(5);

/// How long a mail waits after it failed for the first time; twice as long each time after.
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The longest that it waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// How old a mail may be when it is tried for the last time, where the receiving side does not
/// take it: links are too old by then.
const GIVE_UP_AFTER: Duration = Duration::from_secs(2 * 86_400);

/// The same where the fault is on our side. Nobody is told of a mail that is gone: the operator
/// gets the time to repair what is wrong.
const KEEP_BLOCKED: Duration = Duration::from_secs(30 * 86_400);

/// How often what is over is forgotten.
const CLEAN_EVERY: Duration = Duration::from_secs(3600);

/// For how long mails that were given up, and families of refresh tokens that expired, can
/// still be looked into.
const KEEP: Duration = Duration::from_secs(30 * 86_400);

/// Sends mails until `stop` is done; what waits at that moment gets one more try.
pub(crate) async fn run(app: App, mailer: Arc<dyn Mailer>, stop: impl Future<Output = ()>) {
    let working = app.outbox().begin_work();
    // So that the first sign-in does not wait for it.
    let looking = app.clone();
    tokio::spawn(async move { looking.passwords().look_at_the_kinds().await });
    let mut cleaned: Option<OffsetDateTime> = None;
    tokio::pin!(stop);
    loop {
        // Taken before the look, so that a mail that comes during it is not slept over.
        let woken = app.outbox().notify.notified();
        let sent = send_due(&app, &*mailer).await;
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
    send_due(&app, &*mailer).await;
    drop(working);
}

/// What is over at a moment. Families belong to the reference, too: its setting decides.
fn cutoffs(app: &App, now: OffsetDateTime) -> Cutoffs {
    let refresh = &app.settings().refresh;
    Cutoffs {
        secrets: now,
        failed_mails: now - KEEP,
        families: (refresh.enabled && refresh.cleanup_expired).then(|| now - KEEP),
    }
}

/// Sends what is due, and says so in the log when that cannot be found out.
async fn send_due(app: &App, mailer: &dyn Mailer) -> usize {
    batch(app, mailer).await.unwrap_or_else(|fault| {
        tracing::error!(%fault, "the outbox cannot be read");
        0
    })
}

/// Sends what is due; how many mails that were.
pub(crate) async fn batch(app: &App, mailer: &dyn Mailer) -> Result<usize, Fault> {
    let now = app.clock().now();
    let claim = rng::hex::<16>(app.random());
    let mails = app
        .store()
        .claim_mails(&claim, now, now + app.settings().mail.lease, BATCH)
        .await?;
    let sending = mails.iter().map(|mail| one(app, mailer, mail, &claim));
    let done = futures_util::future::join_all(sending).await;
    done.into_iter().collect::<Result<Vec<()>, Fault>>()?;
    Ok(mails.len())
}

async fn one(app: &App, mailer: &dyn Mailer, mail: &QueuedMail, claim: &str) -> Result<(), Fault> {
    let outcome = match open(app, mail) {
        Some((true, outgoing)) => mailer.send(&outgoing).await,
        Some((false, _)) => Ok(()),
        None => Err(MailError::Blocked(
            "the mail was encrypted with a key that is no longer configured: add that key to SECRET_KEY_FALLBACKS"
                .to_owned(),
        )),
    };
    let blocked = matches!(outcome, Err(MailError::Blocked(_)));
    let fate = fate(mail, outcome, app.clock().now());
    match &fate {
        MailFate::Sent => tracing::debug!(id = mail.message_id, "mail sent"),
        MailFate::Later { error, .. } if blocked => {
            tracing::error!(
                id = mail.message_id,
                attempts = mail.attempts,
                error,
                "mail delayed until this is fixed"
            );
        }
        MailFate::Later { error, .. } => {
            tracing::warn!(
                id = mail.message_id,
                attempts = mail.attempts,
                error,
                "mail delayed"
            );
        }
        MailFate::Never { error, .. } => {
            tracing::error!(id = mail.message_id, error, "mail given up");
        }
    }
    app.store().settle_mail(mail.id, claim, fate).await?;
    Ok(())
}

fn open(app: &App, mail: &QueuedMail) -> Option<(bool, Outgoing)> {
    let json = app.outbox().sealer.open(&mail.payload)?;
    let sealed: Sealed = serde_json::from_slice(&json).ok()?;
    let outgoing = Outgoing {
        from: app.settings().mail.sender.clone(),
        to: sealed.to,
        subject: sealed.subject,
        text: sealed.text,
        html: sealed.html,
        message_id: mail.message_id.clone(),
        date: mail.created_at,
    };
    Some((sealed.sent, outgoing))
}

fn fate(mail: &QueuedMail, outcome: Result<(), MailError>, now: OffsetDateTime) -> MailFate {
    let (error, patience) = match outcome {
        Ok(()) => return MailFate::Sent,
        Err(MailError::Never(error)) => return MailFate::Never { at: now, error },
        Err(MailError::Later(error)) => (error, GIVE_UP_AFTER),
        Err(MailError::Blocked(error)) => (error, KEEP_BLOCKED),
    };
    if now - mail.created_at >= patience {
        return MailFate::Never { at: now, error };
    }
    let doublings = u32::try_from(mail.attempts - 1).unwrap_or(0).min(16);
    let pause = FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE);
    MailFate::Later {
        due_at: now + pause,
        error,
    }
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
    fn a_mail_waits_longer_each_time_and_not_for_ever() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(100);
        let later = || Err(MailError::Later("full".to_owned()));
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
            assert_eq!(fate(&mail(attempts), later(), now), expected, "{attempts}");
        }
        let old = OffsetDateTime::UNIX_EPOCH + GIVE_UP_AFTER;
        assert!(matches!(
            fate(&mail(1), later(), old),
            MailFate::Never { .. }
        ));
        let blocked = || Err(MailError::Blocked("no such host".to_owned()));
        assert!(matches!(
            fate(&mail(1), blocked(), old),
            MailFate::Later { .. }
        ));
        let older = OffsetDateTime::UNIX_EPOCH + KEEP_BLOCKED;
        assert!(matches!(
            fate(&mail(1), blocked(), older),
            MailFate::Never { .. }
        ));
        let never = Err(MailError::Never("no such user".to_owned()));
        assert!(matches!(fate(&mail(1), never, now), MailFate::Never { .. }));
        assert_eq!(fate(&mail(1), Ok(()), old), MailFate::Sent);
    }
}
