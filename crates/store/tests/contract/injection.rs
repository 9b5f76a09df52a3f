//! Hostile text in every column that holds text, in every statement that writes or reads it.

use std::sync::Arc;

use vestibule_store::{
    Applied, AuditEntry, AuditHead, Change, Identity, MailFate, NewEntries, NewEntry, NewIdentity,
    NewMail, NewPasskey, NewRole, NewTracker, NewUser, OneTimeSecret, OnlyIf, PasswordChange,
    PermissionChange, Seals, SignIn, Store, Uniquifiers, User, UserChange, UserId, UserKey,
    UserPatch,
};

use crate::identities::linked;
use crate::passkeys::{passkey, registered};
use crate::support::{at, by, by_id, user};

/// Short, because some columns are.
const HOSTILE: [&str; 16] = [
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\'",
    "' OR 1=1 --",
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "'; DROP TABLE x; --",
    "a'||'b",
    "?",
    "?1",
    "$1",
    "{user}",
    "NULL",
];

struct Plain;

impl Seals for Plain {
    fn entry(&self, _: &AuditHead, entry: &AuditEntry) -> String {
        format!("' {}", entry.id)
    }

    fn end(&self, last: i64, _: &str) -> String {
        format!("\" {last}")
    }
}

/// A user whose every text is hostile.
fn hostile_user(text: &str, number: usize) -> NewUser {
    NewUser {
        email: format!("{text}@{number}"),
        username: Some(format!("{text} {number}")),
        password: Some(format!("hash {text}")),
        fs_uniquifier: format!("session {text}"),
        fs_token_uniquifier: format!("token {text}"),
        fs_webauthn_user_handle: format!("handle {text}"),
        us_phone_number: Some(format!("+{text}{number}")),
        ..user("unused")
    }
}

fn entry(text: &str) -> NewEntry {
    NewEntry {
        at: at(1),
        kind: text.to_owned(),
        user_id: None,
        address: Some(text.to_owned()),
        request_id: Some(text.to_owned()),
        detail: Some(text.to_owned()),
    }
}

async fn found_by_every_key(store: &Arc<dyn Store>, new: &NewUser) {
    let mut keys = vec![UserKey::Uniquifier(&new.fs_uniquifier)];
    if store.has_token_uniquifiers() {
        keys.push(UserKey::TokenUniquifier(&new.fs_token_uniquifier));
    }
    let expected = keys.len() * 2 + 6;
    let identities = [
        (Identity::Email, Some(&new.email)),
        (Identity::Username, new.username.as_ref()),
        (Identity::Phone, new.us_phone_number.as_ref()),
    ];
    let mut found: Vec<User> = Vec::new();
    for key in keys {
        found.push(store.user(key).await.unwrap().unwrap());
        found.push(store.user_with_roles(key).await.unwrap().unwrap().0);
    }
    for (attribute, value) in identities {
        for ignore_case in [false, true] {
            found.extend(by(store, attribute, value.unwrap(), ignore_case).await);
        }
    }
    assert_eq!(found.len(), expected);
    for user in found {
        assert_eq!(user.email.as_ref(), Some(&new.email));
        assert_eq!(user.username, new.username);
        assert_eq!(user.password, new.password);
        assert_eq!(user.fs_uniquifier, new.fs_uniquifier);
        let own = Some(&new.fs_token_uniquifier).filter(|_| store.has_token_uniquifiers());
        assert_eq!(user.fs_token_uniquifier.as_ref(), own);
        assert_eq!(user.us_phone_number, new.us_phone_number);
    }
}

