//! Setting up a second factor: `/tf-setup` and `/tf-setup/{token}`.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::factors::{
    KEY, PHONE, SETUP, VALIDATE, code, confirm, form, joined, other_than, post,
};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::requests::{sign_in, who};
use crate::support::users::ANA;

#[test]
fn oracle_two_factor_setup_refuses_what_is_no_method() {
    let mut duo = Duo::with_factors("tf-setup-refused", &json!({}));
    let (mut ana, mut stranger) = (Browser::new(), Browser::new());
    duo.send("signed out, GET", &mut stranger, |_| Request::get(SETUP));
    duo.send("signed out", &mut stranger, |_| {
        Request::post(SETUP, &json!({"setup": "email"}))
    });
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("GET", &mut ana, |_| Request::get(SETUP));
    duo.send("no CSRF token", &mut ana, |_| {
        Request::post(SETUP, &json!({"setup": "email"}))
    });
    for (name, body) in [
        ("empty body", json!({})),
        ("empty", json!({"setup": ""})),
        ("null", json!({"setup": null})),
        ("unknown", json!({"setup": "pigeon"})),
        ("another case", json!({"setup": "Email"})),
        ("with a space", json!({"setup": " email"})),
        ("passkey", json!({"setup": "webauthn"})),
        ("a number", json!({"setup": 5})),
        ("a boolean", json!({"setup": true})),
        ("an object", json!({"setup": {"email": 1}})),
        ("SMS without a number", json!({"setup": "sms"})),
        ("SMS to nowhere", json!({"setup": "sms", "phone": ""})),
        ("SMS to null", json!({"setup": "sms", "phone": null})),
        (
            "SMS to a bad number",
            json!({"setup": "sms", "phone": "123"}),
        ),
        (
            "SMS to a word",
            json!({"setup": "sms", "phone": "my phone"}),
        ),
        ("SMS to an integer", json!({"setup": "sms", "phone": 5})),
        (
            "email, and a number as phone",
            json!({"setup": "email", "phone": 5}),
        ),
    ] {
        duo.send(name, &mut ana, |jar| post(SETUP, &body, jar));
    }
    duo.send("an empty form", &mut ana, |jar| {
        with_token(form(SETUP, &[]), jar)
    });
    duo.send("a form with an unknown method", &mut ana, |jar| {
        with_token(form(SETUP, &[("setup", "pigeon")]), jar)
    });
    duo.send("current user", &mut ana, |_| who());
    duo.finish(25);
}

#[test]
fn oracle_two_factor_setup_of_an_authenticator() {
    let mut duo = Duo::with_factors("tf-setup-app", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let begun = duo.send("begin", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "authenticator"}), jar)
    });
    let (paths, codes) = (begun.confirmations(), begun.codes(0));
    for (name, body) in [
        ("empty body", json!({})),
        ("empty code", json!({"code": ""})),
        ("null code", json!({"code": null})),
        ("blank code", json!({"code": "   "})),
        ("a word", json!({"code": "secret"})),
        ("too short", json!({"code": "12345"})),
        ("too long", json!({"code": "1234567"})),
        ("an object", json!({"code": {"a": 1}})),
        ("a fraction", json!({"code": 1.5})),
    ] {
        duo.send_own(name, &mut ana, &paths, |jar, path| post(path, &body, jar));
    }
    let wrong = (other_than(&codes.0), other_than(&codes.1));
    duo.send_own(
        "wrong code",
        &mut ana,
        &joined(&paths, &wrong),
        |jar, own| confirm(own, jar),
    );
    duo.send_own(
        "no CSRF token",
        &mut ana,
        &joined(&paths, &codes),
        |_, own| {
            let (path, code) = own.split_once('\n').expect("both");
            Request::post(path, &json!({"code": code}))
        },
    );
    duo.send_own(
        "signed out",
        &mut Browser::new(),
        &joined(&paths, &codes),
        |jar, own| confirm(own, jar),
    );
    duo.send_own(
        "right code",
        &mut ana,
        &joined(&paths, &codes),
        |jar, own| confirm(own, jar),
    );
    duo.send("GET", &mut ana, |_| Request::get(SETUP));
    // The state in the session is confirmed at /tf-validate.
    let begun = duo.send("begin again", &mut ana, |jar| {
        with_token(form(SETUP, &[("setup", "authenticator")]), jar)
    });
    duo.send("GET the validation", &mut ana, |_| Request::get(VALIDATE));
    duo.send("no code", &mut ana, |jar| post(VALIDATE, &json!({}), jar));
    let codes = begun.codes(0);
    let wrong = (other_than(&codes.0), other_than(&codes.1));
    duo.send_own("wrong code, validation", &mut ana, &wrong, |jar, code| {
        post(VALIDATE, &json!({"code": code}), jar)
    });
    duo.send_own("right code, validation", &mut ana, &codes, |jar, code| {
        with_token(form(VALIDATE, &[("code", code)]), jar)
    });
    duo.send("disable", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "disable"}), jar)
    });
    duo.send("GET when disabled", &mut ana, |_| Request::get(SETUP));
    duo.send("disable again", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "disable"}), jar)
    });
    duo.finish(24);
}

