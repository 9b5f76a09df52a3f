//! Atomic changes with one-time secrets, mails and audit entries.

use std::sync::Arc;

use time::OffsetDateTime;
use vestibule_store::{
    Applied, AuditEntry, AuditHead, Change, FactorColumn, Identity, MailFate, NewEntries, NewEntry,
    NewMail, NewUser, OneTimeSecret, OnlyIf, Seals, Store, StoreError, User, UserChange, UserId,
    UserPatch,
};

use crate::support::{at, by_email, by_id, user};

pub(crate) fn secret(name: &str) -> OneTimeSecret {
    OneTimeSecret {
        purpose: "confirm",
        digest: name.to_owned(),
        expires_at: at(1000),
    }
}

fn mail(name: &str, created: i64) -> NewMail {
    NewMail {
        message_id: format!("<{name}@example.com>"),
        payload: format!("sealed {name}"),
        created_at: at(created),
    }
}

/// Entries with seals that show their inputs.
pub(crate) fn events(kinds: &[&str], user_id: Option<UserId>) -> NewEntries {
    let entries = kinds.iter().map(|kind| NewEntry {
        at: at(7),
        kind: (*kind).to_owned(),
        user_id,
        address: Some("192.0.2.1".to_owned()),
        request_id: None,
        detail: Some(r#"{"via":"password"}"#.to_owned()),
    });
    NewEntries {
        entries: entries.collect(),
        seals: Arc::new(Shown),
    }
}

/// Computes seals that show their inputs.
struct Shown;

impl Seals for Shown {
    fn entry(&self, end: &AuditHead, event: &AuditEntry) -> String {
        let before = format!("{} {} {}", end.last, end.seal, end.end_seal);
        let sum: u64 = before.bytes().map(u64::from).sum();
        format!("{}:{sum}:{}", event.id, event.what.kind)
    }

    fn end(&self, last: i64, seal: &str) -> String {
        format!("end {last} {seal}")
    }
}

fn create(email: &str) -> Change {
    Change {
        claims: vec![(Identity::Email, email.to_owned())],
        user: Some(UserChange::Create(Box::new(user(email)))),
        mails: vec![mail(email, 0)],
        events: Some(events(&["registered"], None)),
        ..Change::default()
    }
}

fn deactivate(id: UserId, only_if: OnlyIf) -> Change {
    let patch = UserPatch {
        only_if,
        active: Some(false),
        ..UserPatch::default()
    };
    Change {
        user: Some(UserChange::Update(id, Box::new(patch))),
        ..Change::default()
    }
}

pub(crate) async fn apply(store: &Arc<dyn Store>, change: Change) -> Result<Applied, StoreError> {
    store.apply(change, at(1)).await
}

/// Applies a change and returns the user that it created or updated.
async fn applied(store: &Arc<dyn Store>, change: Change) -> UserId {
    match apply(store, change).await {
        Ok(Applied::Done(Some(id))) => id,
        other => panic!("{other:?}"),
    }
}

fn later(seconds: i64) -> OffsetDateTime {
    at(seconds)
}

pub(crate) async fn concurrent_uses_of_one_secret_succeed_once(store: &Arc<dyn Store>) {
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let change = Change {
                    consumes: vec![secret("s1")],
                    ..Change::default()
                };
                store.apply(change, at(1)).await
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap().unwrap() {
            Applied::Done(None) => done += 1,
            other => assert_eq!(other, Applied::Spent),
        }
    }
    assert_eq!(done, 1);
    // The same digest with another purpose is another secret.
    let other = OneTimeSecret {
        purpose: "reset",
        ..secret("s1")
    };
    let change = Change {
        consumes: vec![other],
        ..Change::default()
    };
    assert_eq!(apply(store, change).await, Ok(Applied::Done(None)));
}

