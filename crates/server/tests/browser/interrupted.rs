//! Ceremonies that the user cancels, or that take too long. The API stays usable.

use serde_json::{Value, json};

use crate::authenticator::{Authenticator, Kind};
use crate::site::{Site, code};

/// How long the browser waits for an authenticator.
const TIMEOUTS: &str = "SECURITY_WAN_REGISTER_TIMEOUT = 500\nSECURITY_WAN_SIGNIN_TIMEOUT = 500\n";

#[track_caller]
fn is_cancelled(done: &Value) {
    assert_eq!(done["thrown"], "NotAllowedError", "{done:#}");
    // The server's only reply was to the first request.
    assert_eq!(done["last"], 200, "{done:#}");
}

#[test]
fn cancelled_ceremonies_change_nothing() {
    let site = Site::start(TIMEOUTS);
    let ignored = Authenticator::plug_in(&site.chromium, Kind::Ignored);
    site.sign_in();
    is_cancelled(&site.ceremony("register", &json!({})));
    assert_eq!(site.passkeys(), Vec::<Value>::new());
    ignored.unplug();

    let key = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.succeeds("register", &json!({}));
    is_cancelled_everywhere(&site, key);

    // The user reloads the page.
    let endless = "ceremony('signIn', {}, () => new Promise(() => {}))";
    site.chromium.run(endless, &[]);
    site.open();
    assert!(!site.is_signed_in());

    // Both ways to sign in still work.
    site.sign_in();
    let _other = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.succeeds("register", &json!({ "name": "Other" }));
    assert_eq!(site.passkeys().len(), 2);
    site.sign_out();
    site.succeeds("signIn", &json!({}));
    assert!(site.is_signed_in());
}

/// Cancels a verification and a sign-in, without an authenticator and with one that is not touched.
fn is_cancelled_everywhere(site: &Site, key: Authenticator<'_>) {
    key.unplug();
    is_cancelled(&site.ceremony("verify", &json!({})));
    assert!(site.is_signed_in());
    site.sign_out();
    is_cancelled(&site.ceremony("signIn", &json!({})));
    let ignored = Authenticator::plug_in(&site.chromium, Kind::Ignored);
    is_cancelled(&site.ceremony("signIn", &json!({})));
    ignored.unplug();
    assert!(!site.is_signed_in());
}

#[test]
fn late_response_is_refused_and_the_next_is_accepted() {
    let site = Site::start("SECURITY_WAN_SIGNIN_WITHIN = \"2 seconds\"\n");
    let _key = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.sign_in();
    site.succeeds("register", &json!({}));
    site.sign_out();
    let late = site.chromium.run(
        "return ceremony('signIn', {}, () => new Promise(go => setTimeout(go, 3200)))",
        &[],
    );
    assert_eq!(late["status"], 400, "{late:#}");
    assert_eq!(code(&late), "WEBAUTHN_EXPIRED");
    assert!(!site.is_signed_in());
    site.succeeds("signIn", &json!({}));
    assert!(site.is_signed_in());
}
