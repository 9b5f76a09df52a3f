//! Credentials that an operator revokes stop working at once, however the user signed in.

use http::StatusCode;
use serde_json::json;
use vestibule::admin::{self, roles};
use vestibule_store::User;

use crate::support::{ANA, Browser, LIFE, PASSWORD, TestApp};

/// Every credential that a sign-in can leave with a client.
struct Proofs<'a> {
    session: Browser<'a>,
    remembered: Browser<'a>,
    token: Browser<'a>,
    anonymous: Browser<'a>,
    refresh_token: String,
}

impl<'a> Proofs<'a> {
    async fn collect(app: &'a TestApp) -> Self {
        let mut session = app.browser();
        let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
        let answer = session
            .post("/api/accounts/login?include_auth_token", body)
            .await;
        let user = answer.response()["user"].clone();
        let text = |name: &str| user[name].as_str().unwrap().to_owned();
        let mut remembered = app.browser();
        let cookie = session.cookies["remember_token"].clone();
        remembered.cookies.insert("remember_token".into(), cookie);
        session.cookies.remove("remember_token");
        Self {
            session,
            remembered,
            token: app
                .browser()
                .header("authentication-token", &text("authentication_token")),
            anonymous: app.browser(),
            refresh_token: text("refresh_token"),
        }
    }

    /// Which credentials are still accepted: session, remember cookie, auth token, refresh token.
    async fn accepted_credentials(&mut self) -> [bool; 4] {
        [
            self.session.clone().is_signed_in().await,
            self.remembered.clone().is_signed_in().await,
            self.token.is_signed_in().await,
            self.exchange().await,
        ]
    }

