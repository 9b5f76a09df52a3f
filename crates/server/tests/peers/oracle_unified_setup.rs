//! `/us-setup` and `/us-setup/{token}`: setting methods up and removing them.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::factors::{code, form, joined, other_than, post};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::unified::{APP_KEY, PHONE, SETUP, confirm, with_passcode};
use crate::support::users::{ANA, PASSWORD};

const GIL: &str = "gil@example.com";
/// The number of another user.
const OTHERS: &str = "+442083661178";

fn signed_in(duo: &mut Duo) -> Browser {
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| with_passcode(PASSWORD));
    ana
}

fn set_up(method: &str) -> Value {
    json!({"chosen_method": method})
}

fn with_phone(phone: &str) -> Value {
    json!({"chosen_method": "sms", "phone": phone})
}

#[test]
fn oracle_unified_setup_refuses_what_is_no_method() {
    let mut duo = Duo::with_unified("us-setup-refused", &json!({}));
    duo.set(GIL, "us_phone_number", OTHERS);
    for (name, request) in [
        ("signed out, GET", Request::get(SETUP)),
        ("signed out", Request::post(SETUP, &set_up("email"))),
    ] {
        duo.send(name, &mut Browser::new(), |_| request.clone());
    }
    let ana = &mut signed_in(&mut duo);
    duo.send("GET", ana, |_| Request::get(SETUP));
    let known = Known::NoGraceWithoutCsrf;
    duo.send_known("no CSRF token", ana, known, 400, |_| {
        Request::post(SETUP, &set_up("email"))
    });
    for (name, body) in [
        ("nothing", json!({})),
        ("null", json!({"chosen_method": null})),
        ("empty", set_up("")),
        ("unknown", set_up("pigeon")),
        ("another case", set_up("Email")),
        ("with a space", set_up(" email")),
        ("a number", json!({"chosen_method": 5})),
        ("SMS without a number", set_up("sms")),
        ("SMS to nowhere", with_phone("")),
        (
            "SMS to null",
            json!({"chosen_method": "sms", "phone": null}),
        ),
        ("SMS to a bad number", with_phone("123")),
        ("SMS to a word", with_phone("my phone")),
        (
            "SMS to an integer",
            json!({"chosen_method": "sms", "phone": 5}),
        ),
        ("SMS to another's number", with_phone(OTHERS)),
        (
            "SMS to another's number as typed",
            with_phone("+44 20 8366 1178"),
        ),
        (
            "a number as phone",
            json!({"chosen_method": "email", "phone": 5}),
        ),
        ("delete unknown", json!({"delete_method": ["pigeon"]})),
        (
            "delete what is not set up",
            json!({"delete_method": ["sms"]}),
        ),
        ("delete none", json!({"delete_method": []})),
        ("delete a number", json!({"delete_method": [5]})),
        ("delete null", json!({"delete_method": null})),
        (
            "add, and delete what is not set up",
            json!({"chosen_method": "authenticator", "delete_method": ["email"]}),
        ),
        (
            "add unknown, delete unknown",
            json!({"chosen_method": "x", "delete_method": ["y"]}),
        ),
    ] {
        let known = match name {
            "null" | "delete null" => Some((Known::NullIsAbsent, 400)),
            _ => None,
        };
        duo.send_differing(name, ana, known, |jar| post(SETUP, &body, jar));
    }
    let list = json!({"chosen_method": ["email"]});
    let known = Known::NoListForText;
    duo.send_known("a list", ana, known, 400, |jar| post(SETUP, &list, jar));
    let object = json!({"chosen_method": {"email": 1}});
    duo.send("an object", ana, |jar| post(SETUP, &object, jar));
    duo.send("empty form", ana, |jar| with_token(form(SETUP, &[]), jar));
    duo.send("form, unknown", ana, |jar| {
        with_token(form(SETUP, &[("chosen_method", "pigeon")]), jar)
    });
    duo.send("form, delete unknown", ana, |jar| {
        with_token(form(SETUP, &[("delete_method", "pigeon")]), jar)
    });
    let known = Known::PasswordIsNoSetup;
    for body in [set_up("password"), json!({"delete_method": ["password"]})] {
        duo.send_known("password", ana, known, 400, |jar| post(SETUP, &body, jar));
    }
    duo.finish(35);
}

