//! Passkeys: `/wan-register`, `/wan-signin`, `/wan-verify`, `/wan-delete`.

use http::StatusCode;
use serde_json::{Value, json};
use vestibule::Event;
use vestibule_store::{PasskeyUsage, UserPatch};
use vestibule_testkit::authenticator::{Authenticator, Counter};

use crate::support::callers::text;
use crate::support::codes::{TWO_FACTOR, VALIDATE};
use crate::support::passkeys::{DELETE, ORIGIN, PASSKEYS, REGISTER, SIGN_IN, VERIFY, credential};
use crate::support::{ANA, PASSWORD, TestApp};

const SELECT: &str = "/api/accounts/tf-select";

#[tokio::test]
async fn a_passkey_is_registered_and_listed() {
    let app = TestApp::with(PASSKEYS).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let answer = browser.get(REGISTER).await.response();
    assert_eq!(answer["registered_credentials"], json!([]));
    let mut passkey = Authenticator::new(ORIGIN);
    let body = json!({"name": " My phone ", "usage": "first"});
    let begun = browser.begin(REGISTER, body).await;
    let options = &begun.options;
    assert_eq!(
        options["rp"],
        json!({"name": "vestibule", "id": "localhost"})
    );
    assert_eq!(options["user"]["name"], ANA);
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["excludeCredentials"], json!([]));
    assert_eq!(options["extensions"], json!({"credProps": true}));
    let algorithms = json!([
        {"type": "public-key", "alg": -8},
        {"type": "public-key", "alg": -7},
        {"type": "public-key", "alg": -257},
    ]);
    assert_eq!(options["pubKeyCredParams"], algorithms);
    let selection = json!({
        "authenticatorAttachment": "cross-platform", "residentKey": "preferred",
        "requireResidentKey": false, "userVerification": "preferred",
    });
    assert_eq!(options["authenticatorSelection"], selection);
    let response = passkey.register(options).unwrap();
    let answer = browser.post(&begun.path, credential(&response)).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let listed = browser.get(REGISTER).await.response();
    let listed = listed["registered_credentials"][0].clone();
    assert_eq!(listed["name"], "My phone");
    assert_eq!(listed["credential_id"], response["id"]);
    assert_eq!(listed["usage"], "first");
    assert_eq!(listed["transports"], json!(["usb"]));
    assert_eq!(listed["device_type"], "single_device");
    assert_eq!(listed["backup_state"], false);
    assert_eq!(listed["lastuse"], "2027-01-15T08:00:00");
    let body = json!({"name": "Another"});
    let begun = browser.begin(REGISTER, body).await;
    let excluded = &begun.options["excludeCredentials"][0];
    assert_eq!(excluded["id"], response["id"]);
    let selection = &begun.options["authenticatorSelection"];
    assert_eq!(selection["userVerification"], "discouraged");
    let user_id = app.stored(ANA).await.id;
    let added = Event::PasskeyAdded {
        user_id,
        name: "My phone",
        usage: "first",
    };
    assert!(app.take_events().contains(&added));
    let mails = app.mails(ANA).await;
    assert_eq!(mails.len(), 1, "a notice that a passkey was added");
    let text = mails[0].text.as_ref().unwrap();
    assert!(text.contains("a passkey"), "{text}");
}

