//! A passkey is the second factor: after a password, or after a passkey without user verification.

use serde_json::json;

use crate::authenticator::{Authenticator, Kind};
use crate::site::{ANA, Site};

/// Registers one passkey to sign in with, on this authenticator of the current tab, and one as the
/// second factor, on another authenticator of a new tab. Signs out, and returns the names of both
/// tabs.
fn two_passkeys(site: &Site, first: Kind) -> (String, String) {
    let first_tab = site.chromium.tab();
    Authenticator::plug_in(&site.chromium, first);
    site.sign_in();
    site.succeeds("register", &json!({ "name": "First", "usage": "first" }));
    let second_tab = site.new_tab();
    Authenticator::plug_in(&site.chromium, Kind::Plain);
    let usage = json!({ "name": "Second", "usage": "secondary" });
    site.succeeds("register", &usage);
    site.sign_out();
    (first_tab, second_tab)
}

#[test]
fn passkey_is_the_second_factor_after_a_password_with_and_without_user_verification() {
    let site = Site::start("");
    for (kind, name) in [(Kind::Modern, "Modern"), (Kind::Plain, "Plain")] {
        let key = Authenticator::plug_in(&site.chromium, kind);
        site.sign_in();
        site.succeeds("register", &json!({ "name": name, "usage": "secondary" }));
        site.sign_out();

        let waits = site.sign_in();
        assert_eq!(waits["tf_required"], true, "{waits:#}");
        assert_eq!(waits["tf_method"], "webauthn");
        assert!(!site.is_signed_in());
        let done = site.succeeds("signIn", &json!({}));
        assert_eq!(done["options"]["userVerification"], "discouraged");
        let transports = &done["options"]["allowCredentials"][0]["transports"];
        assert_eq!(transports, &json!(["usb"]));
        assert!(site.is_signed_in());

        let removed = site.post("wan-delete", &json!({ "name": name }));
        assert_eq!(removed["status"], 200, "{removed:#}");
        site.sign_out();
        key.unplug();
    }
}

#[test]
fn passkey_without_user_verification_is_followed_by_another_as_the_second_factor() {
    let site = Site::start("");
    let (first, second) = two_passkeys(&site, Kind::Plain);
    site.chromium.switch_to(&first);
    let waits = site.succeeds("signIn", &json!({ "identity": ANA }));
    assert_eq!(waits["tf_required"], true, "{waits:#}");
    assert!(!site.is_signed_in());
    site.chromium.switch_to(&second);
    let done = site.succeeds("signIn", &json!({}));
    assert_eq!(done["tf_required"], false, "{done:#}");
    assert!(site.is_signed_in());
}

#[test]
fn passkey_with_user_verification_counts_as_two_factors() {
    let site = Site::start("");
    let (first, _) = two_passkeys(&site, Kind::Modern);
    site.chromium.switch_to(&first);
    let done = site.succeeds("signIn", &json!({}));
    assert_eq!(done["tf_required"], false, "{done:#}");
    assert!(site.is_signed_in());
}
