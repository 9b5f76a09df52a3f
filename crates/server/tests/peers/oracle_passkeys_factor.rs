//! A passkey as the second factor of a sign-in.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::factors::{SELECT, SETUP, VALIDATE, code};
use crate::support::http::Request;
use crate::support::jar::Jar;
use crate::support::known::Known;
use crate::support::passkeys::{
    Passkeys, REGISTER, SIGN_IN, passkeys, post, second_step, second_step_with,
};
use crate::support::requests::{LOGIN, sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, PASSWORD};

const GIL: &str = "gil@example.com";

fn step(jar: &Jar, own: &str) -> Request {
    second_step(own, jar)
}

/// The keys of a user.
struct Keys {
    first: Passkeys,
    second: Passkeys,
}

/// Both servers, with a passkey of each usage of Ana's: six exchanges.
fn with_keys(name: &str, changes: &Value) -> (Duo, Keys) {
    let mut config = json!({"SECURITY_TWO_FACTOR": true});
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let mut duo = Duo::start_with_mail_and_sms(name, &passkeys(&config));
    let mut keys = Keys {
        first: Passkeys::new(&duo),
        second: Passkeys::plain(&duo),
    };
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys.first, "first", "first");
    duo.send("password is still enough", &mut Browser::new(), |_| {
        sign_in(ANA)
    });
    duo.add_passkey(&mut ana, &mut keys.second, "second", "secondary");
    (duo, keys)
}

#[test]
fn oracle_passkeys_second_factor() {
    let (mut duo, mut keys) = with_keys("wan-tf", &json!({}));
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("GET", &mut ana, |_| Request::get(SIGN_IN));
    duo.send("register too early", &mut ana, |_| Request::get(REGISTER));
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    let own = keys.first.force(SIGN_IN, &begun, &mut |_| {});
    duo.send_own("the key for first factors", &mut ana, &own, step);
    duo.begin_passkey_sign_in(&mut ana, &json!({"identity": GIL}));
    let own = keys.second.get(SIGN_IN, &begun);
    duo.send_own("the right key", &mut ana, &own, step);
    duo.send("current user", &mut ana, |_| who());
    duo.send("GET set-up", &mut ana, |_| Request::get(SETUP));
    duo.send("GET the keys", &mut ana, |_| Request::get(REGISTER));
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(17);
}

#[test]
fn oracle_passkeys_second_factor_remembers_what_the_password_asked() {
    let (mut duo, mut keys) = with_keys("wan-tf-remember", &json!({}));
    for (name, password, members) in [
        ("remembered", json!({"remember": true}), json!({})),
        ("at the key only", json!({}), json!({"remember": true})),
        (
            "at both",
            json!({"remember": true}),
            json!({"remember": true}),
        ),
    ] {
        let mut ana = Browser::new();
        let mut body = json!({"email": ANA, "password": PASSWORD});
        for (key, value) in password.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        duo.send(name, &mut ana, |_| sign_in_with(&body));
        let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
        let own = keys.second.get(SIGN_IN, &begun);
        duo.send_own(name, &mut ana, &own, |jar, own| {
            second_step_with(own, jar, &members)
        });
    }
    let mut ana = Browser::new();
    duo.send("for tokens", &mut ana, |_| {
        Request::post(
            &format!("{LOGIN}?include_auth_token"),
            &json!({"email": ANA, "password": PASSWORD}),
        )
    });
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    let own = keys.second.get(SIGN_IN, &begun);
    duo.send_own("tokens", &mut ana, &own, |jar, own| {
        second_step(&own.replacen('\n', "?include_auth_token\n", 1), jar)
    });
    duo.finish(18);
}

#[test]
fn oracle_passkeys_second_factor_is_spared_on_a_device() {
    let changes = json!({
        "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE": false,
        "SECURITY_TWO_FACTOR_LOGIN_VALIDITY": {"seconds": 3600},
    });
    let (mut duo, mut keys) = with_keys("wan-tf-device", &changes);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| {
        sign_in_with(&json!({"email": ANA, "password": PASSWORD, "remember": true}))
    });
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    let own = keys.second.get(SIGN_IN, &begun);
    duo.send_own("key", &mut ana, &own, step);
    duo.send("sign out", &mut ana, sign_out);
    duo.send("password is enough", &mut ana, |_| sign_in(ANA));
    duo.send("but not elsewhere", &mut Browser::new(), |_| sign_in(ANA));
    duo.finish(12);
}

#[test]
fn oracle_passkeys_beside_an_authenticator_app() {
    let (mut duo, mut keys) = with_keys("wan-tf-app", &json!({}));
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("GET the choice", &mut ana, |_| Request::get(SELECT));
    duo.send("choose the key", &mut ana, |_| {
        Request::post(SELECT, &json!({"which": "webauthn"}))
    });
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    let own = keys.second.get(SIGN_IN, &begun);
    duo.send_own("key", &mut ana, &own, step);
    duo.send("GET set-up", &mut ana, |_| Request::get(SETUP));
    duo.send("GET the codes", &mut ana, |_| {
        Request::get("/api/accounts/tf-rescue")
    });
    let mut ana = Browser::new();
    duo.send("password again", &mut ana, |_| sign_in(ANA));
    duo.send("choose the app", &mut ana, |_| {
        Request::post(SELECT, &json!({"which": "authenticator"}))
    });
    let right = code(crate::support::factors::KEY, 0);
    duo.send("code", &mut ana, |_| {
        Request::post(VALIDATE, &json!({"code": right}))
    });
    let mut ana = Browser::new();
    duo.send("password, third time", &mut ana, |_| sign_in(ANA));
    duo.send("choose the key", &mut ana, |_| {
        Request::post(SELECT, &json!({"which": "webauthn"}))
    });
    let right = code(crate::support::factors::KEY, 1);
    duo.send("but send a code", &mut ana, |_| {
        Request::post(VALIDATE, &json!({"code": right}))
    });
    duo.finish(19);
}