/// A passkey and a linked identity whose every text is hostile.
async fn hostile_credentials(store: &Arc<dyn Store>, id: UserId, text: &str) {
    let own = by_id(store, id).await;
    let new = NewPasskey {
        credential_id: format!("credential {text}").into_bytes(),
        transports: vec![text.to_owned()],
        extensions: Some(text.to_owned()),
        device_type: text.to_owned(),
        ..passkey(text)
    };
    let kept = registered(store, &own, new.clone()).await;
    assert_eq!(kept.name, new.name);
    assert_eq!(kept.transports, new.transports);
    assert_eq!(kept.extensions, new.extensions);
    assert_eq!(kept.device_type, new.device_type);
    assert_eq!(store.passkey(text.as_bytes()).await, Ok(None));
    let new = NewIdentity {
        provider: text.to_owned(),
        issuer: format!("issuer {text}"),
        subject: text.to_owned(),
        label: Some(text.to_owned()),
    };
    let kept = linked(store, &own, new.clone()).await;
    assert_eq!((kept.provider, kept.issuer), (new.provider, new.issuer));
    assert_eq!((kept.subject, kept.label), (new.subject, new.label));
    assert_eq!(store.linked_identity(text, text).await, Ok(None));
}

pub(crate) async fn attack_injection_every_column_keeps_hostile_text_as_it_is(
    store: &Arc<dyn Store>,
) {
    let bystander = store.create_user(user("ana@example.com")).await.unwrap();
    for (number, text) in HOSTILE.into_iter().enumerate() {
        // The text alone is no user's key.
        for key in [UserKey::Uniquifier(text), UserKey::TokenUniquifier(text)] {
            assert!(store.user(key).await.unwrap().is_none(), "{text:?}");
        }
        for attribute in [Identity::Email, Identity::Username, Identity::Phone] {
            for ignore_case in [false, true] {
                let found = by(store, attribute, text, ignore_case).await;
                assert!(found.is_none(), "{text:?}");
            }
        }
        assert!(store.tracker(text).await.unwrap().is_none(), "{text:?}");
        assert!(store.role(text).await.unwrap().is_none(), "{text:?}");

        let new = hostile_user(text, number);
        let change = Change {
            consumes: vec![OneTimeSecret {
                purpose: "it's",
                digest: format!("digest {text}"),
                expires_at: at(1000),
            }],
            claims: vec![
                (Identity::Email, new.email.clone()),
                (Identity::Username, new.username.clone().unwrap()),
            ],
            user: Some(UserChange::Create(Box::new(new.clone()))),
            mails: vec![NewMail {
                message_id: format!("<{text}@{number}>"),
                payload: format!("payload {text}"),
                created_at: at(0),
            }],
            events: Some(NewEntries {
                entries: vec![entry(text)],
                seals: Arc::new(Plain),
            }),
            ..Change::default()
        };
        let again = change.consumes.clone();
        let Applied::Done(Some(id)) = store.apply(change, at(1)).await.unwrap() else {
            panic!("{text:?} is not created");
        };
        found_by_every_key(store, &new).await;
        let change = Change {
            consumes: again,
            ..Change::default()
        };
        assert_eq!(store.apply(change, at(1)).await, Ok(Applied::Spent));

        let logged = store.audit(Some(id), 0, 10).await.unwrap();
        let expected = NewEntry {
            user_id: Some(id),
            ..entry(text)
        };
        assert_eq!(logged.len(), 1, "{text:?}");
        assert_eq!(logged[0].what, expected);
        assert_eq!(logged[0].seal, format!("' {}", logged[0].id));

        let claim = format!("claim {text}");
        let mails = store.claim_mails(&claim, at(1), at(2), 10).await.unwrap();
        assert_eq!(mails.len(), 1, "{text:?}");
        assert_eq!(mails[0].message_id, format!("<{text}@{number}>"));
        assert_eq!(mails[0].payload, format!("payload {text}"));
        let other = store.settle_mail(mails[0].id, text, MailFate::Sent).await;
        assert_eq!(other, Ok(false), "{text:?} is another claim");
        let fate = MailFate::Later {
            due_at: at(3),
            error: text.to_owned(),
        };
        assert_eq!(store.settle_mail(mails[0].id, &claim, fate).await, Ok(true));
        let mails = store.claim_mails(&claim, at(3), at(4), 10).await.unwrap();
        let sent = store.settle_mail(mails[0].id, &claim, MailFate::Sent).await;
        assert_eq!(sent, Ok(true));

        // Every text of a patch, under conditions that are hostile as well.
        let patched = NewUser {
            email: format!("{text}@patched {number}"),
            username: Some(format!("{text} patched {number}")),
            password: Some(format!("upgraded {text}")),
            fs_uniquifier: format!("session {text} patched"),
            us_phone_number: Some(format!("{text} patched {number}")),
            ..new.clone()
        };
        let patch = UserPatch {
            only_if: OnlyIf {
                email: Some(new.email.clone()),
                fs_uniquifier: Some(new.fs_uniquifier.clone()),
                unconfirmed: true,
                ..OnlyIf::default()
            },
            email: Some(patched.email.clone()),
            username: Some(patched.username.clone()),
            us_phone_number: Some(patched.us_phone_number.clone()),
            password: Some(PasswordChange::Upgrade {
                old: new.password.clone().unwrap(),
                new: patched.password.clone().unwrap(),
            }),
            fs_uniquifier: Some(patched.fs_uniquifier.clone()),
            first_token_uniquifier: Some(text.to_owned()),
            sign_in: Some(SignIn {
                ip: Some(text.to_owned()),
            }),
            tf_primary_method: Some(Some(text.to_owned())),
            ..UserPatch::default()
        };
        assert_eq!(store.update_user(id, patch, at(2)).await, Ok(true));
        found_by_every_key(store, &patched).await;
        let row = by_id(store, id).await;
        assert_eq!(row.current_login_ip.as_deref(), Some(text));
        assert_eq!(row.tf_primary_method.as_deref(), Some(text));

        let role = NewRole {
            name: format!("role {text}"),
            description: Some(text.to_owned()),
            permissions: vec![text.to_owned()],
            created_at: at(0),
        };
        let role = store.create_role(role).await.unwrap();
        assert_eq!(store.role(&role.name).await.unwrap().as_ref(), Some(&role));
        assert_eq!(role.description.as_deref(), Some(text));
        assert_eq!(role.permissions, [text]);
        let more = PermissionChange::Add(vec![format!("{text} more")]);
        let role = store.change_permissions(role.id, more, at(1)).await;
        let role = role.unwrap().unwrap();
        assert_eq!(role.permissions, [text.to_owned(), format!("{text} more")]);
        assert_eq!(store.give_role(id, role.id).await, Ok(true));
        assert_eq!(store.roles_of(id).await.unwrap(), [role]);

        let family = format!("family {text}");
        let new = NewTracker {
            user_id: id,
            family: family.clone(),
            name: text.to_owned(),
            expires_at: at(1000),
            created_at: at(0),
        };
        store.create_tracker(new).await.unwrap();
        assert_eq!(store.rotate_tracker(text, 1, at(1)).await, Ok(false));
        assert_eq!(store.revoke_tracker(text, at(1)).await, Ok(false));
        assert_eq!(store.rotate_tracker(&family, 1, at(1)).await, Ok(true));
        let tracker = store.tracker(&family).await.unwrap().unwrap();
        assert_eq!((tracker.name.as_str(), tracker.generation), (text, 2));
        assert_eq!(store.revoke_tracker(&family, at(1)).await, Ok(true));

        hostile_credentials(store, id, text).await;

        let fresh = Uniquifiers {
            session: format!("reset {text}"),
            token: format!("reset token {text}"),
        };
        assert_eq!(store.reset_access(id, fresh, at(3)).await, Ok(true));
        assert_eq!(
            by_id(store, id).await.fs_uniquifier,
            format!("reset {text}")
        );
        assert_eq!(store.delete_user(id).await, Ok(true));
    }
    // The other user is unchanged.
    let users = store.list_users(None, 10).await.unwrap();
    assert!(users == [bystander]);
}
