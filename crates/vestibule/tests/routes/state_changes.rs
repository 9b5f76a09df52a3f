//! The effect of each change to an account on each kind of credential: the next request is refused.

use http::StatusCode;
use serde_json::json;
use vestibule::admin::{self, roles};
use vestibule_store::UserPatch;

use crate::support::callers::text;
use crate::support::{ANA, Answer, Browser, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz?methods=session,token,basic&roles_required=editor";
const REFRESH: &str = "/api/accounts/refresh-token";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Disable,
    /// Another program changes only `active` in the shared table.
    DisableElsewhere,
    Delete,
    Password,
    /// Revokes every credential but the password.
    ResetAccess,
    /// Replaces only `fs_uniquifier`.
    RenewSessions,
    /// Replaces only `fs_token_uniquifier`.
    RenewTokens,
    TakeRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Session,
    Remember,
    AuthToken,
    Refresh,
    Basic,
}

const WAYS: [Way; 5] = [
    Way::Session,
    Way::Remember,
    Way::AuthToken,
    Way::Refresh,
    Way::Basic,
];

/// The status for each of [`WAYS`] after the change; before it, each is 200.
const TABLE: [(Change, [u16; 5]); 8] = [
    (Change::Disable, [401, 401, 401, 400, 401]),
    (Change::DisableElsewhere, [401, 401, 401, 400, 401]),
    (Change::Delete, [401, 401, 401, 400, 401]),
    (Change::Password, [401, 401, 401, 400, 401]),
    (Change::ResetAccess, [401, 401, 401, 400, 200]),
    (Change::RenewSessions, [401, 401, 200, 200, 200]),
    (Change::RenewTokens, [200, 200, 401, 400, 200]),
    (Change::TakeRole, [403, 403, 403, 403, 403]),
];

async fn an_editor() -> TestApp {
    let app =
        TestApp::with("SECURITY_REFRESH_TOKEN = true\nSECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"")
            .await;
    let role = roles::create(app.app(), "editor".to_owned(), None, vec![]);
    let role = role.await.unwrap();
    roles::give(app.app(), &app.stored(ANA).await, &role)
        .await
        .unwrap();
    app
}

async fn carry_out(app: &TestApp, change: Change) {
    let user = app.stored(ANA).await;
    let app = app.app();
    let patched = async |patch: UserPatch| {
        let now = app.clock().now();
        assert!(app.store().update_user(user.id, patch, now).await.unwrap());
    };
    match change {
        Change::Disable => assert!(admin::set_active(app, &user, false).await.unwrap()),
        Change::Delete => admin::delete(app, &user).await.unwrap(),
        Change::Password => admin::change_password(app, &user, "another one")
            .await
            .unwrap(),
        Change::ResetAccess => admin::reset_access(app, &user).await.unwrap(),
        Change::TakeRole => {
            let role = roles::find(app, "editor").await.unwrap();
            assert!(roles::take(app, &user, &role).await.unwrap());
        }
        Change::DisableElsewhere => {
            patched(UserPatch {
                active: Some(false),
                ..UserPatch::default()
            })
            .await;
        }
        Change::RenewSessions => {
            patched(UserPatch {
                fs_uniquifier: Some("a".repeat(32)),
                ..UserPatch::default()
            })
            .await;
        }
        Change::RenewTokens => {
            patched(UserPatch {
                fs_token_uniquifier: Some("b".repeat(32)),
                ..UserPatch::default()
            })
            .await;
        }
    }
}

/// The credential for a way to authenticate, obtained before the change.
struct Held<'a> {
    browser: Browser<'a>,
    refresh: Option<String>,
}

