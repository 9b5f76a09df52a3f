//! `/us-signin`: every identity with every method, and every way to be refused.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::factors::{form, other_than};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{sign_out, who};
use crate::support::unified::{
    PHONE, SIGN_IN, app_code, as_number, send_code, sign_in_as, with_passcode,
};
use crate::support::users::{ANA, PASSWORD};

const BO: &str = "bo@example.com";
const CY: &str = "cy@example.com";
const GIL: &str = "gil@example.com";
const ALL: &[&str] = &["email", "authenticator", "sms"];

#[test]
fn oracle_unified_sign_in_by_each_identity() {
    let mut duo = Duo::with_unified("us-identities", &json!({}));
    duo.give_methods(ANA, ALL);
    duo.set(ANA, "username", "anabel");
    for identity in [
        ANA,
        "ANA@Example.com",
        " ana@example.com ",
        PHONE,
        "+44 20 8366 1177",
        "+44-20-8366-1177",
        "anabel",
        "Anabel",
    ] {
        let mut ana = Browser::new();
        duo.send(identity, &mut ana, |_| sign_in_as(identity, PASSWORD));
        duo.send("current user", &mut ana, |_| Request::get(SIGN_IN));
    }
    for identity in ["+442083661178", "annabel", "+44", "7", "ana@", "@"] {
        duo.send(identity, &mut Browser::new(), |_| {
            sign_in_as(identity, PASSWORD)
        });
    }
    for (steps, identity) in [(-1, PHONE), (0, "anabel"), (1, ANA)] {
        let right = app_code(steps);
        duo.send("authenticator", &mut Browser::new(), |_| {
            sign_in_as(identity, &right)
        });
    }
    duo.finish(25);
}

#[test]
fn oracle_unified_sign_in_by_an_authenticator() {
    let mut duo = Duo::with_unified("us-app", &json!({}));
    duo.give_methods(ANA, &["authenticator"]);
    let now = app_code(0);
    let anonymous = &mut Browser::new();
    for (name, passcode) in [
        ("wrong", other_than(&now)),
        ("long ago", app_code(-20)),
        ("far ahead", app_code(20)),
        ("too short", now[1..].to_owned()),
        ("too long", format!("{now}0")),
        ("letters", "abcdef".to_owned()),
    ] {
        duo.send(name, anonymous, |_| with_passcode(&passcode));
    }
    let (mut ana, right) = (Browser::new(), app_code(0));
    duo.send("right", &mut ana, |_| with_passcode(&right));
    duo.send("GET, signed in", &mut ana, |_| Request::get(SIGN_IN));
    duo.send("sign out", &mut ana, sign_out);
    let known = Known::CodesWorkOnce;
    duo.send_known("the same again", &mut ana, known, 400, |_| {
        with_passcode(&right)
    });
    // Codes of other time steps, as users type them.
    duo.even_sign_ins(ANA);
    let earlier = app_code(-2);
    duo.send("with spaces around", &mut Browser::new(), |_| {
        with_passcode(&format!(" {} {} ", &earlier[..3], &earlier[3..]))
    });
    let later = app_code(2);
    duo.send("with a hyphen", &mut Browser::new(), |_| {
        with_passcode(&format!("{}-{}", &later[..3], &later[3..]))
    });
    let (number, known) = as_number(&app_code(1));
    duo.send_differing("a number", &mut Browser::new(), known, |_| {
        Request::post(SIGN_IN, &json!({"identity": ANA, "passcode": number}))
    });
    duo.finish(13);
}