#[test]
fn oracle_passkeys_with_and_without_user_verification() {
    for multi in [true, false] {
        let changes = json!({"SECURITY_WAN_ALLOW_AS_MULTI_FACTOR": multi});
        let (mut duo, mut keys) = with_keys(&format!("wan-tf-multi-{multi}"), &changes);
        for verified in [true, false] {
            keys.first.both(|key| key.user_verified = verified);
            let mut ana = Browser::new();
            let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
            let own = keys.first.get(SIGN_IN, &begun);
            let name = format!("first key, verified: {verified}");
            let reply = duo.send_own(&name, &mut ana, &own, step);
            if reply.theirs.json().expect("JSON")["response"]["tf_required"] == true {
                let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
                let own = keys.second.get(SIGN_IN, &begun);
                duo.send_own("second key", &mut ana, &own, step);
            } else {
                duo.send("current user", &mut ana, |_| who());
                duo.send("sign out", &mut ana, sign_out);
            }
        }
        duo.finish(14);
    }
}

#[test]
fn oracle_passkeys_while_a_set_up_is_required() {
    let changes = json!({"SECURITY_TWO_FACTOR": true, "SECURITY_TWO_FACTOR_REQUIRED": true});
    let mut duo = Duo::start_with_mail_and_sms("wan-tf-required", &passkeys(&changes));
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("register", &mut ana, |_| {
        Request::post(REGISTER, &json!({"name": "key"}))
    });
    duo.send("GET set-up", &mut ana, |_| Request::get(SETUP));
    duo.send("set up a key", &mut ana, |_| {
        Request::post(SETUP, &json!({"setup": "webauthn"}))
    });
    duo.begin_passkey_sign_in(&mut ana, &json!({}));
    duo.finish(5);
}

#[test]
fn oracle_passkeys_as_the_only_second_factor() {
    // A key for second factors counts even where TWO_FACTOR is off.
    let changes = json!({"SECURITY_TWO_FACTOR": false});
    let (mut duo, mut keys) = with_keys("wan-tf-only", &changes);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    let own = keys.second.get(SIGN_IN, &begun);
    let known = Known::PendingSignInLeavesNothing;
    duo.send_own_known("key", &mut ana, (known, 200), &own, step);
    duo.send_known(
        "unified sign-in is not a factor",
        &mut ana,
        known,
        200,
        |_| Request::get("/api/accounts/us-setup"),
    );
    let mut other = Browser::new();
    duo.send("unified sign-in", &mut other, |_| {
        Request::post(
            "/api/accounts/us-signin",
            &json!({"identity": ANA, "passcode": PASSWORD}),
        )
    });
    let begun = duo.begin_passkey_sign_in(&mut other, &json!({}));
    let own = keys.second.get(SIGN_IN, &begun);
    duo.send_own_known("key again", &mut other, (known, 200), &own, step);
    duo.send_known("delete it", &mut other, known, 200, |jar| {
        post(
            crate::support::passkeys::DELETE,
            &json!({"name": "second"}),
            jar,
        )
    });
    duo.send("password is enough", &mut Browser::new(), |_| sign_in(ANA));
    duo.finish(15);
}

#[test]
fn oracle_passkeys_second_factor_of_a_deactivated_user() {
    let (mut duo, mut keys) = with_keys("wan-tf-inactive", &json!({}));
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    duo.set(ANA, "active", "0");
    let own = keys.second.get(SIGN_IN, &begun);
    let known = (Known::PendingSignInEnds, 400);
    duo.send_own_known("key", &mut ana, known, &own, step);
    duo.finish(9);
}

#[test]
fn oracle_passkeys_second_factor_of_another_user() {
    let (mut duo, _) = with_keys("wan-tf-other", &json!({}));
    let (mut gil, mut theirs) = (Browser::new(), Passkeys::plain(&duo));
    duo.send("Gil", &mut gil, |_| sign_in(GIL));
    duo.add_passkey(&mut gil, &mut theirs, "key", "secondary");
    let mut ana = Browser::new();
    duo.send("Ana's password", &mut ana, |_| sign_in(ANA));
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    let own = theirs.force(SIGN_IN, &begun, &mut |_| {});
    let known = (Known::PasskeyOfTheSameUser, 400);
    duo.send_own_known("Gil's key", &mut ana, known, &own, step);
    duo.finish(12);
}

#[test]
fn oracle_passkeys_second_factor_ends_with_another_request() {
    let (mut duo, mut keys) = with_keys("wan-tf-ends", &json!({}));
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    duo.send("the current user ends it", &mut ana, |_| who());
    let own = keys.second.get(SIGN_IN, &begun);
    let known = (Known::StateForOnePurpose, 400);
    duo.send_own_known("key", &mut ana, known, &own, step);
    duo.finish(10);
}
