//! Who may set up a second factor, and which: methods, freshness, callers, and whose state it is.

use std::time::Duration;

use serde_json::json;

use crate::support::cookies::payload;
use crate::support::duo::{Browser, Duo};
use crate::support::factors::{
    KEY, PHONE, SETUP, VALIDATE, code, confirm, joined, post, two_factor,
};
use crate::support::http::Request;
use crate::support::jar::{Jar, with_token};
use crate::support::known::Known;
use crate::support::requests::{basic, sign_in, sign_in_for_tokens, sign_out, who};
use crate::support::users::{ANA, PASSWORD};

const FAY: &str = "Fay@Example.com";

#[test]
fn oracle_two_factor_methods_are_those_of_the_settings() {
    for methods in [json!(["authenticator"]), json!(["sms", "email"])] {
        let changes = json!({"SECURITY_TWO_FACTOR_ENABLED_METHODS": methods});
        let mut duo = Duo::with_factors("tf-methods", &changes);
        let mut ana = Browser::new();
        duo.send("sign in", &mut ana, |_| sign_in(ANA));
        duo.send("GET", &mut ana, |_| Request::get(SETUP));
        for method in ["authenticator", "email", "google_authenticator"] {
            duo.send(method, &mut ana, |jar| {
                post(SETUP, &json!({"setup": method}), jar)
            });
        }
        duo.give_factor(ANA, "authenticator");
        duo.send("GET with an authenticator", &mut ana, |_| {
            Request::get(SETUP)
        });
        duo.send("sign in with an authenticator", &mut Browser::new(), |_| {
            sign_in(ANA)
        });
        duo.finish(7);
    }
}

#[test]
fn oracle_two_factor_that_is_required_cannot_be_removed() {
    let changes = json!({"SECURITY_TWO_FACTOR_REQUIRED": true});
    let mut duo = Duo::with_factors("tf-required", &changes);
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let right = code(KEY, 0);
    duo.send("validate", &mut ana, |_| {
        Request::post(VALIDATE, &json!({"code": right}))
    });
    duo.send("GET", &mut ana, |_| Request::get(SETUP));
    duo.send("disable", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "disable"}), jar)
    });
    let begun = duo.send("replace", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "authenticator"}), jar)
    });
    let own = joined(&begun.confirmations(), &begun.codes(0));
    duo.send_own("confirm", &mut ana, &own, |jar, own| confirm(own, jar));
    duo.finish(6);
}

#[test]
fn oracle_two_factor_setup_needs_a_fresh_session() {
    let changes = json!({
        "SECURITY_FRESHNESS": {"seconds": 1}, "SECURITY_FRESHNESS_GRACE_PERIOD": {"seconds": 0},
    });
    let mut duo = Duo::with_factors("tf-fresh", &changes);
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    std::thread::sleep(Duration::from_millis(2200));
    duo.send("GET", &mut ana, |_| Request::get(SETUP));
    for setup in ["authenticator", "disable", "pigeon"] {
        duo.send(setup, &mut ana, |jar| {
            post(SETUP, &json!({"setup": setup}), jar)
        });
    }
    duo.send("no CSRF token", &mut ana, |_| {
        Request::post(SETUP, &json!({"setup": "email"}))
    });
    duo.finish(6);
}

#[test]
fn oracle_two_factor_setup_by_token_and_basic() {
    let changes = json!({"SECURITY_API_ENABLED_METHODS": ["session", "token", "basic"]});
    let mut duo = Duo::with_factors("tf-callers", &changes);
    let tokens = duo
        .send("sign in", &mut Browser::new(), |_| sign_in_for_tokens(ANA))
        .of_user("authentication_token");
    // Endpoints that are open to everyone ask for the CSRF token even beside an auth token.
    let with = |request: Request, own: &str| {
        let (token, csrf) = own.split_once('\n').expect("both");
        let request = request.header("Authentication-Token", token);
        request.header("X-CSRF-Token", csrf)
    };
    let mut api = Browser::new();
    duo.send_own(
        "begin without a CSRF token",
        &mut api,
        &tokens,
        |_, token| {
            Request::post(SETUP, &json!({"setup": "authenticator"}))
                .header("Authentication-Token", token)
        },
    );
    let unchanged = (Known::OneCaller, 200);
    let state = duo.send_own_known("GET by token", &mut api, unchanged, &tokens, |_, token| {
        Request::get(SETUP).header("Authentication-Token", token)
    });
    let both = joined(&tokens, &state.of("csrf_token"));
    let begun = duo.send_own_known("begin", &mut api, unchanged, &both, |_, own| {
        with(
            Request::post(SETUP, &json!({"setup": "authenticator"})),
            own,
        )
    });
    // The session may be another user's, so the state of the set-up is not written there.
    let session = |jar: &Jar| jar.get("session").and_then(payload).expect("a session");
    assert_eq!(session(&api.ours).get("tf_totp_secret"), None);
    assert_ne!(session(&api.theirs).get("tf_totp_secret"), None);
    let own = joined(&joined(&begun.confirmations(), &begun.codes(0)), &tokens);
    duo.send_own("confirm", &mut Browser::new(), &own, |_, own| {
        let parts: Vec<&str> = own.split('\n').collect();
        Request::post(parts[0], &json!({"code": parts[1]})).header("Authentication-Token", parts[2])
    });
    duo.send_own_known("disable", &mut api, unchanged, &both, |_, own| {
        with(Request::post(SETUP, &json!({"setup": "disable"})), own)
    });
    duo.send("GET by basic", &mut Browser::new(), |_| {
        Request::get(SETUP).header("Authorization", basic(ANA, PASSWORD))
    });
    duo.send("begin by basic", &mut Browser::new(), |_| {
        Request::post(SETUP, &json!({"setup": "email"}))
            .header("Authorization", basic(ANA, PASSWORD))
    });
    duo.finish(8);
}