#[test]
fn oracle_unified_setup_of_each_method() {
    let mut duo = Duo::with_unified("us-setup", &json!({}));
    let ana = &mut signed_in(&mut duo);
    let begun = duo.send("begin an app", ana, |jar| {
        post(SETUP, &set_up("authenticator"), jar)
    });
    let (paths, codes) = (begun.us_confirmations(), begun.us_codes(0));
    for (name, body) in [
        ("nothing", json!({})),
        ("null", json!({"passcode": null})),
        ("empty", json!({"passcode": ""})),
        ("a word", json!({"passcode": "secret"})),
        ("too short", json!({"passcode": "12345"})),
        ("a list", json!({"passcode": [1]})),
        ("a fraction", json!({"passcode": 0.5})),
        ("a wrong number", json!({"passcode": 12})),
        ("a password", json!({"passcode": PASSWORD})),
    ] {
        let known = (name == "a list").then_some((Known::NoListForText, 400));
        duo.send_own_differing(name, ana, known, &paths, |jar, path| post(path, &body, jar));
    }
    let wrong = joined(&paths, &(other_than(&codes.0), other_than(&codes.1)));
    duo.send_own("wrong", ana, &wrong, |jar, own| confirm(own, jar));
    let own = joined(&paths, &codes);
    duo.send_own("signed out", &mut Browser::new(), &own, |jar, own| {
        confirm(own, jar)
    });
    duo.send_own("no CSRF token", ana, &own, |_, own| {
        let (path, code) = own.split_once('\n').expect("both");
        Request::post(path, &json!({"passcode": code}))
    });
    duo.send_own("right", ana, &own, |jar, own| confirm(own, jar));
    duo.send("GET with an app", ana, |_| Request::get(SETUP));
    duo.send("begin by mail", ana, |jar| {
        post(SETUP, &set_up("email"), jar)
    });
    let begun = duo.send("begin by mail again", ana, |jar| {
        with_token(form(SETUP, &[("chosen_method", "email")]), jar)
    });
    let own = joined(&begun.us_confirmations(), &duo.mailed_codes(ANA));
    duo.send_own("mailed code", ana, &own, |jar, own| {
        let (path, code) = own.split_once('\n').expect("both");
        with_token(form(path, &[("passcode", code)]), jar)
    });
    duo.send("GET with mail", ana, |_| Request::get(SETUP));
    let begun = duo.send("begin by SMS", ana, |jar| {
        post(SETUP, &with_phone("+44 20 8366 1177"), jar)
    });
    let own = joined(&begun.us_confirmations(), &duo.texted_codes(PHONE));
    duo.send_own("sent code", ana, &own, |jar, own| confirm(own, jar));
    duo.send("GET with SMS", ana, |_| Request::get(SETUP));
    duo.send("another number", ana, |jar| {
        post(SETUP, &with_phone("+1 650 253 0000"), jar)
    });
    duo.send("form, another number", ana, |jar| {
        let pairs = [("chosen_method", "sms"), ("phone", "+16502530000")];
        with_token(form(SETUP, &pairs), jar)
    });
    let begun = duo.send("another app", ana, |jar| {
        post(SETUP, &set_up("authenticator"), jar)
    });
    let own = joined(&begun.us_confirmations(), &begun.us_codes(0));
    duo.send_own("its code", ana, &own, |jar, own| confirm(own, jar));
    let known = Known::OwnNumberAgain;
    duo.send_known("the own number", ana, known, 200, |jar| {
        post(SETUP, &with_phone(PHONE), jar)
    });
    duo.finish(28);
}

#[test]
fn oracle_unified_setup_removes_methods() {
    let mut duo = Duo::with_unified("us-remove", &json!({}));
    duo.give_methods(ANA, &["email", "authenticator", "sms"]);
    let ana = &mut signed_in(&mut duo);
    duo.send("GET", ana, |_| Request::get(SETUP));
    for (name, body) in [
        ("one", json!({"delete_method": ["email"]})),
        ("the same again", json!({"delete_method": ["email"]})),
        (
            "one that is not set up among them",
            json!({"delete_method": ["sms", "email"]}),
        ),
        (
            "one and add one",
            json!({"delete_method": ["sms"], "chosen_method": "email"}),
        ),
    ] {
        duo.send(name, ana, |jar| post(SETUP, &body, jar));
        duo.send("GET after it", ana, |_| Request::get(SETUP));
    }
    duo.give_methods(ANA, &["email", "authenticator", "sms"]);
    duo.send("several", ana, |jar| {
        let body = json!({"delete_method": ["sms", "authenticator"]});
        post(SETUP, &body, jar)
    });
    duo.send("by form", ana, |jar| {
        with_token(form(SETUP, &[("delete_method", "email")]), jar)
    });
    duo.send("GET with none", ana, |_| Request::get(SETUP));
    duo.give_methods(ANA, &["email", "authenticator", "sms"]);
    duo.send("several by form", ana, |jar| {
        let pairs = [("delete_method", "email"), ("delete_method", "sms")];
        with_token(form(SETUP, &pairs), jar)
    });
    duo.send("as a text", ana, |jar| {
        post(SETUP, &json!({"delete_method": "authenticator"}), jar)
    });
    duo.finish(15);
}

