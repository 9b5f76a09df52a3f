//! Signing in with a second factor: `/login`, `/tf-validate`, and the set-up that a sign-in requires.

use serde_json::json;

use crate::support::duo::{Browser, Duo};
use crate::support::factors::{
    KEY, PHONE, SELECT, SETUP, VALIDATE, code, form, other_than, two_factor,
};
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::requests::{LOGIN, sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, PASSWORD};

const GIL: &str = "gil@example.com";
const HAL: &str = "hal@example.com";

fn validate(code: &str) -> Request {
    Request::post(VALIDATE, &json!({"code": code}))
}

#[test]
fn oracle_two_factor_sign_in_with_an_authenticator() {
    let mut duo = Duo::with_factors("tf-app", &json!({}));
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    duo.send("wrong password", &mut ana, |_| {
        sign_in_with(&json!({"email": ANA, "password": "wrong"}))
    });
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send(
        "the current user ends the sign-in",
        &mut ana.clone(),
        |_| who(),
    );
    duo.send("GET the validation", &mut ana, |_| Request::get(VALIDATE));
    duo.send("GET the set-up", &mut ana.clone(), |_| Request::get(SETUP));
    let mut ended = ana.clone();
    duo.send("the set-up ends the sign-in", &mut ended, |_| {
        Request::get(SETUP)
    });
    duo.send("validate what ended", &mut ended, |_| validate("123456"));
    duo.send("begin a set-up", &mut ana.clone(), |_| {
        Request::post(SETUP, &json!({"setup": "email"}))
    });
    duo.send("GET the choice", &mut ana.clone(), |_| Request::get(SELECT));
    duo.send("choose", &mut ana.clone(), |_| {
        Request::post(SELECT, &json!({"which": "authenticator"}))
    });
    let right = code(KEY, 0);
    for (name, body) in [
        ("empty body", json!({})),
        ("empty", json!({"code": ""})),
        ("null", json!({"code": null})),
        ("a word", json!({"code": "secret"})),
        ("wrong", json!({"code": other_than(&right)})),
        ("wrong number", json!({"code": 12})),
        ("an object", json!({"code": {}})),
        ("long ago", json!({"code": code(KEY, -20)})),
        ("far ahead", json!({"code": code(KEY, 20)})),
    ] {
        duo.send(name, &mut ana, |_| Request::post(VALIDATE, &body));
    }
    duo.send("an empty form", &mut ana, |_| form(VALIDATE, &[]));
    duo.send("right", &mut ana, |_| validate(&right));
    duo.send("current user now", &mut ana, |_| who());
    duo.send("sign in when signed in", &mut ana, |_| sign_in(ANA));
    duo.send("sign out", &mut ana, sign_out);
    duo.send("sign in again", &mut ana, |_| sign_in(ANA));
    let known = Known::CodesWorkOnce;
    duo.send_known("the same code again", &mut ana, known, 400, |_| {
        validate(&right)
    });
    duo.finish(26);
}

#[test]
fn oracle_two_factor_codes_as_they_are_typed() {
    let mut duo = Duo::with_factors("tf-typed", &json!({}));
    duo.give_factor(ANA, "authenticator");
    let spaced = |code: String| format!(" {} {} ", &code[..3], &code[3..]);
    let dashed = |code: String| format!("{}-{}", &code[..3], &code[3..]);
    for (name, body) in [
        ("with spaces", json!({"code": spaced(code(KEY, -1))})),
        ("with a hyphen", json!({"code": dashed(code(KEY, 0))})),
        ("in a form", json!(code(KEY, 1))),
        (
            "a number",
            json!({"code": code(KEY, 2).trim_start_matches('0').parse::<u64>().unwrap()}),
        ),
    ] {
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        duo.send(name, &mut ana, |_| match body.as_str() {
            Some(code) => form(VALIDATE, &[("code", code)]),
            None => Request::post(VALIDATE, &body),
        });
    }
    let mut ana = Browser::new();
    duo.send("password, for tokens", &mut ana, |_| {
        Request::post(
            &format!("{LOGIN}?include_auth_token"),
            &json!({"email": ANA, "password": PASSWORD}),
        )
    });
    let right = code(KEY, 3);
    duo.send("code, for tokens", &mut ana, |_| {
        Request::post(
            &format!("{VALIDATE}?include_auth_token"),
            &json!({"code": right}),
        )
    });
    duo.finish(10);
}