#[tokio::test]
async fn a_passkey_signs_in() {
    let (app, mut passkey) = TestApp::with_passkey("", "first").await;
    let mut browser = app.browser();
    let state = browser.get(SIGN_IN).await.response();
    assert_eq!(state["is_secondary"], false);
    let begun = browser.begin(SIGN_IN, json!({})).await;
    assert_eq!(begun.options["allowCredentials"], json!([]));
    assert_eq!(begun.options["rpId"], "localhost");
    assert_eq!(begun.options["userVerification"], "preferred");
    let response = passkey.sign_in(&begun.options).unwrap();
    app.take_events();
    let path = format!("{}?include_auth_token&next=/orders", begun.path);
    let answer = browser.post(&path, credential(&response)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let response = answer.response();
    assert_eq!(response["tf_required"], false);
    assert_eq!(response["post_login_url"], "/orders");
    let token = text(&response["user"]["authentication_token"]);
    assert!(browser.is_signed_in().await);
    assert_eq!(
        app.bearer(&token).get("/api/accounts/authz").await.status,
        200
    );
    let user_id = app.stored(ANA).await.id;
    let signed_in = Event::SignedIn {
        user_id,
        via: &["webauthn"],
    };
    assert!(app.take_events().contains(&signed_in));
}

#[tokio::test]
async fn passkeys_of_an_identity_are_listed_only_with_hints() {
    let (app, passkey) = TestApp::with_passkey("", "first").await;
    let named = json!({"identity": "Ana@Example.com"});
    let begun = app.browser().begin(SIGN_IN, named.clone()).await;
    let allowed = begun.options["allowCredentials"].as_array().unwrap();
    assert_eq!(allowed.len(), 1);
    assert_eq!(allowed[0]["transports"], json!(["usb"]));
    drop(passkey);
    let (app, _) = TestApp::with_passkey("SECURITY_WAN_ALLOW_USER_HINTS = false\n", "first").await;
    let begun = app.browser().begin(SIGN_IN, named).await;
    assert_eq!(begun.options["allowCredentials"], json!([]));
}

#[tokio::test]
async fn a_passkey_is_the_second_factor_after_a_password() {
    let (app, mut passkey) = TestApp::with_passkey("", "secondary").await;
    let (mut browser, response) = app.half_signed_in(ANA).await;
    assert_eq!(response["tf_state"], "ready");
    assert_eq!(response["tf_method"], "webauthn");
    assert_eq!(response["tf_signin_url"], SIGN_IN);
    assert!(response.get("user").is_none(), "{response}");
    assert!(!browser.is_signed_in().await);

    let (mut browser, _) = app.half_signed_in(ANA).await;
    let state = browser.get(SIGN_IN).await.response();
    assert_eq!(state["is_secondary"], true);
    let begun = browser.begin(SIGN_IN, json!({})).await;
    let allowed = begun.options["allowCredentials"].as_array().unwrap();
    assert_eq!(allowed.len(), 1);
    assert_eq!(begun.options["userVerification"], "discouraged");
    let answer = browser.show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(browser.is_signed_in().await);
    let user_id = app.stored(ANA).await.id;
    let signed_in = Event::SignedIn {
        user_id,
        via: &["password", "webauthn"],
    };
    assert!(app.take_events().contains(&signed_in));
    // It begins no sign-in.
    let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
    let verdict = (400, "WEBAUTHN_CREDENTIAL_WRONG_USAGE".into());
    assert_eq!(answer.verdict(), verdict);
}

#[tokio::test]
async fn a_user_chooses_between_a_code_and_a_passkey() {
    let app = TestApp::with(&format!("{PASSKEYS}{TWO_FACTOR}")).await;
    let mut passkey = app.give_passkey(ANA, "secondary").await;
    let authenticator = {
        let (mut browser, _) = app.half_signed_in(ANA).await;
        let answer = browser.show_passkey(&mut passkey, SIGN_IN).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut browser = browser.with_csrf().await;
        browser.set_up_authenticator(&app).await
    };
    app.wait(30);
    let choices = json!(["authenticator", "webauthn"]);
    let (mut browser, response) = app.half_signed_in(ANA).await;
    assert_eq!(response["tf_select"], true);
    assert_eq!(response["tf_setup_methods"], choices);
    assert!(response.get("tf_state").is_none(), "{response}");
    // Nothing is shown before the choice.
    let answer = browser
        .clone()
        .post(VALIDATE, json!({"code": "000000"}))
        .await;
    assert_eq!(
        answer.verdict(),
        (400, "TWO_FACTOR_PERMISSION_DENIED".into())
    );
    let state = browser.get(SELECT).await.response();
    assert_eq!(state["tf_setup_methods"], choices);
    let answer = browser.post(SELECT, json!({"which": "sms"})).await;
    assert_eq!(answer.verdict(), (400, "INVALID_INPUT".into()));
    let mut other = browser.clone();
    let answer = browser.post(SELECT, json!({"which": "webauthn"})).await;
    assert_eq!(answer.response()["tf_method"], "webauthn");
    assert_eq!(answer.response()["tf_signin_url"], SIGN_IN);
    let answer = browser.show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = other.post(SELECT, json!({"which": "authenticator"})).await;
    assert_eq!(answer.response()["tf_method"], "authenticator");
    let code = authenticator.code(&app);
    let answer = other.post(VALIDATE, json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_passkey_without_user_verification_is_one_factor() {
    let app = TestApp::with(&format!("{PASSKEYS}{TWO_FACTOR}")).await;
    let mut passkey = app.give_passkey(ANA, "first").await;
    app.give_authenticator(ANA).await;
    let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.response()["tf_required"], false, "{answer:?}");
    passkey.user_verified = false;
    let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.response()["tf_required"], true, "{answer:?}");
    assert_eq!(answer.response()["tf_method"], "authenticator");

    let alone = "SECURITY_WAN_ALLOW_AS_MULTI_FACTOR = false\n";
    let app = TestApp::with(&format!("{PASSKEYS}{TWO_FACTOR}{alone}")).await;
    let mut passkey = app.give_passkey(ANA, "first").await;
    app.give_authenticator(ANA).await;
    let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.response()["tf_required"], true, "{answer:?}");
}

