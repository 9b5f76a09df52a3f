//! What identifies a user, and names that only look like an identity.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vestibule::admin::{self, AdminError, NewAccount};
use vestibule_store::{User, UserPatch};

use crate::support::{ANA, LIFE, PASSWORD, TestApp};

/// Usernames of every kind of character, and a phone number as an identity beside the address.
const OPEN: &str = r#"
SECURITY_USERNAME_ALLOWED_CHARS = ["L", "N", "P"]
SECURITY_USER_IDENTITY_ATTRIBUTES = ["username", "email", "us_phone_number"]
SECURITY_API_ENABLED_METHODS = ["session", "basic"]
SECURITY_PHONE_REGION_DEFAULT = "GB"
"#;

const OTHER: &str = "other@example.com";

async fn app() -> TestApp {
    let app = TestApp::with(&format!("{LIFE}{OPEN}")).await;
    app.user(OTHER, |draft| draft).await;
    app
}

/// Writes to the store without validation, as another program would.
async fn store(app: &TestApp, user: &User, patch: UserPatch) {
    let now = app.app().clock().now();
    let changed = app.app().store().update_user(user.id, patch, now).await;
    assert!(changed.unwrap());
}

async fn rename(app: &TestApp, user: &User, name: &str) {
    let patch = UserPatch {
        username: Some(Some(name.to_owned())),
        ..UserPatch::default()
    };
    store(app, user, patch).await;
}

fn by_basic(name: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{PASSWORD}")))
}

