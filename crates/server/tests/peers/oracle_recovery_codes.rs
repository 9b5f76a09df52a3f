//! Recovery codes: `/mf-recovery-codes` and `/mf-recovery`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo, Pair};
use crate::support::factors::{KEY, RECOVERY, RECOVERY_CODES, RESCUE, VALIDATE, code, form, post};
use crate::support::http::{Request, Response};
use crate::support::known::Known;
use crate::support::requests::{sign_in, sign_out, who};
use crate::support::users::ANA;

/// A key of Fernet.
const FIRST_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const SECOND_KEY: &str = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=";

fn settings(changes: &Value) -> Value {
    let mut config = json!({"SECURITY_MULTI_FACTOR_RECOVERY_CODES": true});
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

/// The recovery code at this place in each answer.
fn recovery_code(pair: &Pair, place: usize) -> (String, String) {
    let of = |answer: &Response| {
        let body = answer.json().unwrap_or_default();
        let code = body["response"]["recovery_codes"][place].as_str();
        code.expect("a recovery code").to_owned()
    };
    (of(&pair.ours), of(&pair.theirs))
}

fn recover(code: &str) -> Request {
    Request::post(RECOVERY, &json!({"code": code}))
}

/// Signs in with the password and a code of the authenticator.
fn sign_in_completely(duo: &mut Duo, steps: i64) -> Browser {
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    let right = code(KEY, steps);
    duo.send("code", &mut ana, |_| {
        Request::post(VALIDATE, &json!({"code": right}))
    });
    ana
}

#[test]
fn oracle_recovery_codes_of_a_user() {
    for (name, changes) in [
        ("plain", json!({})),
        (
            "sealed",
            json!({"SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [FIRST_KEY, SECOND_KEY]}),
        ),
        ("two", json!({"SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 2})),
    ] {
        let mut duo = Duo::with_factors(&format!("mf-{name}"), &settings(&changes));
        let mut stranger = Browser::new();
        duo.send("GET signed out", &mut stranger, |_| {
            Request::get(RECOVERY_CODES)
        });
        duo.send("signed out", &mut stranger, |_| {
            Request::post(RECOVERY_CODES, &json!({}))
        });
        duo.give_factor(ANA, "authenticator");
        let mut ana = sign_in_completely(&mut duo, -1);
        duo.send("GET without codes", &mut ana, |_| {
            Request::get(RECOVERY_CODES)
        });
        let no_grace = Known::NoGraceWithoutCsrf;
        duo.send_known("no CSRF token", &mut ana, no_grace, 400, |_| {
            Request::post(RECOVERY_CODES, &json!({}))
        });
        let first = duo.send("create", &mut ana, |jar| {
            post(RECOVERY_CODES, &json!({}), jar)
        });
        duo.send("GET", &mut ana, |_| Request::get(RECOVERY_CODES));
        let second = duo.send("create again", &mut ana, |jar| {
            post(
                RECOVERY_CODES,
                &json!({"generate_new_codes": true, "x": [1]}),
                jar,
            )
        });
        duo.send("GET the recovery signed in", &mut ana, |_| {
            Request::get(RECOVERY)
        });
        duo.send("sign out", &mut ana, sign_out);
        duo.send("GET without a sign-in", &mut ana, |_| {
            Request::get(RECOVERY)
        });
        duo.send("without a sign-in", &mut ana, |_| recover("abc"));
        duo.send("password again", &mut ana, |_| sign_in(ANA));
        duo.send("GET the validation", &mut ana, |_| Request::get(VALIDATE));
        duo.send("GET the rescue", &mut ana, |_| Request::get(RESCUE));
        duo.send("choose recovery", &mut ana, |_| {
            Request::post(RESCUE, &json!({"help_setup": "recovery_code"}))
        });
        duo.send("GET the recovery", &mut ana, |_| Request::get(RECOVERY));
        for (name, body) in [
            ("empty body", json!({})),
            ("empty", json!({"code": ""})),
            ("null", json!({"code": null})),
            ("blank", json!({"code": "  "})),
            ("wrong", json!({"code": "0123-4567-89ab"})),
            ("a number", json!({"code": 123_456})),
            ("an object", json!({"code": {}})),
            ("an authenticator's code", json!({"code": code(KEY, 0)})),
        ] {
            duo.send(name, &mut ana, |_| Request::post(RECOVERY, &body));
        }
        let replaced = recovery_code(&first, 0);
        duo.send_own("a replaced code", &mut ana, &replaced, |_, code| {
            recover(code)
        });
        let codes = recovery_code(&second, 1);
        duo.send_own("right", &mut ana, &codes, |_, code| recover(code));
        duo.send("codes left", &mut ana, |_| Request::get(RECOVERY_CODES));
        duo.send("current user", &mut ana, |_| who());
        duo.send("sign out again", &mut ana, sign_out);
        duo.send("password once more", &mut ana, |_| sign_in(ANA));
        duo.send_own("a used code", &mut ana, &codes, |_, code| recover(code));
        let last = recovery_code(&second, 0);
        duo.send_own("another code, in a form", &mut ana, &last, |_, code| {
            form(RECOVERY, &[("code", code)])
        });
        duo.send("codes left then", &mut ana, |_| {
            Request::get(RECOVERY_CODES)
        });
        duo.finish(35);
    }
}

#[test]
fn oracle_recovery_codes_as_they_are_typed() {
    let mut duo = Duo::with_factors("mf-typed", &settings(&json!({})));
    duo.give_factor(ANA, "authenticator");
    let mut ana = sign_in_completely(&mut duo, -1);
    let created = duo.send("create", &mut ana, |jar| {
        post(RECOVERY_CODES, &json!({}), jar)
    });
    let known = (Known::RecoveryCodesAsTyped, 200);
    for (place, change) in [
        (|code: &str| code.replace('-', "")) as fn(&str) -> String,
        |code| code.to_uppercase(),
        |code| format!(" {code} "),
        |code| code.replace('-', " "),
    ]
    .into_iter()
    .enumerate()
    {
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        let codes = recovery_code(&created, place);
        duo.send_own_known("typed", &mut ana, known, &codes, |_, code| {
            recover(&change(code))
        });
    }
    duo.finish(11);
}

#[test]
fn oracle_recovery_codes_need_a_fresh_session() {
    let changes = settings(&json!({
        "SECURITY_FRESHNESS": {"seconds": 1}, "SECURITY_FRESHNESS_GRACE_PERIOD": {"seconds": 0},
    }));
    let mut duo = Duo::with_factors("mf-fresh", &changes);
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    std::thread::sleep(Duration::from_millis(2200));
    duo.send("GET", &mut ana, |_| Request::get(RECOVERY_CODES));
    duo.send("create", &mut ana, |jar| {
        post(RECOVERY_CODES, &json!({}), jar)
    });
    duo.send("no CSRF token", &mut ana, |_| {
        Request::post(RECOVERY_CODES, &json!({}))
    });
    duo.finish(4);
}

#[test]
fn oracle_recovery_codes_expire() {
    let changes = settings(&json!({
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [FIRST_KEY],
        "SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL": 1,
    }));
    let mut duo = Duo::with_factors("mf-late", &changes);
    duo.give_factor(ANA, "authenticator");
    let mut ana = sign_in_completely(&mut duo, -1);
    let created = duo.send("create", &mut ana, |jar| {
        post(RECOVERY_CODES, &json!({}), jar)
    });
    std::thread::sleep(Duration::from_millis(2200));
    duo.send("GET", &mut ana, |_| Request::get(RECOVERY_CODES));
    let mut other = Browser::new();
    duo.send("password", &mut other, |_| sign_in(ANA));
    let codes = recovery_code(&created, 0);
    duo.send_own("expired", &mut other, &codes, |_, code| recover(code));
    duo.finish(6);
}

#[test]
fn oracle_recovery_codes_when_they_are_off() {
    let mut duo = Duo::with_factors("mf-off", &json!({}));
    duo.give_factor(ANA, "authenticator");
    duo.set(ANA, "mf_recovery_codes", "0123-4567-89ab,0123-4567-89ac");
    for path in [RECOVERY_CODES, RECOVERY] {
        duo.send_known(path, &mut Browser::new(), Known::OwnErrorPages, 404, |_| {
            Request::get(path)
        });
    }
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("GET the rescue", &mut ana, |_| Request::get(RESCUE));
    duo.finish(4);
}