#[tokio::test]
async fn required_user_verification_is_checked() {
    let required = "SECURITY_WAN_FIRST_FACTOR_USER_VERIFICATION = \"required\"\n";
    let (app, mut passkey) = TestApp::with_passkey(required, "first").await;
    passkey.user_verified = false;
    let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.verdict(), (400, "WEBAUTHN_NO_VERIFY".into()));
    passkey.user_verified = true;
    let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_passkey_makes_the_session_fresh() {
    let (app, mut passkey) = TestApp::with_passkey("", "first").await;
    let mut browser = app.signed_in().await.with_csrf().await;
    app.wait(2 * 3_600);
    let stale = browser.get(REGISTER).await;
    assert_eq!(stale.status, StatusCode::UNAUTHORIZED);
    let response = stale.response();
    assert_eq!(response["reauth_required"], true);
    assert_eq!(response["has_webauthn_verify_credential"], true);
    let ways = browser.get("/api/accounts/verify").await.response();
    assert_eq!(ways["has_webauthn_verify_credential"], true);
    assert_eq!(browser.get(VERIFY).await.status, 200);
    let answer = browser.show_passkey(&mut passkey, VERIFY).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(browser.get(REGISTER).await.status, 200);
    let user_id = app.stored(ANA).await.id;
    let via = "webauthn";
    let verified = Event::Verified { user_id, via };
    assert!(app.take_events().contains(&verified));
}

#[tokio::test]
async fn only_passkeys_of_the_configured_usage_verify() {
    let settings = "SECURITY_WAN_ALLOW_AS_VERIFY = [\"secondary\"]\n";
    let (app, mut passkey) = TestApp::with_passkey(settings, "first").await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let ways = browser.get("/api/accounts/verify").await.response();
    assert_eq!(ways["has_webauthn_verify_credential"], false);
    let answer = browser.show_passkey(&mut passkey, VERIFY).await;
    let verdict = (400, "WEBAUTHN_CREDENTIAL_WRONG_USAGE".into());
    assert_eq!(answer.verdict(), verdict);
    let none = format!("{PASSKEYS}SECURITY_WAN_ALLOW_AS_VERIFY = []\n");
    let app = TestApp::with(&none).await;
    assert_eq!(app.browser().get(VERIFY).await.status, 404);
}