async fn obtain(app: &TestApp, way: Way) -> Held<'_> {
    let mut browser = app.browser();
    let mut refresh = None;
    match way {
        Way::Session | Way::Remember => {
            let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
            browser.post("/api/accounts/login", body).await;
            let cookie = if way == Way::Session {
                "session"
            } else {
                "remember_token"
            };
            browser.cookies.retain(|name, _| name == cookie);
            assert_eq!(browser.cookies.len(), 1);
        }
        Way::AuthToken => browser = app.bearer(&app.auth_token(ANA).await),
        Way::Refresh => refresh = Some(text(&app.tokens(ANA).await["refresh_token"])),
        Way::Basic => browser = app.basic(ANA, PASSWORD),
    }
    Held { browser, refresh }
}

/// Sends a request with the credential; a refresh token is first exchanged for an auth token.
async fn use_credential(app: &TestApp, held: &mut Held<'_>) -> Answer {
    let Some(token) = &held.refresh else {
        // The clone discards cookies, so that a session restored by a remember cookie is not
        // reused.
        return held.browser.clone().get(AUTHZ).await;
    };
    let answer = app
        .browser()
        .post(REFRESH, json!({"refresh_token": token}))
        .await;
    if answer.status != StatusCode::OK {
        return answer;
    }
    let user = answer.response()["user"].clone();
    held.refresh = Some(text(&user["refresh_token"]));
    app.bearer(&text(&user["authentication_token"]))
        .get(AUTHZ)
        .await
}

#[tokio::test]
async fn attack_state_change_every_change_applies_to_every_credential_at_once() {
    for (change, statuses) in TABLE {
        let app = an_editor().await;
        let mut all = Vec::new();
        for (way, status) in WAYS.into_iter().zip(statuses) {
            let mut held = obtain(&app, way).await;
            assert_eq!(
                use_credential(&app, &mut held).await.status,
                200,
                "{change:?} {way:?}"
            );
            all.push((way, status, held));
        }
        carry_out(&app, change).await;
        for (way, status, held) in &mut all {
            let answer = use_credential(&app, held).await;
            assert_eq!(answer.status, *status, "{change:?} {way:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn attack_state_change_reactivation_restores_no_credential_but_the_password() {
    let app = an_editor().await;
    let mut all = Vec::new();
    for way in WAYS {
        all.push((way, obtain(&app, way).await));
    }
    carry_out(&app, Change::Disable).await;
    let user = app.stored(ANA).await;
    admin::set_active(app.app(), &user, true).await.unwrap();
    for (way, held) in &mut all {
        let came_in = use_credential(&app, held).await.status == 200;
        assert_eq!(came_in, *way == Way::Basic, "{way:?}");
    }
}

#[tokio::test]
async fn attack_recycled_identifier_a_new_account_with_the_same_address_inherits_nothing() {
    let app = an_editor().await;
    let mut all = Vec::new();
    for way in WAYS {
        all.push((way, obtain(&app, way).await));
    }
    let before = app.stored(ANA).await;
    carry_out(&app, Change::Delete).await;
    let another = |draft| admin::NewAccount {
        password: "quite another".to_owned(),
        ..draft
    };
    let after = app.user(ANA, another).await;
    assert_ne!(after.id, before.id);
    for (way, held) in &mut all {
        let answer = use_credential(&app, held).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 401),
            "{way:?}: {answer:?}"
        );
    }
    let mut anew = app.basic(ANA, "quite another");
    assert_eq!(
        anew.get(AUTHZ).await.status,
        403,
        "the role is not inherited either"
    );
}

#[tokio::test]
async fn attack_state_change_a_role_taken_from_one_user_stays_with_another() {
    let app = an_editor().await;
    let bo = app.user("bo@example.com", |draft| draft).await;
    let role = roles::find(app.app(), "editor").await.unwrap();
    roles::give(app.app(), &bo, &role).await.unwrap();
    let mut bo = app.basic("bo@example.com", PASSWORD);
    carry_out(&app, Change::TakeRole).await;
    assert_eq!(bo.get(AUTHZ).await.status, 200);
    carry_out(&app, Change::Delete).await;
    assert_eq!(bo.get(AUTHZ).await.status, 200);
}
