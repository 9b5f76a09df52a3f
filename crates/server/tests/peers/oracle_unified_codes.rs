//! `/us-signin/send-code`: who is sent a code, and by which method.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::factors::form;
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::unified::{PHONE, SEND, send_code, with_passcode};
use crate::support::users::{ANA, PASSWORD};

const BO: &str = "bo@example.com";
const CY: &str = "cy@example.com";
const GIL: &str = "gil@example.com";

fn start(name: &str, changes: &Value) -> Duo {
    let mut duo = Duo::with_unified(name, changes);
    duo.give_methods(ANA, &["email", "authenticator", "sms"]);
    duo.give_methods(BO, &["email"]);
    duo.give_methods(CY, &["email"]);
    // Without a phone number.
    duo.give_methods(GIL, &["sms"]);
    duo
}

/// Requests that send nothing.
fn refused() -> Vec<(&'static str, Value)> {
    vec![
        ("nothing", json!({})),
        ("no method", json!({"identity": ANA})),
        ("no identity", json!({"chosen_method": "email"})),
        (
            "null method",
            json!({"identity": ANA, "chosen_method": null}),
        ),
        (
            "empty method",
            json!({"identity": ANA, "chosen_method": ""}),
        ),
        (
            "unknown method",
            json!({"identity": ANA, "chosen_method": "pigeon"}),
        ),
        (
            "password",
            json!({"identity": ANA, "chosen_method": "password"}),
        ),
        (
            "app",
            json!({"identity": ANA, "chosen_method": "authenticator"}),
        ),
        (
            "another case",
            json!({"identity": ANA, "chosen_method": "Email"}),
        ),
        (
            "number as method",
            json!({"identity": ANA, "chosen_method": 5}),
        ),
        (
            "number as identity",
            json!({"identity": 5, "chosen_method": "email"}),
        ),
        (
            "number as passcode",
            json!({"identity": BO, "chosen_method": "email", "passcode": 5}),
        ),
        (
            "list as passcode",
            json!({"identity": ANA, "chosen_method": "email", "passcode": [5]}),
        ),
        (
            "unknown user",
            json!({"identity": "no@example.com", "chosen_method": "email"}),
        ),
        (
            "unknown user, unknown method",
            json!({"identity": "no@example.com", "chosen_method": "pigeon"}),
        ),
        ("unconfirmed, no method", json!({"identity": BO})),
        ("inactive, no method", json!({"identity": CY})),
        (
            "unknown user, no method",
            json!({"identity": "no@example.com"}),
        ),
        (
            "unconfirmed",
            json!({"identity": BO, "chosen_method": "email"}),
        ),
        (
            "unconfirmed, not set up",
            json!({"identity": BO, "chosen_method": "sms"}),
        ),
        (
            "inactive",
            json!({"identity": CY, "chosen_method": "email"}),
        ),
        (
            "inactive, not set up",
            json!({"identity": CY, "chosen_method": "sms"}),
        ),
        (
            "without a number",
            json!({"identity": GIL, "chosen_method": "sms"}),
        ),
        (
            "not set up",
            json!({"identity": GIL, "chosen_method": "email"}),
        ),
        (
            "next elsewhere",
            json!({"identity": ANA, "chosen_method": "email", "next": "https://evil.example/"}),
        ),
    ]
}

#[test]
fn oracle_unified_codes_are_refused() {
    let mut duo = start("us-codes-refused", &json!({}));
    for (name, body) in refused() {
        let known = match name {
            "nothing" | "no identity" => Some(Known::MissingIdentity),
            "null method" => Some(Known::NullIsAbsent),
            _ => None,
        };
        let known = known.map(|known| (known, 400));
        duo.send_differing(name, &mut Browser::new(), known, |_| {
            Request::post(SEND, &body)
        });
    }
    let anonymous = &mut Browser::new();
    let known = Known::MissingIdentity;
    duo.send_known("empty form", anonymous, known, 400, |_| form(SEND, &[]));
    duo.send("form without a method", anonymous, |_| {
        form(SEND, &[("identity", ANA)])
    });
    duo.send("form, unknown", anonymous, |_| {
        form(
            SEND,
            &[("identity", "no@example.com"), ("chosen_method", "sms")],
        )
    });
    let list = json!({"identity": ANA, "chosen_method": ["email"]});
    let known = Known::NoListForText;
    duo.send_known("list as method", &mut Browser::new(), known, 400, |_| {
        Request::post(SEND, &list)
    });
    duo.finish(29);
}

#[test]
fn oracle_unified_codes_are_refused_with_generic_responses() {
    let changes = json!({"SECURITY_RETURN_GENERIC_RESPONSES": true});
    let mut duo = start("us-codes-generic", &changes);
    let anonymous = &mut Browser::new();
    for (name, body) in refused() {
        // Both answer 200 to a list as passcode, and 400 to an address of another site.
        let known = (!matches!(name, "list as passcode" | "next elsewhere"))
            .then_some((Known::CodesTellNothing, 200));
        duo.send_differing(name, anonymous, known, |_| Request::post(SEND, &body));
    }
    duo.send("sent", anonymous, |_| send_code(ANA, "email"));
    duo.finish(26);
}

#[test]
fn oracle_unified_codes_are_sent() {
    let mut duo = start("us-codes-sent", &json!({}));
    duo.set(ANA, "username", "anabel");
    let anonymous = &mut Browser::new();
    for identity in [ANA, "ANA@example.com", PHONE, "+44 20 83661177", "anabel"] {
        for method in ["email", "sms"] {
            duo.send(identity, anonymous, |_| send_code(identity, method));
        }
    }
    duo.send("with more members", anonymous, |_| {
        let body = json!({
            "identity": ANA, "chosen_method": "email", "passcode": "x", "remember": true,
            "next": "/there",
        });
        Request::post(SEND, &body)
    });
    duo.send("form", anonymous, |_| {
        form(SEND, &[("identity", ANA), ("chosen_method", "sms")])
    });
    let ana = &mut Browser::new();
    duo.send("sign in", ana, |_| with_passcode(PASSWORD));
    duo.send("signed in", ana, |jar| {
        with_token(send_code(ANA, "email"), jar)
    });
    duo.send("signed in, without a CSRF token", ana, |_| {
        send_code(ANA, "email")
    });
    duo.send("signed in, form", ana, |jar| {
        with_token(
            form(SEND, &[("identity", ANA), ("chosen_method", "sms")]),
            jar,
        )
    });
    let known = Known::OwnErrorPages;
    duo.send_known("GET", &mut Browser::new(), known, 405, |_| {
        Request::get(SEND)
    });
    duo.finish(17);
}