#[test]
fn oracle_unified_sign_in_by_sent_codes() {
    let mut duo = Duo::with_unified("us-sent", &json!({}));
    duo.give_methods(ANA, ALL);
    for method in ["email", "sms"] {
        let mut ana = Browser::new();
        duo.send("send", &mut ana, |_| send_code(ANA, method));
        let codes = if method == "email" {
            duo.mailed_codes(ANA)
        } else {
            duo.texted_codes(PHONE)
        };
        let wrong = (other_than(&codes.0), other_than(&codes.1));
        duo.send_own("wrong", &mut ana, &wrong, |_, code| with_passcode(code));
        duo.send_own("right", &mut ana, &codes, |_, code| with_passcode(code));
        duo.send("current user", &mut ana, |_| who());
        let known = (Known::CodesWorkOnce, 400);
        let again = &mut Browser::new();
        duo.send_own_known("again", again, known, &codes, |_, code| with_passcode(code));
        duo.even_sign_ins(ANA);
    }
    // A code of one method is not one of another user's.
    duo.send("send once more", &mut Browser::new(), |_| {
        send_code(PHONE, "sms")
    });
    let codes = duo.texted_codes(PHONE);
    duo.send_own("as another", &mut Browser::new(), &codes, |_, code| {
        sign_in_as(GIL, code)
    });
    duo.finish(12);
}

/// The forms of a request, for every setting that changes them.
fn compare_forms(name: &str, changes: &Value, generic: bool) {
    let mut duo = Duo::with_unified(name, changes);
    duo.give_methods(ANA, ALL);
    duo.give_methods(BO, &["email", "authenticator"]);
    duo.give_methods(CY, &["authenticator"]);
    let anonymous = &mut Browser::new();
    let right = app_code(1);
    for (name, body) in [
        ("nothing", json!({})),
        ("no passcode", json!({"identity": ANA})),
        ("no identity", json!({"passcode": PASSWORD})),
        (
            "null identity",
            json!({"identity": null, "passcode": PASSWORD}),
        ),
        (
            "blank identity",
            json!({"identity": "  ", "passcode": PASSWORD}),
        ),
        ("null passcode", json!({"identity": ANA, "passcode": null})),
        ("blank passcode", json!({"identity": ANA, "passcode": "  "})),
        (
            "unconfirmed, password",
            json!({"identity": BO, "passcode": PASSWORD}),
        ),
        (
            "unconfirmed, code",
            json!({"identity": BO, "passcode": right}),
        ),
        (
            "unconfirmed, wrong",
            json!({"identity": BO, "passcode": "wrong"}),
        ),
        (
            "inactive, password",
            json!({"identity": CY, "passcode": PASSWORD}),
        ),
        ("inactive, code", json!({"identity": CY, "passcode": right})),
        (
            "inactive, wrong",
            json!({"identity": CY, "passcode": "wrong"}),
        ),
        (
            "without a password",
            json!({"identity": "eve@example.com", "passcode": PASSWORD}),
        ),
        (
            "email and password",
            json!({"email": ANA, "password": PASSWORD}),
        ),
        (
            "a method",
            json!({"identity": ANA, "passcode": "x", "chosen_method": "email"}),
        ),
    ] {
        let missing = matches!(
            name,
            "nothing" | "no identity" | "null identity" | "blank identity" | "email and password"
        );
        let known = (missing && !generic).then_some((Known::MissingIdentity, 400));
        duo.send_differing(name, anonymous, known, |_| Request::post(SIGN_IN, &body));
    }
    for (name, body) in [
        (
            "a fraction as passcode",
            json!({"identity": ANA, "passcode": 1.5}),
        ),
        (
            "true as passcode",
            json!({"identity": ANA, "passcode": true}),
        ),
        (
            "a list as passcode",
            json!({"identity": ANA, "passcode": ["x"]}),
        ),
        (
            "an object as passcode",
            json!({"identity": ANA, "passcode": {"a": 1}}),
        ),
        (
            "a list as identity",
            json!({"identity": [ANA], "passcode": "x"}),
        ),
        (
            "a number as identity",
            json!({"identity": 5, "passcode": "x"}),
        ),
        (
            "a number as identity, a list as passcode",
            json!({"identity": 5, "passcode": [1]}),
        ),
    ] {
        // With generic responses, both answer with the same error.
        let known = match name {
            "true as passcode" => Some((Known::NoBooleanForCode, 400)),
            _ if name.contains("a list") => Some((Known::NoListForText, 400)),
            _ => None,
        };
        let known = known.filter(|_| !generic);
        duo.send_differing(name, anonymous, known, |_| Request::post(SIGN_IN, &body));
    }
    duo.finish(23);
}

#[test]
fn oracle_unified_sign_in_of_each_form() {
    compare_forms("us-forms", &json!({}), false);
}