#[test]
fn oracle_unified_setup_of_a_user_without_any_method() {
    let eve = "eve@example.com";
    let mut duo = Duo::with_unified("us-setup-none", &json!({}));
    duo.give_methods(eve, &["authenticator"]);
    let (mut browser, right) = (Browser::new(), code(APP_KEY, 0));
    duo.send("sign in", &mut browser, |_| {
        crate::support::unified::sign_in_as(eve, &right)
    });
    duo.send("remove", &mut browser, |jar| {
        post(SETUP, &json!({"delete_method": ["authenticator"]}), jar)
    });
    let known = Known::NoNullMethod;
    duo.send_known("GET", &mut browser, known, 200, |_| Request::get(SETUP));
    duo.send("set up", &mut browser, |jar| {
        post(SETUP, &set_up("email"), jar)
    });
    duo.finish(4);
}

fn state(payload: &Value, age: i64) -> String {
    let token = Python::get().sign("us_setup", SECRET, payload, age);
    format!("{SETUP}/{token}")
}

#[test]
fn oracle_unified_setup_states() {
    let mut duo = Duo::with_unified("us-states", &json!({}));
    duo.set(GIL, "us_phone_number", OTHERS);
    let ana = &mut signed_in(&mut duo);
    let secret = json!({"key": APP_KEY, "type": "totp", "v": 1}).to_string();
    let payload =
        json!({"totp_secret": secret, "chosen_method": "authenticator", "phone_number": null});
    let body = json!({"passcode": code(APP_KEY, 0)});
    let good = state(&payload, 0);
    for (name, path) in [
        ("of 40 minutes ago", state(&payload, 2400)),
        ("garbage", format!("{SETUP}/garbage")),
        (
            "with another signature",
            format!("{}x", &good[..good.len() - 1]),
        ),
        (
            "with something before it",
            good.replace("us-setup/", "us-setup/x"),
        ),
        ("of a second factor", {
            let token = Python::get().sign("two_factor_setup", SECRET, &payload, 0);
            format!("{SETUP}/{token}")
        }),
        ("signed with another secret", {
            let token = Python::get().sign("us_setup", "another secret", &payload, 0);
            format!("{SETUP}/{token}")
        }),
    ] {
        duo.send(name, ana, |jar| post(&path, &body, jar));
    }
    duo.send("expired, without a code", ana, |jar| {
        post(&state(&payload, 2400), &json!({}), jar)
    });
    duo.send("garbage, empty form", ana, |jar| {
        with_token(form(&format!("{SETUP}/garbage"), &[]), jar)
    });
    duo.send("of 20 minutes ago", ana, |jar| {
        post(&state(&payload, 1200), &body, jar)
    });
    let known = Known::ClientMistake;
    for (name, payload) in [
        (
            "without a secret",
            json!({"chosen_method": "authenticator", "phone_number": null}),
        ),
        ("a text", json!("x")),
        (
            "SMS to another's number",
            json!({
                "totp_secret": secret, "chosen_method": "sms", "phone_number": OTHERS,
            }),
        ),
    ] {
        let path = state(&payload, 0);
        let body = json!({"passcode": code(APP_KEY, 1)});
        duo.send_known(name, ana, known, 400, |jar| post(&path, &body, jar));
    }
    duo.finish(13);
}

#[test]
fn oracle_unified_setup_state_of_another_user() {
    let mut duo = Duo::with_unified("us-state-other", &json!({}));
    let ana = &mut signed_in(&mut duo);
    let mut gil = Browser::new();
    duo.send("sign in as another", &mut gil, |_| {
        crate::support::unified::sign_in_as(GIL, PASSWORD)
    });
    let begun = duo.send("begin", ana, |jar| {
        post(SETUP, &set_up("authenticator"), jar)
    });
    let own = joined(&begun.us_confirmations(), &begun.us_codes(0));
    let known = (Known::SetupBelongsToUser, 400);
    duo.send_own_known("of the other", &mut gil, known, &own, |jar, own| {
        confirm(own, jar)
    });
    duo.finish(4);
}

#[test]
fn oracle_unified_setup_of_a_taken_number_with_generic_responses() {
    let changes = json!({"SECURITY_RETURN_GENERIC_RESPONSES": true});
    let mut duo = Duo::with_unified("us-taken", &changes);
    duo.set(GIL, "us_phone_number", OTHERS);
    let ana = &mut signed_in(&mut duo);
    duo.send("a bad number", ana, |jar| {
        post(SETUP, &with_phone("1"), jar)
    });
    let known = Known::TakenNumberToldToItsOwner;
    duo.send_known("a taken number", ana, known, 200, |jar| {
        post(SETUP, &with_phone(OTHERS), jar)
    });
    duo.finish(3);
}
