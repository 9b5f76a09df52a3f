//! The settings of unified sign-in.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::factors::{KEY, VALIDATE, code, form, joined, post};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{LOGIN, REGISTER, sign_in, sign_out, who};
use crate::support::unified::{
    APP_KEY, EMAIL_KEY, PHONE, SEND, SETUP, SIGN_IN, VERIFY, VERIFY_SEND, app_code, confirm,
    send_code, sign_in_as, unified, with_passcode, with_two_factor,
};
use crate::support::users::{ANA, PASSWORD};

const ALL: &[&str] = &["email", "authenticator", "sms"];

fn validate(code: &str) -> Request {
    Request::post(VALIDATE, &json!({"code": code}))
}

#[test]
fn oracle_unified_in_place_of_login() {
    let changes = json!({"SECURITY_US_SIGNIN_REPLACES_LOGIN": true});
    let mut duo = Duo::with_unified("us-login", &changes);
    duo.give_methods(ANA, ALL);
    let mut ana = Browser::new();
    duo.send("GET", &mut ana, |_| who());
    let known = Known::MissingIdentity;
    duo.send_known("email and password", &mut ana, known, 400, |_| sign_in(ANA));
    for (name, passcode) in [("wrong", "wrong".to_owned()), ("app", app_code(0))] {
        duo.send(name, &mut ana, |_| {
            Request::post(LOGIN, &json!({"identity": ANA, "passcode": passcode}))
        });
    }
    duo.send("GET, signed in", &mut ana, |_| who());
    duo.send("POST, signed in", &mut ana, |jar| {
        post(LOGIN, &json!({"identity": ANA, "passcode": "x"}), jar)
    });
    duo.send("sign out", &mut ana, sign_out);
    duo.send("form", &mut ana, |_| {
        form(LOGIN, &[("identity", PHONE), ("passcode", PASSWORD)])
    });
    duo.send("the other endpoint", &mut Browser::new(), |_| {
        with_passcode(PASSWORD)
    });
    duo.finish(9);
}

#[test]
fn oracle_unified_before_a_second_factor() {
    let config = with_two_factor(&json!({}));
    let mut duo = Duo::start_with_mail_and_sms("us-tf", &config);
    duo.give_methods(ANA, &["email", "sms"]);
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| with_passcode(PASSWORD));
    duo.send("GET the factor", &mut ana, |_| Request::get(VALIDATE));
    let right = code(KEY, 0);
    duo.send("wrong factor", &mut ana, |_| validate("000000x"));
    duo.send("factor", &mut ana, |_| validate(&right));
    duo.send("current user", &mut ana, |_| who());
    for method in ["email", "sms"] {
        let mut ana = Browser::new();
        duo.send("send", &mut ana, |_| send_code(ANA, method));
        let codes = if method == "email" {
            duo.mailed_codes(ANA)
        } else {
            duo.texted_codes(PHONE)
        };
        duo.send_own(method, &mut ana, &codes, |_, code| with_passcode(code));
    }
    let mut abandoned = Browser::new();
    duo.send("password again", &mut abandoned, |_| {
        let body = json!({"identity": ANA, "passcode": PASSWORD, "remember": true});
        Request::post(&format!("{SIGN_IN}?next=/there"), &body)
    });
    duo.send("a wrong sign-in ends it", &mut abandoned, |_| {
        with_passcode("wrong")
    });
    let right = code(KEY, 1);
    duo.send("factor of what ended", &mut abandoned, |_| validate(&right));
    duo.finish(12);
}

#[test]
fn oracle_unified_that_suffices_without_a_second_factor() {
    for (name, mfa) in [
        ("us-mfa-none", json!([])),
        ("us-mfa-app", json!(["authenticator", "sms"])),
    ] {
        let config = with_two_factor(&json!({"SECURITY_US_MFA_REQUIRED": mfa}));
        let mut duo = Duo::start_with_mail_and_sms(name, &config);
        duo.give_methods(ANA, ALL);
        duo.give_factor(ANA, "email");
        duo.send("password", &mut Browser::new(), |_| with_passcode(PASSWORD));
        let right = app_code(0);
        duo.send("app", &mut Browser::new(), |_| with_passcode(&right));
        duo.finish(2);
    }
}

