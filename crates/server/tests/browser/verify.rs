//! A passkey proves the identity of a signed-in user again.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::authenticator::{Authenticator, Kind};
use crate::site::Site;

/// A query for a proof of identity that is at most two seconds old.
const FRESH: &str = "authz?within=2";

#[test]
fn passkey_makes_the_session_fresh() {
    let site = Site::start("");
    let _key = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.sign_in();
    site.succeeds("register", &json!({}));
    sleep(Duration::from_secs(3));

    let stale = site.request("GET", FRESH, &Value::Null);
    assert_eq!(stale["status"], 401, "{stale:#}");
    assert_eq!(stale["reauth_required"], true);
    assert_eq!(stale["has_webauthn_verify_credential"], true);
    site.succeeds("verify", &json!({}));
    let fresh = site.request("GET", FRESH, &Value::Null);
    assert_eq!(fresh["status"], 200, "{fresh:#}");
}
