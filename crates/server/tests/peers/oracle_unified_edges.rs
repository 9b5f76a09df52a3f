//! Unified sign-in with other accounts and credentials: older hashes, users without confirmation,
//! auth tokens, national numbers, and codes with leading zeros.

use serde_json::json;

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::factors::{form, joined, post};
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::requests::who;
use crate::support::unified::{
    APP_KEY, PHONE, SEND, SETUP, SIGN_IN, VERIFY, VERIFY_SEND, app_code, confirm, send_code,
    sign_in_as, with_passcode,
};
use crate::support::users::{ANA, PASSWORD, of_scheme};

const BO: &str = "bo@example.com";
const ALL: &[&str] = &["email", "authenticator", "sms"];

#[test]
fn oracle_unified_passwords_as_they_are_stored_and_typed() {
    let mut duo = Duo::with_unified("us-passwords", &json!({}));
    for (identity, password) in [
        // The same text in another Unicode normalisation.
        ("jan@example.com", "p\u{e4}ssw\u{f6}rd fi 1\u{20ac}"),
        ("jan@example.com", "passw\u{f6}rd fi 1\u{20ac}"),
        ("kim@example.com", "x"),
        ("eve@example.com", "x"),
        ("ida@b\u{fc}cher.example", PASSWORD),
        ("fay@example.com", PASSWORD),
        ("gilbert", PASSWORD),
    ] {
        duo.send(identity, &mut Browser::new(), |_| {
            sign_in_as(identity, password)
        });
    }
    for scheme in ["bcrypt", "pbkdf2_sha256", "sha512_crypt"] {
        let identity = of_scheme(scheme);
        duo.send(scheme, &mut Browser::new(), |_| {
            sign_in_as(&identity, PASSWORD)
        });
        duo.send("wrong", &mut Browser::new(), |_| {
            sign_in_as(&identity, "wrong")
        });
    }
    duo.finish(13);
}

#[test]
fn oracle_unified_without_confirmation() {
    let changes = json!({"SECURITY_LOGIN_WITHOUT_CONFIRMATION": true});
    let mut duo = Duo::with_unified("us-unconfirmed", &changes);
    duo.give_methods(BO, &["email"]);
    let mut bo = Browser::new();
    duo.send("password", &mut Browser::new(), |_| {
        sign_in_as(BO, PASSWORD)
    });
    duo.send("send", &mut bo, |_| send_code(BO, "email"));
    let links = duo.links(BO);
    duo.send_own("link", &mut bo, &links, |_, link| Request::new("GET", link));
    duo.send("current user", &mut bo, |_| who());
    duo.finish(4);
}

#[test]
fn oracle_unified_with_an_auth_token() {
    let mut duo = Duo::with_unified("us-token", &json!({}));
    duo.give_methods(ANA, ALL);
    let signed_in = duo.send("sign in", &mut Browser::new(), |_| {
        let body = json!({"identity": ANA, "passcode": PASSWORD});
        Request::post(&format!("{SIGN_IN}?include_auth_token"), &body)
    });
    let tokens = signed_in.of_user("authentication_token");
    let with = |request: Request, token: &str| request.header("Authentication-Token", token);
    let unchanged = |status| Some((Known::OneCaller, status));
    let to = |path: &str, body: serde_json::Value| Request::post(path, &body);
    let app = json!({"chosen_method": "authenticator"});
    let passcode = json!({"passcode": PASSWORD});
    let sms = json!({"identity": ANA, "chosen_method": "sms"});
    for (name, known, request) in [
        ("GET sign-in", None, Request::get(SIGN_IN)),
        ("GET verify", None, Request::get(VERIFY)),
        ("GET setup", unchanged(200), Request::get(SETUP)),
        (
            "wrong",
            unchanged(400),
            to(VERIFY, json!({"passcode": "wrong"})),
        ),
        (
            "send",
            None,
            to(VERIFY_SEND, json!({"chosen_method": "email"})),
        ),
        ("send to sign in", None, to(SEND, sms)),
        (
            "begin",
            unchanged(200),
            to(SETUP, json!({"chosen_method": "email"})),
        ),
        (
            "remove",
            unchanged(200),
            to(SETUP, json!({"delete_method": ["sms"]})),
        ),
        ("verify", unchanged(200), to(VERIFY, passcode.clone())),
        (
            "tokens",
            unchanged(200),
            to(&format!("{VERIFY}?include_auth_token"), passcode),
        ),
    ] {
        let browser = &mut Browser::new();
        duo.send_own_differing(name, browser, known, &tokens, |_, token| {
            with(request.clone(), token)
        });
    }
    let known = (Known::OneCaller, 200);
    let browser = &mut Browser::new();
    let begun = duo.send_own_known("begin an app", browser, known, &tokens, |_, token| {
        with(to(SETUP, app.clone()), token)
    });
    let own = joined(
        &tokens,
        &joined(&begun.us_confirmations(), &begun.us_codes(0)),
    );
    duo.send_own("confirm", &mut Browser::new(), &own, |jar, own| {
        let (token, own) = own.split_once('\n').expect("a token");
        with(confirm(own, jar), token)
    });
    duo.finish(13);
}

