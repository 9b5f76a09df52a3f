//! Devices that signed in to an account before, which a stranger cannot lock out.

use super::limits::{FEW_FOR_ADDRESS, LOGIN, guess, refused};
use crate::support::{ANA, PASSWORD, TestApp};

#[tokio::test]
async fn attack_lockout_denial_a_stranger_cannot_lock_out_the_owners_device() {
    let app = TestApp::with(FEW_FOR_ADDRESS).await;
    let mut owner = app.browser().from("203.0.113.7");
    assert_eq!(owner.sign_in(ANA, PASSWORD).await.status, 200);
    owner.sign_out().await;
    // A stranger behind the same address fills the counter of the address, and others that of the
    // account.
    for number in 0..4 {
        let mut stranger = app.browser().from(&format!("203.0.113.{}", 7 + number));
        guess(&mut stranger, ANA, 3).await;
    }
    let mut elsewhere = app.browser().from("198.51.100.1");
    assert!(refused(&elsewhere.sign_in(ANA, PASSWORD).await));
    assert_eq!(owner.sign_in(ANA, PASSWORD).await.status, 200);
    // What the stranger counted stays.
    assert!(refused(&elsewhere.sign_in(ANA, PASSWORD).await));
}

#[tokio::test]
async fn attack_lockout_bypass_a_device_has_the_same_limit_for_its_own_accounts_only() {
    let app = TestApp::new().await;
    app.user("bo@example.com", |draft| draft).await;
    let mut thief = app.browser();
    let owner = app.signed_in().await;
    let device = owner.cookies["vestibule_device"].clone();
    thief.cookies.insert("vestibule_device".to_owned(), device);
    assert!(!thief.is_signed_in().await, "the cookie proves nothing");

    assert_eq!(guess(&mut thief, ANA, 11).await[9..], [400, 429]);
    assert!(refused(&thief.sign_in(ANA, PASSWORD).await));
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
    // For another account it is no known device.
    assert_eq!(
        guess(&mut app.browser(), "bo@example.com", 10).await,
        [400; 10]
    );
    assert!(refused(&thief.sign_in("bo@example.com", PASSWORD).await));
}

#[tokio::test]
async fn attack_lockout_bypass_a_forged_or_expired_device_cookie_is_ignored() {
    let app = TestApp::new().await;
    let owner = app.signed_in().await;
    let device = owner.cookies["vestibule_device"].clone();
    assert_eq!(guess(&mut app.browser(), ANA, 10).await, [400; 10]);
    let with = |cookie: &str| {
        let mut browser = app.browser();
        browser
            .cookies
            .insert("vestibule_device".to_owned(), cookie.to_owned());
        browser
    };
    let last = if device.ends_with('A') { "B" } else { "A" };
    let (id, rest) = device.split_once('-').unwrap();
    let changed = format!("{}{last}", &device[..device.len() - 1]);
    let another_id = format!("{}-{rest}", "0".repeat(id.len()));
    for forged in ["", "x", "a-b.c.d", changed.as_str(), another_id.as_str()] {
        assert!(
            refused(&with(forged).sign_in(ANA, PASSWORD).await),
            "{forged}"
        );
    }
    assert_eq!(with(&device).sign_in(ANA, PASSWORD).await.status, 200);
    app.wait(365 * 24 * 60 * 60 + 1);
    assert_eq!(guess(&mut app.browser(), ANA, 10).await, [400; 10]);
    assert!(refused(&with(&device).sign_in(ANA, PASSWORD).await));
}

#[tokio::test]
async fn a_completed_sign_in_sets_the_device_cookie() {
    let app = TestApp::with("SESSION_COOKIE_SECURE = true").await;
    app.user("bo@example.com", |draft| draft).await;
    let mut browser = app.browser();
    let answer = browser.sign_in(ANA, "wrong").await;
    assert_eq!(answer.set_cookie("vestibule_device"), None);
    let answer = browser.sign_in(ANA, PASSWORD).await;
    let cookie = answer.set_cookie("vestibule_device").unwrap();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "Expires=Sat, 15 Jan 2028 08:00:00 GMT; Max-Age=31536000; Secure; HttpOnly; Path=/; SameSite=Lax"
    );
    let user = app.stored(ANA).await;
    for secret in [&user.id.to_string(), &user.fs_uniquifier, "ana"] {
        assert!(
            !value.split(['=', '-', '.']).any(|part| part == secret),
            "{value}"
        );
    }
    assert_eq!(
        browser.get(LOGIN).await.set_cookie("vestibule_device"),
        None
    );

    // Several people share a browser, and each has a counter there.
    browser.sign_out().await;
    assert_eq!(
        browser.sign_in("bo@example.com", PASSWORD).await.status,
        200
    );
    browser.sign_out().await;
    for email in [ANA, "bo@example.com"] {
        assert_eq!(guess(&mut app.browser(), email, 10).await, [400; 10]);
        assert_eq!(
            browser.sign_in(email, PASSWORD).await.status,
            200,
            "{email}"
        );
        browser.sign_out().await;
    }
}