#[tokio::test]
async fn attack_borrowed_identity_a_new_username_that_resembles_an_address_or_a_number_is_refused()
{
    let app = app().await;
    let mut other = app.browser();
    other.sign_in(OTHER, PASSWORD).await;
    let mut other = other.with_csrf().await;
    for name in [
        ANA,
        "anybody@else.example",
        "ana\u{ff20}example.com",
        "ana\u{fe6b}example.com",
        "@ana",
        "02079460000",
        "020-7946-0000",
        "\u{660}\u{662}\u{660}\u{667}\u{669}",
    ] {
        let code = "USERNAME_RESEMBLES_IDENTITY";
        let change = "/api/accounts/change-username";
        let answer = other.post(change, json!({"username": name})).await;
        assert_eq!(answer.verdict(), (400, code.to_owned()), "{name}");
        let body = json!({
            "email": "new@example.com", "username": name,
            "password": PASSWORD, "password_confirm": PASSWORD,
        });
        let answer = app.browser().post("/api/accounts/register", body).await;
        let said = &answer.response()["field_error_codes"]["username"];
        assert_eq!(
            (answer.status.as_u16(), said),
            (400, &json!([code])),
            "{name}"
        );
        let draft = NewAccount {
            email: "new@example.com".to_owned(),
            username: Some(name.to_owned()),
            password: PASSWORD.to_owned(),
            active: true,
            confirmed: true,
        };
        let refused = admin::create(app.app(), draft).await.unwrap_err();
        let resembles = matches!(refused, AdminError::UsernameResemblesIdentity(_));
        assert!(resembles, "{name}: {refused}");
    }
    let answer = other
        .post(
            "/api/accounts/change-username",
            json!({"username": "other-7"}),
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // If phone numbers are not an identity attribute, a username may consist of digits.
    let app = TestApp::with(LIFE).await;
    let mut ana = app.signed_in().await.with_csrf().await;
    let answer = ana
        .post(
            "/api/accounts/change-username",
            json!({"username": "02079460000"}),
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn attack_borrowed_identity_a_stored_username_equal_to_anothers_address_does_not_take_precedence()
 {
    let app = app().await;
    let other = app.stored(OTHER).await;
    rename(&app, &other, ANA).await;
    // A request that names the address means the user who has it, and the operator must choose.
    let refused = admin::find(app.app(), ANA).await.unwrap_err();
    assert!(matches!(refused, AdminError::Ambiguous { .. }), "{refused}");
    let ana = app.stored("id:1").await;
    assert_eq!(ana.email.as_deref(), Some(ANA));
    for choice in [format!("id:{}", ana.id), format!("id:{}", other.id)] {
        assert!(refused.to_string().contains(&choice), "{refused}");
        app.stored(&choice).await;
    }
    let authz = "/api/accounts/authz?methods=basic";
    let mut browser = app.browser().header("authorization", &by_basic(ANA));
    let answer = browser.get(authz).await;
    assert_eq!(
        answer.headers["x-auth-user-id"].to_str().unwrap(),
        ana.id.to_string()
    );
    // The username still signs in if no user has it as an address, and `/authz` names its user
    // by their own address.
    rename(&app, &other, "old@name.example").await;
    let mut browser = app
        .browser()
        .header("authorization", &by_basic("old@name.example"));
    let answer = browser.get(authz).await;
    assert_eq!(answer.headers["x-auth-user"], OTHER);
}

#[tokio::test]
async fn usernames_that_differ_only_in_case_are_equal_in_every_script() {
    let app = TestApp::with(LIFE).await;
    let register = async |email: &str, name: &str| {
        let body = json!({
            "email": email, "username": name,
            "password": PASSWORD, "password_confirm": PASSWORD,
        });
        app.browser().post("/api/accounts/register", body).await
    };
    let small = "\u{430}\u{43d}\u{43d}\u{430}1";
    let large = "\u{410}\u{41d}\u{41d}\u{410}1";
    assert_eq!(register("a@example.com", small).await.status, 200);
    let answer = register("b@example.com", large).await;
    let said = &answer.response()["field_error_codes"];
    assert_eq!(said, &json!({"username": ["USERNAME_ALREADY_ASSOCIATED"]}));
    let draft = NewAccount {
        email: "b@example.com".to_owned(),
        username: Some(large.to_owned()),
        password: PASSWORD.to_owned(),
        active: true,
        confirmed: true,
    };
    let refused = admin::create(app.app(), draft).await.unwrap_err();
    assert!(matches!(refused, AdminError::Taken(column) if column == "username"));
}

/// Stored addresses that today's validation refuses.
const OLD: [&str; 3] = ["bob@corp.local", "root@localhost", "admin"];

async fn with_old_addresses(extra: &str) -> TestApp {
    let methods = r#"SECURITY_API_ENABLED_METHODS = ["session", "basic"]"#;
    let app = TestApp::with(&format!("{LIFE}{extra}\n{methods}\n")).await;
    for (number, address) in OLD.into_iter().enumerate() {
        let user = app
            .user(&format!("old{number}@example.com"), |draft| draft)
            .await;
        let patch = UserPatch {
            email: Some(address.to_owned()),
            ..UserPatch::default()
        };
        store(&app, &user, patch).await;
    }
    app
}

#[tokio::test]
async fn a_stored_address_that_validation_refuses_signs_in_and_gets_mail() {
    let app = with_old_addresses("").await;
    for address in OLD {
        for typed in [address.to_owned(), format!(" {} ", address.to_uppercase())] {
            let answer = app.browser().sign_in(&typed, PASSWORD).await;
            assert_eq!(answer.status, 200, "{typed}: {answer:?}");
            let answer = app.browser().sign_in(&typed, "wrong").await;
            assert_eq!(answer.code(), "INVALID_PASSWORD", "{typed}");
        }
        let found = app.stored(address).await;
        assert_eq!(found.email.as_deref(), Some(address));
        let reset = json!({"email": address});
        let answer = app.browser().post("/api/accounts/reset", reset).await;
        assert_eq!(answer.status, 200, "{address}: {answer:?}");
        let mails = app.all_mails().await;
        assert!(mails.iter().any(|mail| mail.to == address), "{address}");
    }
    let mut browser = app.browser().header("authorization", &by_basic(OLD[0]));
    let answer = browser.get("/api/accounts/authz?methods=basic").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // Such an address is refused for new users, and only the stored text (but for case and
    // surrounding spaces) finds one.
    for typed in [
        "eve@corp.local",
        "bob@corp\u{ff0e}local",
        "b\u{3bf}b@corp.local",
    ] {
        let answer = app.browser().sign_in(typed, PASSWORD).await;
        assert_eq!(answer.code(), "INVALID_EMAIL_ADDRESS", "{typed}");
    }
    let spaced = app.browser().sign_in(&format!(" {ANA}"), PASSWORD).await;
    assert_eq!(spaced.code(), "INVALID_EMAIL_ADDRESS");
    let new =
        json!({"email": "new@corp.local", "password": PASSWORD, "password_confirm": PASSWORD});
    let answer = app.browser().post("/api/accounts/register", new).await;
    assert_eq!(answer.code(), "INVALID_EMAIL_ADDRESS");
}

#[tokio::test]
async fn attack_enumeration_stored_addresses_that_validation_refuses_are_not_revealed() {
    let app = with_old_addresses("SECURITY_RETURN_GENERIC_RESPONSES = true").await;
    for path in ["login", "reset", "confirm", "recover-username"] {
        let mut seen: Vec<(u16, Value, u64, usize)> = Vec::new();
        for address in ["bob@corp.local", "eve@corp.local", "eve@example.com"] {
            let hashes = app.app().passwords().checked();
            let mails = app.app().store().count_mails().await.unwrap().0;
            let body = json!({"email": address, "password": "wrong"});
            let answer = app
                .browser()
                .post(&format!("/api/accounts/{path}"), body)
                .await;
            let mut response = answer.response();
            if let Some(members) = response.as_object_mut() {
                members.remove("csrf_token");
            }
            let hashes = app.app().passwords().checked() - hashes;
            let mails = app.app().store().count_mails().await.unwrap().0 - mails;
            seen.push((
                answer.status.as_u16(),
                response,
                hashes,
                usize::try_from(mails).unwrap(),
            ));
        }
        assert!(
            seen.windows(2).all(|two| two[0] == two[1]),
            "{path}: {seen:?}"
        );
    }
}

#[tokio::test]
async fn attack_enumeration_by_time_every_refusal_checks_every_kind_of_hash_that_is_stored() {
    let app = TestApp::with("SECURITY_API_ENABLED_METHODS = [\"basic\"]").await;
    let bcrypt = app.user("bcrypt@example.com", |draft| draft).await;
    let without = app.user("none@example.com", |draft| draft).await;
    let hash = "$2b$04$abcdefghijklmnopqrstuuJGlLpSfdVsdTbZQbGuS4Oa1oXjwFcnS";
    for (user, hash) in [(bcrypt, hash), (without, "a text that is no hash")] {
        let patch = UserPatch {
            password: Some(vestibule_store::PasswordChange::Set(hash.to_owned())),
            ..UserPatch::default()
        };
        store(&app, &user, patch).await;
    }
    let mut work = Vec::new();
    for email in [
        ANA,
        "bcrypt@example.com",
        "none@example.com",
        "unknown@example.com",
    ] {
        for basic in [false, true] {
            let before = app.app().passwords().work();
            if basic {
                let wrong = format!("Basic {}", STANDARD.encode(format!("{email}:wrong")));
                let mut browser = app.browser().header("authorization", &wrong);
                let answer = browser.get("/api/accounts/authz?methods=basic").await;
                assert_eq!(answer.status, 401, "{answer:?}");
            } else {
                assert_eq!(app.browser().sign_in(email, "wrong").await.status, 400);
            }
            let after = app.app().passwords().work();
            let kinds = after.iter().filter(|(kind, _)| !kind.is_empty());
            let more: Vec<(String, u64)> = kinds
                .map(|(kind, times)| (kind.clone(), times - before.get(kind).unwrap_or(&0)))
                .collect();
            work.push(more);
        }
    }
    assert_eq!(work[0].len(), 2, "{work:?}");
    for more in &work {
        assert!(more.iter().all(|(_, times)| *times == 1), "{work:?}");
    }
}