#[test]
fn oracle_two_factor_code_that_loses_its_zeros_as_a_number() {
    let changes = json!({"SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30_000});
    let mut duo = Duo::with_factors("tf-zeros", &changes);
    duo.give_factor(ANA, "authenticator");
    let mut codes = (0..900).map(|steps| code(KEY, steps));
    let zero = codes
        .find(|code| code.starts_with('0'))
        .expect("a code with a zero");
    let number: u64 = zero.parse().expect("a number");
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("code", &mut ana, |_| {
        Request::post(VALIDATE, &json!({"code": number}))
    });
    duo.finish(2);
}

#[test]
fn oracle_two_factor_sign_in_with_sent_codes() {
    let mut duo = Duo::with_factors("tf-sent", &json!({}));
    duo.give_factor(ANA, "email");
    duo.give_factor(GIL, "sms");
    let (mut ana, mut gil) = (Browser::new(), Browser::new());
    duo.send("password of one with mail", &mut ana, |_| sign_in(ANA));
    let codes = duo.mailed_codes(ANA);
    duo.send_own("mailed code", &mut ana, &codes, |_, code| validate(code));
    duo.send("current user", &mut ana, |_| who());
    duo.send("password of one with SMS", &mut gil, |_| sign_in(GIL));
    duo.send("again", &mut gil, |_| sign_in(GIL));
    let codes = duo.texted_codes(PHONE);
    let wrong = (other_than(&codes.0), other_than(&codes.1));
    duo.send_own("wrong code", &mut gil, &wrong, |_, code| validate(code));
    duo.send_own("sent code", &mut gil, &codes, |_, code| validate(code));
    duo.send("current user with SMS", &mut gil, |_| who());
    duo.finish(8);
}

#[test]
fn oracle_two_factor_set_up_by_a_sign_in_that_requires_it() {
    let changes = json!({"SECURITY_TWO_FACTOR_REQUIRED": true});
    let mut duo = Duo::with_factors("tf-first", &changes);
    let (mut ana, mut gil, mut hal) = (Browser::new(), Browser::new(), Browser::new());
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("GET the set-up", &mut ana, |_| Request::get(SETUP));
    duo.send("validate too early", &mut ana.clone(), |_| {
        validate("123456")
    });
    duo.send("GET the validation too early", &mut ana.clone(), |_| {
        Request::get(VALIDATE)
    });
    for (name, body) in [
        ("empty body", json!({})),
        ("unknown", json!({"setup": "pigeon"})),
        ("disable", json!({"setup": "disable"})),
        ("SMS without a number", json!({"setup": "sms"})),
    ] {
        duo.send(name, &mut ana, |_| Request::post(SETUP, &body));
    }
    let begun = duo.send("begin", &mut ana, |_| {
        Request::post(SETUP, &json!({"setup": "authenticator"}))
    });
    duo.send("GET the set-up again", &mut ana, |_| Request::get(SETUP));
    duo.send("GET the validation", &mut ana, |_| Request::get(VALIDATE));
    let codes = begun.codes(0);
    let wrong = (other_than(&codes.0), other_than(&codes.1));
    duo.send_own("wrong code", &mut ana, &wrong, |_, code| validate(code));
    duo.send_own("right code", &mut ana, &codes, |_, code| validate(code));
    duo.send("current user now", &mut ana, |_| who());
    duo.send("password of another", &mut gil, |_| sign_in(GIL));
    duo.send("begin by mail", &mut gil, |_| {
        Request::post(SETUP, &json!({"setup": "email"}))
    });
    let codes = duo.mailed_codes(GIL);
    duo.send_own("mailed code", &mut gil, &codes, |_, code| validate(code));
    duo.send("password of a third", &mut hal, |_| sign_in(HAL));
    let stored = Known::NumberStoredWithItsCode;
    duo.send_known("begin by SMS", &mut hal, stored, 200, |_| {
        form(SETUP, &[("setup", "sms"), ("phone", PHONE)])
    });
    let codes = duo.texted_codes(PHONE);
    duo.send_own_known("sent code", &mut hal, (stored, 200), &codes, |_, code| {
        validate(code)
    });
    duo.send("sign out", &mut hal, sign_out);
    duo.send("sign in again", &mut hal, |_| sign_in(HAL));
    duo.finish(22);
}

#[test]
fn oracle_two_factor_removal_during_a_sign_in() {
    // Where no factor is required, a sign-in waits for a set-up only at the reference's older
    // versions; its session is written here.
    let mut duo = Duo::with_factors("tf-removal", &json!({}));
    let mut ana = Browser::new();
    let waiting = crate::support::python::Python::get().sign(
        "session",
        crate::support::config::SECRET,
        &json!({"tf_user_id": crate::support::users::ANA_ID, "tf_state": "setup_from_login"}),
        0,
    );
    ana.both(|jar| jar.set("session", &waiting));
    duo.send("GET", &mut ana, |_| Request::get(SETUP));
    let known = Known::NoRemovalDuringSignIn;
    duo.send_known("disable", &mut ana, known, 400, |_| {
        Request::post(SETUP, &json!({"setup": "disable"}))
    });
    duo.finish(2);
}

#[test]
fn oracle_two_factor_set_up_elsewhere_during_a_sign_in() {
    let changes = json!({"SECURITY_TWO_FACTOR_REQUIRED": true});
    let mut duo = Duo::with_factors("tf-elsewhere", &changes);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    let begun = duo.send("begin", &mut ana, |_| {
        Request::post(SETUP, &json!({"setup": "authenticator"}))
    });
    duo.give_factor(ANA, "email");
    let known = (Known::SetUpElsewhere, 400);
    duo.send_own_known("code", &mut ana, known, &begun.codes(0), |_, code| {
        validate(code)
    });
    duo.finish(3);
}

#[test]
fn oracle_two_factor_ends_for_a_deactivated_user() {
    let mut duo = Duo::with_factors("tf-deactivated", &json!({}));
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.set(ANA, "active", "0");
    let known = Known::PendingSignInEnds;
    let right = code(KEY, 0);
    duo.send_known("code", &mut ana, known, 400, |_| validate(&right));
    duo.finish(2);
}

#[test]
fn oracle_two_factor_ends_after_the_time_for_a_set_up() {
    let changes = json!({"SECURITY_TWO_FACTOR_SETUP_WITHIN": {"seconds": 1}});
    let mut duo = Duo::with_factors("tf-late", &changes);
    duo.give_factor(ANA, "authenticator");
    let (mut ana, mut gil) = (Browser::new(), Browser::new());
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("sign in", &mut gil, |_| sign_in(GIL));
    let begun = duo.send("begin a set-up", &mut gil, |jar| {
        crate::support::factors::post(SETUP, &json!({"setup": "authenticator"}), jar)
    });
    std::thread::sleep(std::time::Duration::from_millis(2200));
    let known = Known::PendingSignInEnds;
    let right = code(KEY, 0);
    duo.send_known("code", &mut ana, known, 400, |_| validate(&right));
    let own = crate::support::factors::joined(&begun.confirmations(), &begun.codes(0));
    duo.send_own("first code", &mut gil, &own, |jar, own| {
        crate::support::factors::confirm(own, jar)
    });
    duo.finish(5);
}

#[test]
fn oracle_two_factor_without_an_exempt_csrf_check() {
    let changes = two_factor(&json!({"SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": false}));
    let mut duo = Duo::start_with_mail_and_sms("tf-csrf", &changes);
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    let with = |request: Request, token: &str| request.header("X-CSRF-Token", token);
    let tokens = duo.send("GET", &mut ana, |_| who()).of("csrf_token");
    duo.send_own("password", &mut ana, &tokens, |_, token| {
        with(sign_in(ANA), token)
    });
    let right = code(KEY, 0);
    duo.send("code without a CSRF token", &mut ana, |_| validate(&right));
    for path in [SETUP, SELECT, crate::support::factors::RESCUE] {
        duo.send(path, &mut ana, |_| Request::post(path, &json!({})));
    }
    duo.send_own("code", &mut ana, &tokens, |_, token| {
        with(validate(&right), token)
    });
    duo.finish(7);
}
