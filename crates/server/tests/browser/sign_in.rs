//! A passkey signs in alone: discovered, by autofill, or listed for the identity of its user.

use serde_json::json;

use crate::authenticator::{Authenticator, Kind};
use crate::site::{ANA, Site, code};

#[test]
fn discovered_passkey_with_user_verification_signs_in_until_it_is_removed() {
    let site = Site::start("");
    let key = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.sign_in();
    site.succeeds("register", &json!({}));
    let listed = site.passkeys();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["name"], "My phone");
    assert_eq!(listed[0]["usage"], "first");
    assert_eq!(listed[0]["discoverable"], true);
    assert_eq!(
        key.credentials()[0]["credentialId"],
        listed[0]["credential_id"]
    );

    site.sign_out();
    assert!(!site.is_signed_in());
    let done = site.succeeds("signIn", &json!({}));
    assert_eq!(done["options"]["allowCredentials"], json!([]));
    assert_eq!(done["tf_required"], false);
    assert!(site.is_signed_in());
    assert_eq!(done["user"], ANA);

    // The browser does not register the same authenticator twice.
    let again = site.ceremony("register", &json!({ "name": "Again" }));
    assert_eq!(again["thrown"], "InvalidStateError", "{again:#}");

    let removed = site.post("wan-delete", &json!({ "name": "My phone" }));
    assert_eq!(removed["status"], 200, "{removed:#}");
    site.sign_out();
    let refused = site.ceremony("signIn", &json!({}));
    assert_eq!(code(&refused), "WEBAUTHN_UNKNOWN_CREDENTIAL_ID");
    assert!(!site.is_signed_in());
}

#[test]
fn autofill_waits_for_the_user_and_signs_in_with_the_discovered_passkey() {
    let site = Site::start("SECURITY_WAN_SIGNIN_TIMEOUT = 200\n");
    // Unlike a sign-in by a button, it goes on waiting for a user who types a password instead.
    let ignored = Authenticator::plug_in(&site.chromium, Kind::Ignored);
    let failed = site.ceremony("signIn", &json!({}));
    assert_eq!(failed["thrown"], "NotAllowedError", "{failed:#}");
    let waits = "const later = new Promise(go => setTimeout(() => go('waits'), 1000))
        return Promise.race([ceremony('autofill'), later])";
    assert_eq!(site.chromium.run(waits, &[]), "waits");
    ignored.unplug();
    site.open();

    let _key = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.sign_in();
    site.succeeds("register", &json!({}));
    site.sign_out();
    let done = site.succeeds("autofill", &json!({}));
    assert_eq!(done["options"]["allowCredentials"], json!([]));
    assert!(site.is_signed_in());
}

#[test]
fn passkey_that_is_not_discovered_signs_in_for_its_identity() {
    let site = Site::start("SECURITY_WAN_SIGNIN_TIMEOUT = 500\n");
    let _key = Authenticator::plug_in(&site.chromium, Kind::Plain);
    site.sign_in();
    site.succeeds("register", &json!({}));
    assert_eq!(site.passkeys()[0]["discoverable"], false);
    site.sign_out();

    // Without an identity, the browser finds no passkey.
    let failed = site.ceremony("signIn", &json!({}));
    assert_eq!(failed["thrown"], "NotAllowedError", "{failed:#}");
    assert!(!site.is_signed_in());

    let done = site.succeeds("signIn", &json!({ "identity": ANA }));
    let listed = done["options"]["allowCredentials"].as_array().map(Vec::len);
    assert_eq!(listed, Some(1), "{done:#}");
    assert!(site.is_signed_in());
}

#[test]
fn browser_refuses_authenticators_that_do_not_verify_the_user_where_that_is_required() {
    let site = Site::start(
        "SECURITY_WAN_FIRST_FACTOR_USER_VERIFICATION = \"required\"\n\
         SECURITY_WAN_REGISTER_TIMEOUT = 500\n",
    );
    site.sign_in();
    let plain = Authenticator::plug_in(&site.chromium, Kind::Plain);
    let failed = site.ceremony("register", &json!({}));
    assert_eq!(failed["thrown"], "NotAllowedError", "{failed:#}");
    plain.unplug();

    let key = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.succeeds("register", &json!({}));
    site.sign_out();
    key.set_user_verified(false);
    let failed = site.ceremony("signIn", &json!({}));
    assert_eq!(failed["thrown"], "NotAllowedError", "{failed:#}");
    assert_eq!(failed["options"]["userVerification"], "required");
    assert!(!site.is_signed_in());
    key.set_user_verified(true);
    site.succeeds("signIn", &json!({}));
    assert!(site.is_signed_in());
}
