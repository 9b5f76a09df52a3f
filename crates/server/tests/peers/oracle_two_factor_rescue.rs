//! Users who cannot show the second factor (`/tf-rescue`), and devices that need not show it
//! (`tf_validity`).

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::factors::{KEY, RESCUE, SETUP, VALIDATE, code, form};
use crate::support::http::Request;
use crate::support::python::Python;
use crate::support::requests::{sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, ANA_ID, GIL_ID, PASSWORD};

const ADDRESS: &str = "help@example.com";
const OPERATOR: &str = "SECURITY_TWO_FACTOR_RESCUE_MAIL";

fn validate(code: &str) -> Request {
    Request::post(VALIDATE, &json!({"code": code}))
}

#[test]
fn oracle_two_factor_rescue() {
    for method in ["authenticator", "email", "sms"] {
        let changes = json!({
            OPERATOR: ADDRESS, "SECURITY_EMAIL_SUBJECT_TWO_FACTOR_RESCUE": "Help is needed",
            "SECURITY_EMAIL_SUBJECT_TWO_FACTOR": "Here is the code",
        });
        let mut duo = Duo::with_factors(&format!("tf-rescue-{method}"), &changes);
        duo.give_factor(ANA, method);
        let mut ana = Browser::new();
        duo.send("GET without a sign-in", &mut ana, |_| Request::get(RESCUE));
        duo.send("without a sign-in", &mut ana, |_| {
            Request::post(RESCUE, &json!({"help_setup": "help"}))
        });
        duo.send("password", &mut ana, |_| sign_in(ANA));
        duo.send("GET", &mut ana, |_| Request::get(RESCUE));
        for (name, body) in [
            ("empty body", json!({})),
            ("empty", json!({"help_setup": ""})),
            ("null", json!({"help_setup": null})),
            ("unknown", json!({"help_setup": "pigeon"})),
            ("not offered", json!({"help_setup": "recovery_code"})),
            ("a number", json!({"help_setup": 5})),
            ("an object", json!({"help_setup": {}})),
            ("another case", json!({"help_setup": "Help"})),
            ("help", json!({"help_setup": "help"})),
        ] {
            duo.send(name, &mut ana, |_| Request::post(RESCUE, &body));
        }
        duo.send("help, in a form", &mut ana, |_| {
            form(RESCUE, &[("help_setup", "help")])
        });
        duo.send("a mailed code", &mut ana, |_| {
            Request::post(RESCUE, &json!({"help_setup": "email"}))
        });
        let codes = duo.mailed_codes(ANA);
        for (post, to, subject) in [
            (&duo.post().0, ADDRESS, "Help is needed"),
            (&duo.post().1, ADDRESS, "Help is needed"),
            (&duo.post().0, ANA, "Here is the code"),
            (&duo.post().1, ANA, "Here is the code"),
        ] {
            let last = post.to(to).pop().expect("a mail");
            assert_eq!(last.header("subject"), Some(subject));
        }
        duo.send("GET the validation", &mut ana, |_| Request::get(VALIDATE));
        duo.send_own("the mailed code", &mut ana, &codes, |_, code| {
            validate(code)
        });
        duo.send("GET signed in", &mut ana, |_| Request::get(RESCUE));
        duo.finish(18);
    }
}

#[test]
fn oracle_two_factor_rescue_without_mail() {
    let mut duo = Duo::with_factors(
        "tf-no-rescue",
        &json!({"SECURITY_TWO_FACTOR_RESCUE_EMAIL": false}),
    );
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("GET", &mut ana, |_| Request::get(RESCUE));
    duo.send("GET the validation", &mut ana, |_| Request::get(VALIDATE));
    for choice in ["email", "help"] {
        duo.send(choice, &mut ana, |_| {
            Request::post(RESCUE, &json!({"help_setup": choice}))
        });
    }
    duo.finish(5);
}

#[test]
fn oracle_two_factor_rescue_during_a_set_up() {
    let changes = json!({"SECURITY_TWO_FACTOR_REQUIRED": true});
    let mut duo = Duo::with_factors("tf-rescue-setup", &changes);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("GET before the set-up", &mut ana.clone(), |_| {
        Request::get(RESCUE)
    });
    duo.send("begin", &mut ana, |_| {
        Request::post(SETUP, &json!({"setup": "email"}))
    });
    duo.send("help", &mut ana, |_| {
        Request::post(RESCUE, &json!({"help_setup": "help"}))
    });
    duo.send("validate after that", &mut ana, |_| validate("123456"));
    duo.finish(5);
}

fn remembering() -> Request {
    sign_in_with(&json!({"email": ANA, "password": PASSWORD, "remember": true}))
}

