//! The headers in which `/authz` names the user, with role and permission names that other programs
//! may have stored; vestibule itself refuses to create such names.

use vestibule_store::{NewRole, UserPatch};

use crate::support::{ANA, Answer, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz";

/// Gives Ana a role of this name with a permission.
async fn give(app: &TestApp, name: &str, permission: &str) {
    let role = NewRole {
        name: name.to_owned(),
        description: None,
        permissions: vec![permission.to_owned()],
        created_at: app.app().clock().now(),
    };
    let user = app.stored(ANA).await;
    let role = app.app().store().create_role(role).await.unwrap();
    app.app().store().give_role(user.id, role.id).await.unwrap();
}

fn utf8(answer: &Answer, name: &str) -> String {
    String::from_utf8(answer.headers[name].as_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn attack_header_injection_names_with_commas_or_control_characters_are_left_out() {
    let app = TestApp::new().await;
    for (name, permission) in [
        ("one,admin", "read,delete"),
        ("two\r\nX-Auth-User: root", "a\nb"),
        ("three\u{0}", "c\u{85}d"),
        ("vier \u{e4}", "lesen \u{e4}"),
        ("good", "fine"),
    ] {
        give(&app, name, permission).await;
    }
    let mut ana = app.signed_in().await;
    let answer = ana.get(AUTHZ).await;
    assert_eq!(answer.status, 200);
    assert_eq!(utf8(&answer, "x-auth-roles"), "good,vier \u{e4}");
    assert_eq!(utf8(&answer, "x-auth-permissions"), "fine,lesen \u{e4}");
    // A comma in a name does not make two names of it.
    for query in [
        "roles_required=admin",
        "roles_required=one,admin",
        "permissions_required=delete",
    ] {
        let answer = ana.get(&format!("{AUTHZ}?{query}")).await;
        assert_eq!(answer.status, 403, "{query}");
    }
}

#[tokio::test]
async fn a_non_ascii_identity_is_sent_as_utf8() {
    let app = TestApp::new().await;
    app.user("j\u{f6}rg@example.com", |draft| draft).await;
    let mut browser = app.browser();
    browser.sign_in("j\u{f6}rg@example.com", PASSWORD).await;
    let answer = browser.get(AUTHZ).await;
    let name = answer.headers["x-auth-user"].as_bytes();
    assert_eq!(name, "j\u{f6}rg@example.com".as_bytes());
}

#[tokio::test]
async fn attack_forward_auth_the_user_header_is_always_sent() {
    // A proxy that copies only headers that are present would pass on the client's own.
    let app = TestApp::new().await;
    let user = app.stored(ANA).await;
    let mut ana = app.signed_in().await;
    let odd = UserPatch {
        email: Some("a\u{1}na@example.com".to_owned()),
        ..UserPatch::default()
    };
    let now = app.app().clock().now();
    app.app()
        .store()
        .update_user(user.id, odd, now)
        .await
        .unwrap();
    let answer = ana.get(AUTHZ).await;
    assert_eq!(answer.status, 200);
    let named = answer
        .headers
        .get("x-auth-user")
        .map(http::HeaderValue::as_bytes);
    assert_eq!(named, Some(&b""[..]), "{answer:?}");
}

#[tokio::test]
async fn attack_header_injection_names_with_surrounding_white_space_are_left_out() {
    // A backend trims the header, and splits a list at commas and spaces.
    let app = TestApp::new().await;
    for (name, permission) in [
        (" admin", "delete "),
        ("\u{a0}owner", "\u{2003}drop"),
        ("", ""),
        ("good", "fine"),
    ] {
        give(&app, name, permission).await;
    }
    let answer = app.signed_in().await.get(AUTHZ).await;
    assert_eq!(utf8(&answer, "x-auth-roles"), "good");
    assert_eq!(utf8(&answer, "x-auth-permissions"), "fine");
}