#[test]
fn oracle_unified_numbers_of_a_region() {
    let changes = json!({"SECURITY_PHONE_REGION_DEFAULT": "GB"});
    let mut duo = Duo::with_unified("us-region", &changes);
    duo.give_methods(ANA, ALL);
    let mut ana = Browser::new();
    for identity in ["020 8366 1177", "(020) 83661177", "+442083661177"] {
        duo.send(identity, &mut Browser::new(), |_| {
            send_code(identity, "sms")
        });
        duo.send(identity, &mut ana, |_| sign_in_as(identity, PASSWORD));
        ana = Browser::new();
    }
    duo.send("sign in", &mut ana, |_| with_passcode(PASSWORD));
    for phone in [
        "020 8366 1178",
        "(650) 253-0000",
        "+1 650 253 0000",
        "020 8366 117",
    ] {
        duo.send(phone, &mut ana, |jar| {
            post(SETUP, &json!({"chosen_method": "sms", "phone": phone}), jar)
        });
    }
    duo.finish(11);
}

#[test]
fn oracle_unified_code_that_loses_its_zeros_as_a_number() {
    let changes = json!({"SECURITY_US_TOKEN_VALIDITY": 30_000});
    let mut duo = Duo::with_unified("us-zeros", &changes);
    duo.give_methods(ANA, ALL);
    let mut zeros = (0..900)
        .map(app_code)
        .filter(|code| code.starts_with('0'))
        .map(|code| code.parse::<u64>().expect("a number"));
    let mut next = || zeros.next().expect("a code with a zero");
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| with_passcode(PASSWORD));
    let number = next();
    let known = Known::NumbersKeepTheirZeros;
    duo.send_known("verify", &mut ana, known, 200, |jar| {
        post(VERIFY, &json!({"passcode": number}), jar)
    });
    let number = next();
    let state = json!({
        "totp_secret": json!({"key": APP_KEY, "type": "totp", "v": 1}).to_string(),
        "chosen_method": "authenticator", "phone_number": null,
    });
    let state = Python::get().sign("us_setup", SECRET, &state, 0);
    duo.send("set up", &mut ana, |jar| {
        post(
            &format!("{SETUP}/{state}"),
            &json!({"passcode": number}),
            jar,
        )
    });
    let number = next();
    duo.send_known("sign in", &mut Browser::new(), known, 200, |_| {
        Request::post(SIGN_IN, &json!({"identity": ANA, "passcode": number}))
    });
    duo.finish(4);
}

#[test]
fn oracle_unified_sign_in_ends_another_that_is_unfinished() {
    let config = crate::support::unified::with_two_factor(&json!({}));
    let mut duo = Duo::start_with_mail_and_sms("us-unfinished", &config);
    duo.give_methods(ANA, ALL);
    duo.give_factor(ANA, "authenticator");
    let validate = "/api/accounts/tf-validate";
    for (name, request) in [
        ("GET", Request::get(SIGN_IN)),
        ("another sign-in", sign_in_as(BO, PASSWORD)),
        ("send", send_code(ANA, "sms")),
        ("an empty form", form(SIGN_IN, &[("identity", PHONE)])),
    ] {
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| with_passcode(PASSWORD));
        duo.send(name, &mut ana, |_| request.clone());
        duo.send("the factor's state", &mut ana, |_| Request::get(validate));
    }
    duo.finish(12);
}