#[test]
fn oracle_unified_before_a_second_factor_that_is_required() {
    let changes = json!({"SECURITY_TWO_FACTOR_REQUIRED": true});
    let config = with_two_factor(&changes);
    let mut duo = Duo::start_with_mail_and_sms("us-tf-required", &config);
    duo.give_methods(ANA, ALL);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| with_passcode(PASSWORD));
    let begun = duo.send("begin", &mut ana, |_| {
        let body = json!({"setup": "authenticator"});
        Request::post(crate::support::factors::SETUP, &body)
    });
    duo.send_own("factor", &mut ana, &begun.codes(0), |_, code| {
        validate(code)
    });
    let right = app_code(0);
    duo.send("app", &mut Browser::new(), |_| with_passcode(&right));
    duo.finish(4);
}

#[test]
fn oracle_unified_with_some_methods() {
    for (name, methods) in [
        ("us-only-password", json!(["password"])),
        ("us-only-app", json!(["authenticator"])),
        ("us-only-codes", json!(["sms", "email"])),
        ("us-another-order", json!(["authenticator", "password"])),
    ] {
        let changes = json!({"SECURITY_US_ENABLED_METHODS": methods});
        let mut duo = Duo::with_unified(name, &changes);
        duo.give_methods(ANA, ALL);
        duo.send("GET", &mut Browser::new(), |_| Request::get(SIGN_IN));
        duo.send("password", &mut Browser::new(), |_| with_passcode(PASSWORD));
        let right = app_code(0);
        let mut ana = Browser::new();
        duo.send("app", &mut ana, |_| with_passcode(&right));
        duo.send("email", &mut Browser::new(), |_| send_code(ANA, "email"));
        duo.send("SMS", &mut Browser::new(), |_| send_code(ANA, "sms"));
        let methods = methods.as_array().expect("methods");
        let passcode = if methods.contains(&json!("password")) {
            (PASSWORD.to_owned(), PASSWORD.to_owned())
        } else if methods.contains(&json!("authenticator")) {
            (app_code(1), app_code(1))
        } else {
            duo.mailed_codes(ANA)
        };
        let mut ana = Browser::new();
        duo.send_own("sign in", &mut ana, &passcode, |_, code| {
            with_passcode(code)
        });
        duo.send("GET verify", &mut ana, |_| Request::get(VERIFY));
        duo.send("GET setup", &mut ana, |_| Request::get(SETUP));
        for method in ["email", "authenticator"] {
            duo.send(method, &mut ana, |jar| {
                post(SETUP, &json!({"chosen_method": method}), jar)
            });
            duo.send("delete it", &mut ana, |jar| {
                post(SETUP, &json!({"delete_method": [method]}), jar)
            });
        }
        duo.finish(12);
    }
}

#[test]
fn oracle_unified_at_other_urls() {
    let changes = json!({
        "SECURITY_US_SIGNIN_URL": "/in", "SECURITY_US_SIGNIN_SEND_CODE_URL": "/in/code",
        "SECURITY_US_SETUP_URL": "/methods", "SECURITY_US_VERIFY_URL": "/again",
        "SECURITY_US_VERIFY_SEND_CODE_URL": "/again/code", "SECURITY_US_VERIFY_LINK_URL": "/open",
        "SECURITY_POST_LOGIN_VIEW": "/home",
    });
    let mut duo = Duo::with_unified("us-urls", &changes);
    duo.give_methods(ANA, ALL);
    let at = |path: &str| format!("/api/accounts{path}");
    let mut ana = Browser::new();
    let known = Known::OwnErrorPages;
    for path in [SIGN_IN, SETUP, VERIFY] {
        duo.send_known(path, &mut ana, known, 404, |_| Request::get(path));
    }
    duo.send("GET", &mut ana, |_| Request::get(&at("/in")));
    duo.send("send", &mut ana, |_| {
        Request::post(
            &at("/in/code"),
            &json!({"identity": ANA, "chosen_method": "email"}),
        )
    });
    let links = duo.links(ANA);
    duo.send_own("link", &mut ana, &links, |_, link| {
        Request::new("GET", link)
    });
    duo.send("GET verify", &mut ana, |_| Request::get(&at("/again")));
    duo.send("send to verify", &mut ana, |jar| {
        post(&at("/again/code"), &json!({"chosen_method": "sms"}), jar)
    });
    let codes = duo.texted_codes(PHONE);
    duo.send_own("verify", &mut ana, &codes, |jar, code| {
        post(&at("/again"), &json!({"passcode": code}), jar)
    });
    duo.send("GET setup", &mut ana, |_| Request::get(&at("/methods")));
    let begun = duo.send("begin", &mut ana, |jar| {
        post(
            &at("/methods"),
            &json!({"chosen_method": "authenticator"}),
            jar,
        )
    });
    let tokens = begun.of("state");
    let paths = (
        at(&format!("/methods/{}", tokens.0)),
        at(&format!("/methods/{}", tokens.1)),
    );
    let own = joined(&paths, &begun.us_codes(0));
    duo.send_own("confirm", &mut ana, &own, |jar, own| confirm(own, jar));
    duo.send("sign in", &mut Browser::new(), |_| {
        Request::post(&at("/in"), &json!({"identity": ANA, "passcode": PASSWORD}))
    });
    duo.finish(13);
}

