//! Purging old data: consumed secrets, mails that were given up, refresh-token families.

use std::sync::Arc;

use vestibule_store::{Applied, Change, Cutoffs, MailFate, NewTracker, OneTimeSecret, Store};

use crate::journal::{apply, posted, secret};
use crate::support::{at, user};

/// Purges what ended before these moments and returns the number of deleted rows.
async fn purge(
    store: &Arc<dyn Store>,
    secrets: i64,
    failed_mails: i64,
    families: Option<i64>,
) -> u64 {
    let cutoffs = Cutoffs {
        secrets: at(secrets),
        failed_mails: at(failed_mails),
        families: families.map(at),
    };
    store.purge(cutoffs).await.unwrap()
}

pub(crate) async fn consumed_secrets_are_purged_after_they_expire(store: &Arc<dyn Store>) {
    for (name, expires_at) in [("old", at(10)), ("new", at(20))] {
        let change = Change {
            consumes: vec![OneTimeSecret {
                expires_at,
                ..secret(name)
            }],
            ..Change::default()
        };
        assert_eq!(apply(store, change).await, Ok(Applied::Done(None)));
    }
    assert_eq!(purge(store, 10, 0, None).await, 0);
    assert_eq!(purge(store, 11, 0, None).await, 1);
    let again = Change {
        consumes: vec![secret("new")],
        ..Change::default()
    };
    assert_eq!(apply(store, again).await, Ok(Applied::Spent));
}

pub(crate) async fn mails_given_up_before_the_cutoff_are_purged(store: &Arc<dyn Store>) {
    posted(store, &["a", "b", "c"]).await;
    let mails = store.claim_mails("w1", at(10), at(100), 10).await.unwrap();
    for (mail, failed_at) in mails.iter().zip([at(20), at(30)]) {
        let never = MailFate::Never {
            at: failed_at,
            error: "no such mailbox".to_owned(),
        };
        assert_eq!(store.settle_mail(mail.id, "w1", never).await, Ok(true));
    }
    assert_eq!(store.count_mails().await, Ok((1, 2)));
    // A mail that was given up is never claimed again, however much time passes.
    let ages = at(3_000_000_000);
    let left = store.claim_mails("w2", ages, ages, 10).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].payload, "sealed c");

    assert_eq!(purge(store, 0, 20, None).await, 0);
    assert_eq!(store.count_mails().await, Ok((1, 2)));
    assert_eq!(purge(store, 0, 21, None).await, 1);
    assert_eq!(store.count_mails().await, Ok((1, 1)));
    // A waiting mail stays, however old it is.
    assert_eq!(purge(store, 0, 3_000_000_000, None).await, 1);
    assert_eq!(store.count_mails().await, Ok((1, 0)));
}

pub(crate) async fn expired_families_of_all_users_are_purged(store: &Arc<dyn Store>) {
    let mut owners = Vec::new();
    for email in ["ana@example.com", "bo@example.com"] {
        owners.push(store.create_user(user(email)).await.unwrap().id);
    }
    // More than one batch of deletions, and one family of each owner that has not expired.
    for (owner, number) in owners.iter().cycle().zip(0..520) {
        let family = NewTracker {
            user_id: *owner,
            family: format!("f{number}"),
            name: "default".to_owned(),
            expires_at: at(if number < 2 { 1000 } else { 10 }),
            created_at: at(0),
        };
        store.create_tracker(family).await.unwrap();
    }
    store.revoke_tracker("f1", at(5)).await.unwrap();
    assert_eq!(
        purge(store, 2000, 2000, None).await,
        0,
        "families stay without a cutoff"
    );
    assert_eq!(purge(store, 0, 0, Some(10)).await, 0);
    assert_eq!(purge(store, 0, 0, Some(11)).await, 518);
    for family in ["f0", "f1"] {
        assert!(store.tracker(family).await.unwrap().is_some(), "{family}");
    }
    assert!(store.tracker("f2").await.unwrap().is_none());
}