pub(crate) async fn a_change_is_applied_completely_or_not_at_all(store: &Arc<dyn Store>) {
    let ana = applied(store, create("ana@example.com")).await;
    assert_eq!(
        by_email(store, "ana@example.com", false).await.unwrap().id,
        ana
    );
    assert_eq!(store.count_mails().await, Ok((1, 0)));
    let log = store.audit(None, 0, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].what.user_id, Some(ana));
    assert_eq!(log[0].what.at, at(7));

    // Her address again, with a secret, a mail and an event: nothing is applied.
    let again = NewUser {
        fs_uniquifier: "another".to_owned(),
        fs_token_uniquifier: "another".to_owned(),
        ..user("ana@example.com")
    };
    let again = Change {
        consumes: vec![secret("s1")],
        claims: Vec::new(),
        user: Some(UserChange::Create(Box::new(again))),
        mails: vec![mail("again", 0)],
        ..create("ana@example.com")
    };
    let conflict = Err(StoreError::Conflict {
        column: "email".to_owned(),
    });
    assert_eq!(apply(store, again).await, conflict);
    // The same conflict through a claim, in another case.
    let again = Change {
        consumes: vec![secret("s1")],
        mails: vec![mail("again", 0)],
        ..create("ANA@example.com")
    };
    assert_eq!(apply(store, again).await, conflict);
    assert_eq!(store.count_mails().await, Ok((1, 0)));
    assert_eq!(store.audit(None, 0, 10).await.unwrap().len(), 1);
    let once = Change {
        consumes: vec![secret("s1")],
        ..Change::default()
    };
    assert_eq!(apply(store, once).await, Ok(Applied::Done(None)));
}

pub(crate) async fn a_user_who_fails_the_conditions_is_not_changed(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let confirmed = ana.confirmed_at.is_some();
    for only_if in [
        OnlyIf {
            email: Some("Ana@example.com".to_owned()),
            ..OnlyIf::default()
        },
        OnlyIf {
            fs_uniquifier: Some(ana.fs_uniquifier.to_uppercase() + " "),
            ..OnlyIf::default()
        },
    ] {
        let change = Change {
            consumes: vec![secret("s1")],
            mails: vec![mail("stale", 0)],
            ..deactivate(ana.id, only_if)
        };
        assert_eq!(apply(store, change).await, Ok(Applied::Stale));
    }
    let of_an_unknown_user = deactivate(UserId(99), OnlyIf::default());
    assert_eq!(apply(store, of_an_unknown_user).await, Ok(Applied::Stale));
    assert!(by_id(store, ana.id).await.active);
    assert_eq!(store.count_mails().await, Ok((0, 0)));

    let unconfirmed = OnlyIf {
        unconfirmed: true,
        ..OnlyIf::default()
    };
    if confirmed {
        let change = deactivate(ana.id, unconfirmed.clone());
        assert_eq!(apply(store, change).await, Ok(Applied::Stale));
    }
    let patch = UserPatch {
        confirmed_at: Some(None),
        ..UserPatch::default()
    };
    store.update_user(ana.id, patch, at(1)).await.unwrap();
    let as_expected = OnlyIf {
        email: ana.email.clone(),
        fs_uniquifier: Some(ana.fs_uniquifier.clone()),
        unconfirmed: true,
        ..OnlyIf::default()
    };
    let change = Change {
        consumes: vec![secret("s1")],
        ..deactivate(ana.id, as_expected)
    };
    assert_eq!(apply(store, change).await, Ok(Applied::Done(Some(ana.id))));
    assert!(!by_id(store, ana.id).await.active);
}

pub(crate) async fn conditions_count_for_a_patch_that_changes_nothing(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let nothing = |only_if: OnlyIf| UserPatch {
        only_if,
        ..UserPatch::default()
    };
    let change = |patch: UserPatch, name: &str| Change {
        consumes: vec![secret(name)],
        user: Some(UserChange::Update(ana.id, Box::new(patch))),
        ..Change::default()
    };
    let unmet = OnlyIf {
        email: Some("other@example.com".to_owned()),
        ..OnlyIf::default()
    };
    let stale = apply(store, change(nothing(unmet.clone()), "s1")).await;
    assert_eq!(stale, Ok(Applied::Stale));
    let updated = store.update_user(ana.id, nothing(unmet), at(1)).await;
    assert_eq!(updated, Ok(false));
    let met = OnlyIf {
        email: ana.email.clone(),
        fs_uniquifier: Some(ana.fs_uniquifier.clone()),
        unconfirmed: false,
        ..OnlyIf::default()
    };
    let done = apply(store, change(nothing(met.clone()), "s1")).await;
    assert_eq!(done, Ok(Applied::Done(Some(ana.id))));
    let updated = store.update_user(ana.id, nothing(met), at(1)).await;
    assert_eq!(updated, Ok(true));
}