#[test]
fn oracle_two_factor_remembered_devices() {
    for cookie in [
        json!({"httponly": true, "secure": false, "samesite": "Lax"}),
        json!({"httponly": false, "secure": true, "samesite": null}),
    ] {
        let changes = json!({
            "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE": false,
            "SECURITY_TWO_FACTOR_LOGIN_VALIDITY": {"seconds": 3600},
            "SECURITY_TWO_FACTOR_VALIDITY_COOKIE": cookie,
            "SECURITY_TWO_FACTOR_VALIDITY_COOKIE_NAME": "device",
            "SECURITY_TWO_FACTOR_VALIDITY_SALT": "another salt",
        });
        let mut duo = Duo::with_factors("tf-devices", &changes);
        duo.give_factor(ANA, "authenticator");
        let (mut ana, mut other) = (Browser::new(), Browser::new());
        duo.send("password", &mut ana, |_| remembering());
        duo.send("code", &mut ana, |_| validate(&code(KEY, -1)));
        assert!(ana.ours.get("device").is_some());
        duo.send("sign out", &mut ana, sign_out);
        duo.send("password alone", &mut ana, |_| sign_in(ANA));
        duo.send("current user", &mut ana, |_| who());
        duo.send("password without remember", &mut other, |_| sign_in(ANA));
        duo.send("code without remember", &mut other, |_| {
            validate(&code(KEY, 1))
        });
        duo.send("sign out there", &mut other, sign_out);
        duo.send("password there", &mut other, |_| sign_in(ANA));
        duo.finish(9);
    }
}

#[test]
fn oracle_two_factor_devices_that_are_not_remembered() {
    let changes = json!({"SECURITY_TWO_FACTOR_ALWAYS_VALIDATE": false});
    let mut duo = Duo::with_factors("tf-devices-refused", &changes);
    duo.give_factor(ANA, "authenticator");
    let device = |payload: Value, secret: &str, age: i64| {
        Python::get().sign("two_factor_validity", secret, &payload, age)
    };
    let days = 86_400;
    for (name, cookie) in [
        ("of 29 days", device(json!(ANA_ID), SECRET, 29 * days)),
        ("of 31 days", device(json!(ANA_ID), SECRET, 31 * days)),
        ("of another user", device(json!(GIL_ID), SECRET, 0)),
        ("by another key", device(json!(ANA_ID), "another key", 0)),
        ("a list", device(json!([ANA_ID]), SECRET, 0)),
        ("another purpose", {
            Python::get().sign("two_factor_setup", SECRET, &json!(ANA_ID), 0)
        }),
        ("garbage", "x".to_owned()),
        ("empty", String::new()),
    ] {
        let mut ana = Browser::new();
        ana.both(|jar| jar.set("tf_validity", &cookie));
        duo.send(name, &mut ana, |_| sign_in(ANA));
    }
    duo.finish(8);
    // Where every sign-in has to show it, the cookie counts for nothing.
    let mut duo = Duo::with_factors("tf-devices-always", &json!({}));
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    ana.both(|jar| jar.set("tf_validity", &device(json!(ANA_ID), SECRET, 0)));
    duo.send("password", &mut ana, |_| remembering());
    duo.send("code", &mut ana, |_| validate(&code(KEY, 0)));
    duo.finish(2);
}

#[test]
fn oracle_two_factor_device_of_a_set_up() {
    let changes = json!({
        "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE": false, "SECURITY_TWO_FACTOR_REQUIRED": true,
    });
    let mut duo = Duo::with_factors("tf-devices-first", &changes);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| remembering());
    let begun = duo.send("begin", &mut ana, |_| {
        Request::post(SETUP, &json!({"setup": "authenticator"}))
    });
    duo.send_own("code", &mut ana, &begun.codes(0), |_, code| validate(code));
    duo.send("sign out", &mut ana, sign_out);
    duo.send("password alone", &mut ana, |_| sign_in(ANA));
    duo.finish(5);
}

/// A window of 30 seconds accepts the codes of the neighbouring time steps only.
#[test]
fn oracle_two_factor_validity_of_codes() {
    for (method, key) in [
        (
            "authenticator",
            "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY",
        ),
        ("email", "SECURITY_TWO_FACTOR_MAIL_VALIDITY"),
        ("sms", "SECURITY_TWO_FACTOR_SMS_VALIDITY"),
    ] {
        let mut duo = Duo::with_factors(&format!("tf-window-{method}"), &json!({key: 30}));
        duo.give_factor(ANA, method);
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        for steps in [-4, -3, 4] {
            duo.send(&format!("{steps} steps"), &mut ana, |_| {
                validate(&code(KEY, steps))
            });
        }
        // The next step, which is the current one if it begins meanwhile.
        duo.send("1 step", &mut ana, |_| validate(&code(KEY, 1)));
        duo.finish(5);
    }
    // Without the setting, the codes of several steps are accepted.
    let mut duo = Duo::with_factors("tf-window", &json!({}));
    duo.give_factor(ANA, "email");
    for steps in [-8, -3, 8] {
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        duo.send(&format!("{steps} steps"), &mut ana, |_| {
            validate(&code(KEY, steps))
        });
    }
    duo.finish(6);
}