#[test]
fn oracle_two_factor_setup_by_mail_and_sms() {
    let mut duo = Duo::with_factors("tf-setup-sent", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let begun = duo.send("begin by mail", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "email"}), jar)
    });
    let own = joined(&begun.confirmations(), &duo.mailed_codes(ANA));
    duo.send_own("confirm the mail", &mut ana, &own, |jar, own| {
        confirm(own, jar)
    });
    duo.send("GET with mail", &mut ana, |_| Request::get(SETUP));
    let stored = Known::NumberStoredWithItsCode;
    let begun = duo.send_known("begin by SMS", &mut ana, stored, 200, |jar| {
        post(SETUP, &json!({"setup": "sms", "phone": PHONE}), jar)
    });
    let own = joined(&begun.confirmations(), &duo.texted_codes(PHONE));
    let known = (stored, 200);
    duo.send_own_known("confirm the SMS", &mut ana, known, &own, |jar, own| {
        confirm(own, jar)
    });
    duo.send("GET with SMS", &mut ana, |_| Request::get(SETUP));
    let typed = "(650) 253-0000";
    duo.send_known("a number as it is typed", &mut ana, stored, 200, |jar| {
        post(SETUP, &json!({"setup": "sms", "phone": typed}), jar)
    });
    duo.send("back to an authenticator", &mut ana, |jar| {
        post(
            SETUP,
            &json!({"setup": "authenticator", "phone": PHONE}),
            jar,
        )
    });
    duo.send("disable", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "disable"}), jar)
    });
    // Our mail may arrive after the comparison, so this exchange is the last one.
    let known = Known::OlderNameOfEmail;
    duo.send_known("an older name", &mut ana, known, 200, |jar| {
        post(SETUP, &json!({"setup": "mail"}), jar)
    });
    duo.finish(11);
}

fn state(payload: &Value, age: i64) -> String {
    let token = Python::get().sign("two_factor_setup", SECRET, payload, age);
    format!("{SETUP}/{token}")
}

#[test]
fn oracle_two_factor_setup_states() {
    let mut duo = Duo::with_factors("tf-setup-states", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let secret = json!({"key": KEY, "type": "totp", "v": 1}).to_string();
    let good = json!({"totp_secret": secret, "method": "authenticator", "phone": null});
    let right = code(KEY, 1);
    for (name, path) in [
        ("garbage", format!("{SETUP}/garbage")),
        ("with dots", format!("{SETUP}/a.b.c")),
        ("expired", state(&good, 31 * 60)),
        ("another purpose", {
            let token = Python::get().sign("us_setup", SECRET, &good, 0);
            format!("{SETUP}/{token}")
        }),
        ("another key", {
            let token = Python::get().sign("two_factor_setup", "another key", &good, 0);
            format!("{SETUP}/{token}")
        }),
        ("valid", state(&good, 29 * 60)),
    ] {
        duo.send(&format!("{name}, no code"), &mut ana, |jar| {
            post(&path, &json!({}), jar)
        });
        duo.send(name, &mut ana, |jar| {
            post(&path, &json!({"code": right}), jar)
        });
    }
    duo.finish(13);
}