pub(crate) async fn concurrent_claims_of_one_value_in_any_case_succeed_once(
    store: &Arc<dyn Store>,
) {
    let tasks: Vec<_> = (0..32_u32)
        .map(|number| {
            let store = Arc::clone(store);
            // Each task uses a spelling of its own.
            let spelling: String = "abcde"
                .chars()
                .enumerate()
                .map(|(at, letter)| {
                    if number >> at & 1 == 1 {
                        letter.to_ascii_uppercase()
                    } else {
                        letter
                    }
                })
                .collect();
            tokio::spawn(async move {
                let mut change = create(&format!("{spelling}@example.com"));
                change.mails = vec![mail(&number.to_string(), 0)];
                store.apply(change, at(1)).await
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(Applied::Done(Some(_))) => made += 1,
            other => assert!(
                matches!(other, Err(StoreError::Conflict { .. })),
                "{other:?}"
            ),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(store.list_users(None, 10).await.unwrap().len(), 1);
    // Claiming one's own value is no conflict.
    let own = store.list_users(None, 10).await.unwrap().remove(0);
    let change = Change {
        claims: vec![(Identity::Email, "ABCDE@example.com".to_owned())],
        ..deactivate(own.id, OnlyIf::default())
    };
    assert_eq!(apply(store, change).await, Ok(Applied::Done(Some(own.id))));
}

pub(crate) async fn concurrent_claims_of_one_name_in_any_script_succeed_once(
    store: &Arc<dyn Store>,
) {
    let spellings = [
        "\u{430}\u{43d}\u{43d}\u{430}1",
        "\u{410}\u{41d}\u{41d}\u{410}1",
        "\u{410}\u{43d}\u{43d}\u{430}1",
    ];
    let named = |number: usize| {
        let mut change = create(&format!("{number}@example.com"));
        let name = spellings[number % spellings.len()].to_owned();
        change.claims.push((Identity::Username, name.clone()));
        if let Some(UserChange::Create(new)) = &mut change.user {
            new.username = Some(name);
        }
        change
    };
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let (store, change) = (Arc::clone(store), named(number));
            tokio::spawn(async move { store.apply(change, at(1)).await })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(StoreError::Conflict { column }) => assert_eq!(column, "username"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(made, 1);
    // Claiming one's own value is no conflict, and a name that only looks the same is another name.
    let own = store.list_users(None, 10).await.unwrap().remove(0);
    let change = Change {
        claims: vec![(Identity::Username, spellings[1].to_owned())],
        ..deactivate(own.id, OnlyIf::default())
    };
    assert_eq!(apply(store, change).await, Ok(Applied::Done(Some(own.id))));
    let mut other = create("other@example.com");
    other
        .claims
        .push((Identity::Username, "\u{430}\u{43d}\u{43d}a1".to_owned()));
    assert!(matches!(apply(store, other).await, Ok(Applied::Done(_))));
}

pub(crate) async fn posted(store: &Arc<dyn Store>, names: &[&str]) {
    let mails = names.iter().map(|name| mail(name, 10)).collect();
    let change = Change {
        mails,
        ..Change::default()
    };
    assert_eq!(apply(store, change).await, Ok(Applied::Done(None)));
}

pub(crate) async fn a_mail_is_claimed_by_one_worker_and_settled_once(store: &Arc<dyn Store>) {
    posted(store, &["a", "b"]).await;
    let none = store.claim_mails("early", at(9), later(100), 10).await;
    assert_eq!(none.unwrap(), Vec::new(), "the mail is not due yet");
    let first = store
        .claim_mails("w1", at(10), later(100), 1)
        .await
        .unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].payload, "sealed a");
    assert_eq!(first[0].message_id, "<a@example.com>");
    assert_eq!(first[0].created_at, at(10));
    assert_eq!(first[0].attempts, 1);
    let rest = store
        .claim_mails("w2", at(10), later(100), 10)
        .await
        .unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].payload, "sealed b");

    // Only the holder of the lease can settle a mail.
    let (a, b) = (first[0].id, rest[0].id);
    assert_eq!(store.settle_mail(a, "w2", MailFate::Sent).await, Ok(false));
    assert_eq!(store.settle_mail(a, "w1", MailFate::Sent).await, Ok(true));
    assert_eq!(store.settle_mail(a, "w1", MailFate::Sent).await, Ok(false));
    assert_eq!(store.count_mails().await, Ok((1, 0)));

    // After a worker dies, its mail is claimed again when the lease ends.
    let none = store.claim_mails("w3", at(99), later(200), 10).await;
    assert_eq!(none.unwrap(), Vec::new());
    let again = store
        .claim_mails("w3", at(100), later(200), 10)
        .await
        .unwrap();
    assert_eq!(again[0].id, b);
    assert_eq!(again[0].attempts, 2);
    assert_eq!(store.settle_mail(b, "w2", MailFate::Sent).await, Ok(false));
    let never = MailFate::Never {
        at: at(100),
        error: "no such mailbox ".repeat(40),
    };
    assert_eq!(store.settle_mail(b, "w3", never).await, Ok(true));
    assert_eq!(store.count_mails().await, Ok((0, 1)));
    let none = store.claim_mails("w4", at(9000), later(9999), 10).await;
    assert_eq!(none.unwrap(), Vec::new());
}

pub(crate) async fn a_failed_mail_is_claimed_again_when_it_is_due(store: &Arc<dyn Store>) {
    posted(store, &["a"]).await;
    let mail = store
        .claim_mails("w1", at(10), later(100), 10)
        .await
        .unwrap();
    let fate = MailFate::Later {
        due_at: at(40),
        error: "try again".to_owned(),
    };
    assert_eq!(store.settle_mail(mail[0].id, "w1", fate).await, Ok(true));
    let none = store.claim_mails("w2", at(39), later(100), 10).await;
    assert_eq!(none.unwrap(), Vec::new());
    let again = store
        .claim_mails("w2", at(40), later(100), 10)
        .await
        .unwrap();
    assert_eq!(again[0].attempts, 2);
    assert_eq!(again[0].payload, "sealed a");
}

pub(crate) async fn concurrent_workers_never_claim_the_same_mail(store: &Arc<dyn Store>) {
    let names: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    posted(store, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let tasks: Vec<_> = (0..16)
        .map(|worker| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let claim = format!("worker{worker}");
                let mut mine = Vec::new();
                loop {
                    let mails = store
                        .claim_mails(&claim, at(10), later(100), 3)
                        .await
                        .unwrap();
                    let ids: Vec<i64> = mails.iter().map(|mail| mail.id).collect();
                    let new = ids.iter().any(|id| !mine.contains(id));
                    mine.extend(
                        ids.into_iter()
                            .filter(|id| !mine.contains(id))
                            .collect::<Vec<_>>(),
                    );
                    if !new {
                        break mine;
                    }
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    let handed_out = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(handed_out, all.len(), "no mail was claimed twice");
    assert_eq!(all.len(), 40);
}

pub(crate) async fn concurrent_audit_entries_form_one_chain(store: &Arc<dyn Store>) {
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let kind = format!("kind{number}");
                let change = Change {
                    events: Some(events(&[&kind, "after"], Some(UserId(number % 2 + 1)))),
                    ..Change::default()
                };
                store.apply(change, at(1)).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let log = store.audit(None, 0, 1000).await.unwrap();
    assert_eq!(log.len(), 64);
    let mut end = AuditHead::default();
    for (number, event) in (1..).zip(&log) {
        assert_eq!(event.id, number);
        assert_eq!(event.seal, Shown.entry(&end, event));
        end = AuditHead {
            last: event.id,
            seal: event.seal.clone(),
            end_seal: Shown.end(event.id, &event.seal),
        };
    }
    assert_eq!(end.last, 64);
    assert_eq!(store.audit_head().await, Ok(end));
    // Entries of one change are adjacent.
    for pair in log.chunks(2) {
        assert_eq!(pair[1].what.kind, "after");
    }
    let page = store.audit(None, 60, 2).await.unwrap();
    assert_eq!(
        page.iter().map(|event| event.id).collect::<Vec<_>>(),
        [61, 62]
    );
    let ours = store.audit(Some(UserId(1)), 0, 1000).await.unwrap();
    assert_eq!(ours.len(), 32);
    assert!(
        ours.iter()
            .all(|event| event.what.user_id == Some(UserId(1)))
    );
    let one = &ours[0].what;
    assert_eq!(one.address.as_deref(), Some("192.0.2.1"));
    assert_eq!(one.request_id, None);
    assert_eq!(one.detail.as_deref(), Some(r#"{"via":"password"}"#));
}

pub(crate) async fn factors_change_only_if_they_are_as_expected(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let set = |only_if: OnlyIf, codes: Option<&str>| {
        let patch = UserPatch {
            only_if,
            mf_recovery_codes: Some(codes.map(str::to_owned)),
            tf_totp_secret: Some(Some("secret".to_owned())),
            tf_phone_number: Some(Some("+15551234567".to_owned())),
            us_totp_secrets: Some(Some("{}".to_owned())),
            ..UserPatch::default()
        };
        Change {
            user: Some(UserChange::Update(ana.id, Box::new(patch))),
            ..Change::default()
        }
    };
    let as_read = |user: &User| OnlyIf::same_as(user).with(FactorColumn::RecoveryCodes, user);
    // The same expectation twice: the first change takes effect, the second one is late.
    let first = set(as_read(&ana), Some("a,b"));
    assert_eq!(apply(store, first).await, Ok(Applied::Done(Some(ana.id))));
    let late = set(as_read(&ana), Some("c"));
    assert_eq!(apply(store, late).await, Ok(Applied::Stale));
    let changed = by_id(store, ana.id).await;
    assert_eq!(changed.mf_recovery_codes.as_deref(), Some("a,b"));
    assert_eq!(changed.tf_totp_secret.as_deref(), Some("secret"));
    assert_eq!(changed.tf_phone_number.as_deref(), Some("+15551234567"));
    assert_eq!(changed.us_totp_secrets.as_deref(), Some("{}"));
    let mut other_case = changed.clone();
    other_case.mf_recovery_codes = Some("A,B".to_owned());
    let stale = set(as_read(&other_case), None);
    assert_eq!(apply(store, stale).await, Ok(Applied::Stale));
    let next = set(as_read(&changed), None);
    assert_eq!(apply(store, next).await, Ok(Applied::Done(Some(ana.id))));
    assert_eq!(by_id(store, ana.id).await.mf_recovery_codes, None);
}

pub(crate) async fn a_consumed_secret_is_known_as_consumed(store: &Arc<dyn Store>) {
    assert_eq!(store.is_consumed(&secret("s1")).await, Ok(false));
    let change = Change {
        consumes: vec![secret("s1")],
        ..Change::default()
    };
    assert_eq!(apply(store, change).await, Ok(Applied::Done(None)));
    assert_eq!(store.is_consumed(&secret("s1")).await, Ok(true));
    assert_eq!(store.is_consumed(&secret("s2")).await, Ok(false));
    let other_purpose = OneTimeSecret {
        purpose: "reset",
        ..secret("s1")
    };
    assert_eq!(store.is_consumed(&other_purpose).await, Ok(false));
}