#[tokio::test]
async fn a_removed_passkey_stops_working() {
    let (app, mut passkey) = TestApp::with_passkey("", "first").await;
    let begun = app.browser().begin(SIGN_IN, json!({})).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    assert_eq!(browser.get(DELETE).await.status, 200);
    let unknown = browser.post(DELETE, json!({"name": "other"})).await;
    assert_eq!(unknown.verdict(), (400, "WEBAUTHN_NAME_NOT_FOUND".into()));
    let answer = browser.post(DELETE, json!({"name": "first"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let user_id = app.stored(ANA).await.id;
    let name = "first";
    let removed = Event::PasskeyRemoved { user_id, name };
    assert!(app.take_events().contains(&removed));
    let response = passkey.sign_in(&begun.options).unwrap();
    let answer = app.browser().post(&begun.path, credential(&response)).await;
    let verdict = (400, "WEBAUTHN_UNKNOWN_CREDENTIAL_ID".into());
    assert_eq!(answer.verdict(), verdict);
    assert_eq!(app.mails(ANA).await.len(), 2, "added and removed");
}

#[tokio::test]
async fn names_are_checked() {
    let (app, _) = TestApp::with_passkey("", "first").await;
    let mut browser = app.signed_in().await.with_csrf().await;
    for (name, code) in [
        (Value::Null, "WEBAUTHN_NAME_REQUIRED"),
        (json!("  "), "WEBAUTHN_NAME_REQUIRED"),
        (json!(5), "API_ERROR"),
        (json!({}), "API_ERROR"),
        (json!("a<b>"), "INVALID_INPUT"),
        (json!("a\u{7}"), "WEBAUTHN_NAME_DISALLOWED_CHARACTERS"),
        (json!("x".repeat(65)), "INVALID_INPUT_LENGTH"),
        (json!("first"), "WEBAUTHN_NAME_INUSE"),
    ] {
        let answer = browser.post(REGISTER, json!({"name": name})).await;
        assert_eq!(answer.verdict(), (400, code.into()), "{name}");
    }
    for usage in [Value::Null, json!(""), json!("third"), json!(1)] {
        let body = json!({"name": "new", "usage": usage});
        let answer = browser.post(REGISTER, body).await;
        assert_eq!(answer.verdict(), (400, "INVALID_INPUT".into()), "{usage}");
    }
    let answer = browser
        .post(REGISTER, json!({"name": "x".repeat(64)}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn the_first_factor_can_be_switched_off() {
    let settings = "SECURITY_WAN_ALLOW_AS_FIRST_FACTOR = false\n";
    let app = TestApp::with(&format!("{PASSKEYS}{settings}")).await;
    assert_eq!(app.browser().get(SIGN_IN).await.status, 404);
    assert_eq!(app.browser().post(SIGN_IN, json!({})).await.status, 404);
    // Every passkey is then registered as a second factor.
    let mut passkey = app.give_passkey(ANA, "first").await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let answer = browser.show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_ceremony_expires() {
    let settings = "SECURITY_WAN_SIGNIN_WITHIN = \"1 minute\"\n";
    let (app, mut passkey) = TestApp::with_passkey(settings, "first").await;
    let mut browser = app.browser();
    let begun = browser.begin(SIGN_IN, json!({})).await;
    let response = passkey.sign_in(&begun.options).unwrap();
    app.wait(61);
    let answer = browser.post(&begun.path, credential(&response)).await;
    assert_eq!(answer.verdict(), (400, "WEBAUTHN_EXPIRED".into()));
}

#[tokio::test]
async fn blocked_accounts_do_not_sign_in_with_a_passkey() {
    let confirm = "SECURITY_CONFIRMABLE = true\nSECURITY_POST_CONFIRM_VIEW = \"/c\"\nSECURITY_CONFIRM_ERROR_VIEW = \"/e\"\n";
    let (app, mut passkey) = TestApp::with_passkey(confirm, "first").await;
    let patch = UserPatch {
        confirmed_at: Some(None),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
    let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.verdict(), (400, "CONFIRMATION_REQUIRED".into()));
    let patch = UserPatch {
        active: Some(false),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
    let mut browser = app.browser();
    let answer = browser.show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.verdict(), (400, "DISABLED_ACCOUNT".into()));
    // Nothing is left that works after reactivation.
    let patch = UserPatch {
        active: Some(true),
        confirmed_at: Some(Some(app.app().clock().now())),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn synchronised_passkeys_do_not_count_their_signatures() {
    let app = TestApp::with(PASSKEYS).await;
    let mut passkey = app.store_passkey(ANA, PasskeyUsage::First).await;
    assert_eq!(passkey.counter, Counter::Zero);
    let mut browser = app.browser();
    for _ in 0..3 {
        let answer = browser.show_passkey(&mut passkey, SIGN_IN).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        browser = app.browser();
    }
}

#[tokio::test]
async fn a_remember_cookie_is_set_only_when_it_is_asked_for() {
    let (app, mut passkey) = TestApp::with_passkey("", "first").await;
    for (remember, expected) in [(json!(true), true), (json!(false), false)] {
        let mut browser = app.browser();
        let body = json!({"remember": remember});
        let answer = browser.post(SIGN_IN, body).await;
        assert_eq!(answer.response()["remember"], remember);
        let begun = crate::support::passkeys::Begun::of(&answer, SIGN_IN);
        let response = passkey.sign_in(&begun.options).unwrap();
        let mut body = credential(&response);
        body["remember"] = remember.clone();
        let answer = browser.post(&begun.path, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let is_set = answer.set_cookie("remember_token").is_some();
        assert_eq!(is_set, expected, "{remember}");
    }
}

#[tokio::test]
async fn passwords_still_sign_in_a_user_with_a_first_factor_passkey() {
    let (app, _) = TestApp::with_passkey("", "first").await;
    let answer = app.browser().sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.response()["tf_required"], false);
}

#[tokio::test]
async fn a_passkey_is_not_rescued_by_a_mailed_code() {
    let app = TestApp::with(&format!("{PASSKEYS}{TWO_FACTOR}")).await;
    app.store_passkey(ANA, PasskeyUsage::Secondary).await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let rescue = "/api/accounts/tf-rescue";
    let options = browser.get(rescue).await.response()["recovery_options"].clone();
    assert!(options["help"].is_string(), "{options}");
    assert!(options.get("email").is_none(), "{options}");
    let answer = browser.post(rescue, json!({"help_setup": "email"})).await;
    assert_eq!(answer.verdict(), (400, "INVALID_INPUT".into()));
}