    async fn exchange(&mut self) -> bool {
        let body = json!({"refresh_token": self.refresh_token});
        let answer = self
            .anonymous
            .post("/api/accounts/refresh-token", body)
            .await;
        if answer.status != StatusCode::OK {
            return false;
        }
        let response = answer.response();
        response["user"]["refresh_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.refresh_token);
        true
    }
}

async fn with_tokens() -> TestApp {
    TestApp::with("SECURITY_REFRESH_TOKEN = true\nSECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"").await
}

#[tokio::test]
async fn attack_state_change_not_effective_a_new_password_revokes_every_credential() {
    let app = with_tokens().await;
    let mut proofs = Proofs::collect(&app).await;
    assert_eq!(proofs.accepted_credentials().await, [true; 4]);
    let user = app.stored(ANA).await;
    admin::change_password(app.app(), &user, "correct horse battery")
        .await
        .unwrap();
    assert_eq!(proofs.accepted_credentials().await, [false; 4]);
}

#[tokio::test]
async fn attack_state_change_not_effective_deactivation_revokes_every_credential_for_good() {
    let app = with_tokens().await;
    let mut proofs = Proofs::collect(&app).await;
    assert_eq!(proofs.accepted_credentials().await, [true; 4]);
    let set_active = async |active| {
        let user = app.stored(ANA).await;
        admin::set_active(app.app(), &user, active).await.unwrap()
    };
    assert!(set_active(false).await);
    assert_eq!(proofs.accepted_credentials().await, [false; 4]);
    assert_eq!(
        app.browser().sign_in(ANA, PASSWORD).await.code(),
        "DISABLED_ACCOUNT"
    );
    assert!(!set_active(false).await, "the user was inactive already");

    assert!(set_active(true).await);
    assert_eq!(
        proofs.accepted_credentials().await,
        [false; 4],
        "old credentials stay revoked"
    );
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
    assert!(!set_active(true).await, "the user was active already");
}

#[tokio::test]
async fn attack_state_change_not_effective_an_access_reset_revokes_every_credential_but_the_password()
 {
    let app = with_tokens().await;
    let mut proofs = Proofs::collect(&app).await;
    let before = app.stored(ANA).await;
    admin::reset_access(app.app(), &before).await.unwrap();
    assert_eq!(proofs.accepted_credentials().await, [false; 4]);
    let after = app.stored(ANA).await;
    assert_ne!(after.fs_uniquifier, before.fs_uniquifier);
    assert_ne!(after.fs_token_uniquifier, before.fs_token_uniquifier);
    assert_eq!(after.password, before.password);
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn attack_state_change_not_effective_a_new_account_inherits_nothing_from_a_deleted_namesake()
{
    let app = with_tokens().await;
    let mut proofs = Proofs::collect(&app).await;
    let user = app.stored(ANA).await;
    let role = a_role(&app).await;
    assert!(roles::give(app.app(), &user, &role).await.unwrap());
    admin::delete(app.app(), &user).await.unwrap();
    assert_eq!(proofs.accepted_credentials().await, [false; 4]);
    let again = admin::delete(app.app(), &user).await.unwrap_err();
    assert_eq!(
        again.to_string(),
        "no user has the identity \"ana@example.com\""
    );

    let namesake = app.user(ANA, |draft| draft).await;
    assert_ne!(namesake.id, user.id);
    assert_eq!(proofs.accepted_credentials().await, [false; 4]);
    assert_eq!(role_names(&app, &namesake).await, Vec::<String>::new());
}

#[tokio::test]
async fn changing_a_deleted_user_fails_with_not_found() {
    let app = TestApp::new().await;
    let user = app.stored(ANA).await;
    admin::delete(app.app(), &user).await.unwrap();
    let app = app.app();
    for outcome in [
        admin::set_active(app, &user, false).await.map(|_| ()),
        admin::reset_access(app, &user).await,
        admin::change_password(app, &user, "correct horse battery").await,
    ] {
        assert!(matches!(outcome, Err(admin::AdminError::NotFound(_))));
    }
}

#[tokio::test]
async fn confirming_twice_keeps_the_first_confirmation_time() {
    let app = TestApp::with(LIFE).await;
    let user = app
        .user("new@example.com", |draft| admin::NewAccount {
            confirmed: false,
            ..draft
        })
        .await;
    let refused = app.browser().sign_in("new@example.com", PASSWORD).await;
    assert_eq!(refused.code(), "CONFIRMATION_REQUIRED");
    assert!(admin::confirm(app.app(), &user).await.unwrap());
    let confirmed = app.stored("new@example.com").await;
    assert!(confirmed.confirmed_at.is_some());
    app.wait(60);
    assert!(!admin::confirm(app.app(), &confirmed).await.unwrap());
    let still = app.stored("new@example.com").await;
    assert_eq!(still.confirmed_at, confirmed.confirmed_at);
    let answer = app.browser().sign_in("new@example.com", PASSWORD).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_user_is_found_by_every_identity_attribute_and_by_no_other() {
    let attributes = r#"SECURITY_USER_IDENTITY_ATTRIBUTES = ["us_phone_number", "username"]"#;
    let app = TestApp::bare(&format!("{attributes}\nSECURITY_USERNAME_ENABLE = true")).await;
    let user = app
        .user("b@example.com", |draft| admin::NewAccount {
            username: Some("Bela".to_owned()),
            ..draft
        })
        .await;
    let patch = vestibule_store::UserPatch {
        us_phone_number: Some(Some("+442079460000".to_owned())),
        ..vestibule_store::UserPatch::default()
    };
    let now = app.app().clock().now();
    let store = app.app().store();
    assert!(store.update_user(user.id, patch, now).await.unwrap());
    for text in ["Bela", "+442079460000", "+44 (20) 7946-0000"] {
        let found = admin::find(app.app(), text).await.unwrap();
        assert_eq!(found.id, user.id, "{text}");
    }
    for text in ["b@example.com", "1", "", "02079460000", "+44", "+"] {
        let error = admin::find(app.app(), text).await.unwrap_err();
        assert!(matches!(error, admin::AdminError::NotFound(_)), "{text}");
    }
}

async fn a_role(app: &TestApp) -> vestibule_store::Role {
    let permissions = vec!["read".to_owned(), "write".to_owned()];
    roles::create(app.app(), "editor".to_owned(), None, permissions)
        .await
        .unwrap()
}

async fn role_names(app: &TestApp, user: &User) -> Vec<String> {
    let roles = app.app().store().roles_of(user.id).await.unwrap();
    roles.into_iter().map(|role| role.name).collect()
}

#[tokio::test]
async fn giving_or_taking_a_role_twice_changes_nothing() {
    let app = TestApp::new().await;
    let user = app.stored(ANA).await;
    let role = a_role(&app).await;
    for (give, changed) in [(true, true), (true, false), (false, true), (false, false)] {
        let outcome = if give {
            roles::give(app.app(), &user, &role).await
        } else {
            roles::take(app.app(), &user, &role).await
        };
        assert_eq!(outcome.unwrap(), changed);
        assert_eq!(role_names(&app, &user).await.len(), usize::from(give));
    }
}

#[tokio::test]
async fn changing_permissions_reports_only_actual_changes() {
    let app = TestApp::new().await;
    let names = |text: &str| -> Vec<String> { text.split(',').map(str::to_owned).collect() };
    let role = a_role(&app).await;
    let changed = roles::add_permissions(app.app(), role, names("publish,read,publish"))
        .await
        .unwrap();
    assert_eq!(changed.permissions, names("publish"));
    assert_eq!(changed.role.permissions, names("read,write,publish"));
    let changed = roles::remove_permissions(app.app(), changed.role, names("read,fly"))
        .await
        .unwrap();
    assert_eq!(changed.permissions, names("read"));
    assert_eq!(changed.role.permissions, names("write,publish"));
    let stored = roles::find(app.app(), "editor").await.unwrap();
    assert_eq!(stored, changed.role);
}

#[tokio::test]
async fn attack_separator_in_a_name_invalid_role_and_permission_names_are_refused() {
    let app = TestApp::new().await;
    let long = "n".repeat(81);
    let mut permission_names = Vec::new();
    for (name, why) in [
        ("", "is empty"),
        ("a,admin", "a comma"),
        ("a\nb", "control character"),
        ("a\u{1b}[2J", "control character"),
        ("a\0", "control character"),
        (" a", "white space"),
        ("a\u{a0}", "white space"),
        (&long, "more than 80"),
    ] {
        let error = roles::create(app.app(), name.to_owned(), None, Vec::new()).await;
        let said = error.unwrap_err().to_string();
        assert!(said.contains(why) && !said.contains('\u{1b}'), "{said}");
        if name != long {
            permission_names.push((name, why));
        }
    }
    let role = a_role(&app).await;
    for (name, why) in permission_names {
        let names = || vec!["fine".to_owned(), name.to_owned()];
        for outcome in [
            roles::create(app.app(), "other".to_owned(), None, names())
                .await
                .map(|_| ()),
            roles::add_permissions(app.app(), role.clone(), names())
                .await
                .map(|_| ()),
            roles::remove_permissions(app.app(), role.clone(), names())
                .await
                .map(|_| ()),
        ] {
            let said = outcome.unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }
    let known = roles::list(app.app()).await.unwrap();
    assert_eq!(known, [role], "a refused change is not applied in part");
}

#[tokio::test]
async fn a_role_has_a_unique_name_and_fits_its_columns() {
    let app = TestApp::new().await;
    let create = async |name: &str, description: Option<String>| {
        roles::create(app.app(), name.to_owned(), description, Vec::new()).await
    };
    let longest = "\u{e9}".repeat(80);
    let role = create(&longest, Some("d".repeat(255))).await.unwrap();
    assert_eq!(role.name, longest);
    assert_eq!(role.permissions, Vec::<String>::new());
    let said = create(&longest, None).await.unwrap_err().to_string();
    assert!(said.contains("already"), "{said}");
    let said = create("other", Some("d".repeat(256))).await;
    assert!(said.unwrap_err().to_string().contains("255"));
    let plain = create("plain", Some(String::new())).await.unwrap();
    assert_eq!(plain.description, None);
    let said = roles::find(app.app(), "other").await.unwrap_err();
    assert_eq!(said.to_string(), "there is no role \"other\"");
}