#[test]
fn oracle_unified_sign_in_of_each_form_with_generic_responses() {
    let changes = json!({"SECURITY_RETURN_GENERIC_RESPONSES": true});
    compare_forms("us-forms-generic", &changes, true);
}

#[test]
fn oracle_unified_sign_in_with_options() {
    let mut duo = Duo::with_unified("us-options", &json!({}));
    duo.give_methods(ANA, ALL);
    for (name, members) in [
        ("remember", json!({"remember": true})),
        ("remember as text", json!({"remember": "y"})),
        ("remember not", json!({"remember": false})),
        ("next", json!({"next": "/there"})),
        ("next elsewhere", json!({"next": "https://evil.example/"})),
        ("other members", json!({"other": [1]})),
    ] {
        let mut body = json!({"identity": ANA, "passcode": PASSWORD});
        for (key, value) in members.as_object().expect("members") {
            body[key] = value.clone();
        }
        duo.send(name, &mut Browser::new(), |_| Request::post(SIGN_IN, &body));
    }
    let known = Known::Remember;
    duo.send_known("remember null", &mut Browser::new(), known, 200, |_| {
        let body = json!({"identity": ANA, "passcode": PASSWORD, "remember": null});
        Request::post(SIGN_IN, &body)
    });
    for query in [
        "?next=/there",
        "?next=https://evil.example/",
        "?include_auth_token",
    ] {
        duo.send(query, &mut Browser::new(), |_| {
            let body = json!({"identity": ANA, "passcode": PASSWORD});
            Request::post(&format!("{SIGN_IN}{query}"), &body)
        });
    }
    let right = app_code(0);
    duo.send("tokens for a code", &mut Browser::new(), |_| {
        let body = json!({"identity": ANA, "passcode": right, "remember": true});
        Request::post(&format!("{SIGN_IN}?include_auth_token"), &body)
    });
    for (name, pairs) in [
        ("form", vec![("identity", ANA), ("passcode", PASSWORD)]),
        (
            "form, remembered",
            vec![("identity", ANA), ("passcode", PASSWORD), ("remember", "y")],
        ),
        (
            "form, wrong",
            vec![("identity", ANA), ("passcode", "wrong")],
        ),
        ("form without passcode", vec![("identity", ANA)]),
        ("form without identity", vec![("passcode", PASSWORD)]),
        ("empty form", vec![]),
    ] {
        let missing = matches!(name, "form without identity" | "empty form");
        let known = missing.then_some((Known::MissingIdentity, 400));
        duo.send_differing(name, &mut Browser::new(), known, |_| form(SIGN_IN, &pairs));
    }
    let right = app_code(1);
    let mut ana = Browser::new();
    duo.send("form with a code", &mut ana, |_| {
        form(SIGN_IN, &[("identity", ANA), ("passcode", &right)])
    });
    duo.send("form, signed in", &mut ana, |jar| {
        with_token(form(SIGN_IN, &[("identity", ANA), ("passcode", "x")]), jar)
    });
    duo.send("no CSRF token, signed in", &mut ana, |_| {
        with_passcode(PASSWORD)
    });
    duo.finish(20);
}

#[test]
fn oracle_unified_sign_in_without_an_exempt_csrf_check() {
    let changes = json!({"SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": false});
    let mut duo = Duo::with_unified("us-csrf", &changes);
    duo.give_methods(ANA, ALL);
    let mut ana = Browser::new();
    let with = |request: Request, token: &str| request.header("X-CSRF-Token", token);
    let tokens = duo.send("GET", &mut ana, |_| Request::get(SIGN_IN));
    let tokens = tokens.of("csrf_token");
    for (name, request) in [
        ("sign in", with_passcode(PASSWORD)),
        ("send", send_code(ANA, "email")),
        ("a wrong sign-in", with_passcode("wrong")),
    ] {
        duo.send(name, &mut ana, |_| request.clone());
    }
    duo.send_own("send with a token", &mut ana, &tokens, |_, token| {
        with(send_code(ANA, "sms"), token)
    });
    duo.send_own("sign in with a token", &mut ana, &tokens, |_, token| {
        with(with_passcode(PASSWORD), token)
    });
    duo.finish(6);
}