#[test]
fn oracle_two_factor_state_of_another_user() {
    let mut duo = Duo::with_factors("tf-foreign", &json!({}));
    let (mut ana, mut fay) = (Browser::new(), Browser::new());
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("another signs in", &mut fay, |_| sign_in(FAY));
    let begun = duo.send("begin", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "authenticator"}), jar)
    });
    let own = joined(&begun.confirmations(), &begun.codes(0));
    let known = (Known::SetupBelongsToUser, 400);
    duo.send_own_known("confirm as another", &mut fay, known, &own, |jar, own| {
        confirm(own, jar)
    });
    duo.finish(4);
}

#[test]
fn oracle_two_factor_nothing_to_validate() {
    let mut duo = Duo::with_factors("tf-nothing", &json!({}));
    let (mut ana, mut stranger) = (Browser::new(), Browser::new());
    let body = json!({"code": "123456"});
    duo.send("signed out, GET", &mut stranger, |_| Request::get(VALIDATE));
    duo.send("signed out", &mut stranger, |_| {
        Request::post(VALIDATE, &body)
    });
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("no CSRF token", &mut ana, |_| {
        Request::post(VALIDATE, &body)
    });
    let known = Known::OutOfOrderSignsNoUserOut;
    duo.send_known("signed in", &mut ana.clone(), known, 400, |jar| {
        post(VALIDATE, &body, jar)
    });
    duo.send_known("signed in, GET", &mut ana.clone(), known, 400, |_| {
        Request::get(VALIDATE)
    });
    // A state that is begun, and abandoned by signing out.
    duo.send("begin", &mut ana, |jar| {
        post(SETUP, &json!({"setup": "email"}), jar)
    });
    duo.send("sign out", &mut ana, sign_out);
    duo.send("validate signed out", &mut ana, |jar| {
        with_token(Request::post(VALIDATE, &body), jar)
    });
    duo.finish(9);
}

#[test]
fn oracle_two_factor_endpoints_when_it_is_off() {
    let mut duo = Duo::start("tf-off", &json!({}));
    duo.give_factor(ANA, "authenticator");
    for path in [SETUP, VALIDATE] {
        duo.send_known(path, &mut Browser::new(), Known::OwnErrorPages, 404, |_| {
            Request::get(path)
        });
    }
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("current user", &mut ana, |_| who());
    duo.finish(4);
}

#[test]
fn oracle_two_factor_endpoints_are_where_the_settings_put_them() {
    let changes = two_factor(&json!({
        "SECURITY_TWO_FACTOR_SETUP_URL": "/second/set-up",
        "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL": "/second/code",
        "SECURITY_TWO_FACTOR_RESCUE_URL": "/second/help",
        "SECURITY_TWO_FACTOR_SELECT_URL": "/second/choice",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": true,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL": "/second/codes",
        "SECURITY_MULTI_FACTOR_RECOVERY_URL": "/second/recovery",
        "SECURITY_TWO_FACTOR_SETUP_SALT": "another salt",
        "SECURITY_TOTP_ISSUER": "Our app, the best",
    }));
    let mut duo = Duo::start_with_mail_and_sms("tf-urls", &changes);
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let at = |path: &str| format!("/api/accounts/second/{path}");
    let begun = duo.send("begin", &mut ana, |jar| {
        post(&at("set-up"), &json!({"setup": "authenticator"}), jar)
    });
    let tokens = begun.of("tf_state_token");
    let paths = (
        at(&format!("set-up/{}", tokens.0)),
        at(&format!("set-up/{}", tokens.1)),
    );
    let own = joined(&paths, &begun.codes(0));
    duo.send_own("confirm", &mut ana, &own, |jar, own| confirm(own, jar));
    duo.send("recovery codes", &mut ana, |jar| {
        post(&at("codes"), &json!({}), jar)
    });
    duo.send("sign out", &mut ana, sign_out);
    duo.send("sign in again", &mut ana, |_| sign_in(ANA));
    for path in ["code", "help", "recovery"] {
        duo.send(path, &mut ana, |_| Request::get(&at(path)));
    }
    duo.send("choice", &mut ana, |_| Request::get(&at("choice")));
    for path in [SETUP, VALIDATE] {
        duo.send_known(path, &mut Browser::new(), Known::OwnErrorPages, 404, |_| {
            Request::get(path)
        });
    }
    duo.finish(12);
}

#[test]
fn oracle_two_factor_numbers_by_region() {
    let changes = json!({"SECURITY_PHONE_REGION_DEFAULT": "GB"});
    let mut duo = Duo::with_factors("tf-region", &changes);
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    for (name, phone) in [
        ("of another region", "650-253-0000"),
        ("too short", "020 8366"),
    ] {
        duo.send(name, &mut ana, |jar| {
            post(SETUP, &json!({"setup": "sms", "phone": phone}), jar)
        });
    }
    let known = Known::NumberStoredWithItsCode;
    duo.send_known("of the region", &mut ana, known, 200, |jar| {
        post(
            SETUP,
            &json!({"setup": "sms", "phone": "020 8366 1177"}),
            jar,
        )
    });
    let sent = duo.sms().0.last(PHONE);
    assert!(sent.is_some(), "ours goes to the number in E.164");
    duo.finish(4);
}