#[test]
fn oracle_unified_validity_of_codes() {
    for (name, seconds, steps) in [
        ("us-validity-30", 30, [-4, 4, 6]),
        ("us-validity-600", 600, [-4, 15, 40]),
    ] {
        let changes = json!({"SECURITY_US_TOKEN_VALIDITY": seconds});
        let mut duo = Duo::with_unified(name, &changes);
        duo.give_methods(ANA, ALL);
        for steps in steps {
            let code = app_code(steps);
            duo.send(&steps.to_string(), &mut Browser::new(), |_| {
                with_passcode(&code)
            });
            let code = crate::support::factors::code(EMAIL_KEY, steps);
            duo.send("the link", &mut Browser::new(), |_| {
                let id = crate::support::users::ANA_ID;
                Request::new(
                    "GET",
                    &format!("/api/accounts/us-verify-link?id={id}x&code={code}"),
                )
            });
        }
        duo.finish(6);
    }
}

#[test]
fn oracle_unified_time_for_a_setup() {
    let changes = json!({"SECURITY_US_SETUP_WITHIN": {"seconds": 1}});
    let mut duo = Duo::with_unified("us-within", &changes);
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| with_passcode(PASSWORD));
    let begun = duo.send("begin", &mut ana, |jar| {
        post(SETUP, &json!({"chosen_method": "authenticator"}), jar)
    });
    std::thread::sleep(std::time::Duration::from_millis(2200));
    let own = joined(&begun.us_confirmations(), &begun.us_codes(0));
    duo.send_own("late", &mut ana, &own, |jar, own| confirm(own, jar));
    duo.finish(3);
}

#[test]
fn oracle_unified_subject_of_the_mail() {
    let subject = "Your code for the library";
    let changes = json!({"SECURITY_US_EMAIL_SUBJECT": subject});
    let mut duo = Duo::with_unified("us-subject", &changes);
    duo.give_methods(ANA, ALL);
    duo.send("send", &mut Browser::new(), |_| send_code(ANA, "email"));
    let (ours, theirs) = duo.post();
    for post in [ours, theirs] {
        let mail = post.to(ANA).pop().expect("a mail");
        assert_eq!(mail.header("subject"), Some(subject));
    }
    duo.finish(1);
}

#[test]
fn oracle_unified_sign_in_of_a_user_who_registered_without_a_password() {
    let changes: Value =
        json!({"SECURITY_CONFIRMABLE": false, "SECURITY_PASSWORD_REQUIRED": false});
    let mut duo = Duo::start_with_mail_and_sms("us-register", &unified(&changes));
    let new = "new@example.com";
    let mut browser = Browser::new();
    duo.send("register", &mut browser, |_| {
        Request::post(REGISTER, &json!({"email": new}))
    });
    duo.send("GET the methods", &mut browser, |_| Request::get(SETUP));
    duo.send("sign out", &mut browser, sign_out);
    duo.send("send", &mut browser, |_| send_code(new, "email"));
    duo.send("by SMS", &mut browser, |_| send_code(new, "sms"));
    duo.send("no password", &mut browser, |_| sign_in_as(new, PASSWORD));
    let codes = duo.mailed_codes(new);
    duo.send_own("sign in", &mut browser, &codes, |_, code| {
        sign_in_as(new, code)
    });
    duo.send("send to verify", &mut browser, |jar| {
        post(VERIFY_SEND, &json!({"chosen_method": "email"}), jar)
    });
    let codes = duo.mailed_codes(new);
    duo.send_own("verify", &mut browser, &codes, |jar, code| {
        post(VERIFY, &json!({"passcode": code}), jar)
    });
    duo.send("add an app", &mut browser, |jar| {
        with_token(form(SETUP, &[("chosen_method", "authenticator")]), jar)
    });
    let app = code(APP_KEY, 0);
    duo.send("by an app that is not set up", &mut Browser::new(), |_| {
        sign_in_as(new, &app)
    });
    let known = Known::OwnErrorPages;
    duo.send_known("GET to send", &mut browser, known, 405, |_| {
        Request::get(SEND)
    });
    duo.finish(12);
}
