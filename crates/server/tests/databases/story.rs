//! The life of an account in the documented single-page-app configuration.

use std::collections::BTreeSet;

use serde_json::json;

use crate::http::Response;
use crate::site::{ANA, Database, PASSWORD, Site, code, destination, newcomer};

/// The documented configuration, and the secrets that every server needs.
const SETTINGS: &str = concat!(
    include_str!("../support/spa.toml"),
    "SECRET_KEY = \"a secret key for tests, long enough\"\n",
    "SECURITY_PASSWORD_SALT = \"146585145368132386173505678016728509634\"\n",
    "SECURITY_TOTP_SECRETS = { 1 = \"a secret for authenticator apps\" }\n",
);

const SECOND: &str = "correct-horse";
const THIRD: &str = "paper-lantern";

/// The name in a `name=value` pair.
fn key(pair: &str) -> &str {
    pair.split('=').next().unwrap()
}

#[track_caller]
fn ok(answer: &Response) {
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn account_is_registered_confirmed_changed_and_recovered(database: Database) {
    let site = Site::start(database, SETTINGS);

    // After the registration the user cannot sign in until the mailed link is opened.
    let mut laptop = site.browser();
    ok(&laptop.post("/register", &newcomer(ANA)));
    assert!(!laptop.is_in());
    let early = laptop.sign_in(ANA, PASSWORD);
    assert_eq!(
        (early.status, code(&early)),
        (400, "CONFIRMATION_REQUIRED".into())
    );
    let confirm = site.post.link(ANA);
    let opened = laptop.get(&confirm);
    let (view, query) = destination(&opened);
    assert_eq!(view, "/confirmed");
    let keys: BTreeSet<&str> = query.split('&').map(key).collect();
    assert_eq!(keys, BTreeSet::from(["email", "identity", "success"]));

    // The user signs in on two devices and changes the password on one. That ends the session on
    // the other at once.
    let mut phone = site.browser();
    for browser in [&mut laptop, &mut phone] {
        ok(&browser.sign_in(ANA, PASSWORD));
        assert!(browser.is_in());
    }
    let change =
        json!({"password": PASSWORD, "new_password": SECOND, "new_password_confirm": SECOND});
    ok(&laptop.post("/change", &change));
    assert!(
        laptop.is_in(),
        "the session that changed the password continues"
    );
    assert!(!phone.is_in(), "the other session ends");
    assert_eq!(phone.sign_in(ANA, PASSWORD).status, 400);
    ok(&phone.sign_in(ANA, SECOND));
    site.post.wait_for(ANA, 2);

    // The user forgets the password. The mailed link leads to the app, which asks for a new one.
    let mut tablet = site.browser();
    ok(&tablet.post("/reset", &json!({"email": ANA})));
    site.post.wait_for(ANA, 3);
    let reset = site.post.link(ANA);
    let opened = tablet.get(&reset);
    let (view, query) = destination(&opened);
    assert_eq!(view, "/reset-password");
    let token = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))
        .unwrap();
    assert!(reset.ends_with(token), "{reset} {query}");
    let new = json!({"password": THIRD, "password_confirm": THIRD});
    ok(&tablet.post(&format!("/reset/{token}"), &new));
    assert!(!laptop.is_in() && !phone.is_in(), "every session has ended");
    assert_eq!(tablet.sign_in(ANA, SECOND).status, 400);
    ok(&tablet.sign_in(ANA, THIRD));
    assert!(tablet.is_in());
    site.post.wait_for(ANA, 4);

    // No link works a second time.
    assert_eq!(
        destination(&site.browser().get(&confirm)).0,
        "/confirm-error"
    );
    let again = site.browser().get(&reset);
    assert_eq!(destination(&again).0, "/reset-password-error");
}

on_each_database! {
    account_is_registered_confirmed_changed_and_recovered
}
