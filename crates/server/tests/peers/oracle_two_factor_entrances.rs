//! The other ways to sign in lead to the second factor too: registration, reset, confirmation,
//! change of the password, sign-in links.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::factors::{KEY, SETUP, VALIDATE, code, post, two_factor};
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::requests::{
    CHANGE, CONFIRM, LOGIN, RESET, VERIFY, basic, register, sign_in, who,
};
use crate::support::users::{ANA, PASSWORD};

fn validate(code: &str) -> Request {
    Request::post(VALIDATE, &json!({"code": code}))
}

fn required(changes: &Value) -> Value {
    let mut config = json!({"SECURITY_TWO_FACTOR_REQUIRED": true});
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

#[test]
fn oracle_two_factor_after_registration() {
    for confirmable in [false, true] {
        let changes = required(&json!({
            "SECURITY_CONFIRMABLE": confirmable, "SECURITY_LOGIN_WITHOUT_CONFIRMATION": true,
            "SECURITY_UNIFIED_SIGNIN": false,
        }));
        let mut duo = Duo::with_factors(&format!("tf-register-{confirmable}"), &changes);
        let mut browser = Browser::new();
        duo.send("register", &mut browser, |_| register("new@example.com"));
        let begun = duo.send("begin", &mut browser, |_| {
            Request::post(SETUP, &json!({"setup": "authenticator"}))
        });
        duo.send_own("code", &mut browser, &begun.codes(0), |_, code| {
            validate(code)
        });
        duo.send("current user", &mut browser, |_| who());
        duo.finish(4);
    }
}

#[test]
fn oracle_two_factor_after_a_reset() {
    for auto_login in [false, true] {
        let changes = json!({"SECURITY_AUTO_LOGIN_AFTER_RESET": auto_login});
        let mut duo = Duo::with_factors(&format!("tf-reset-{auto_login}"), &changes);
        duo.give_factor(ANA, "authenticator");
        let mut ana = Browser::new();
        duo.send("request a link", &mut ana, |_| {
            Request::post(RESET, &json!({"email": ANA}))
        });
        let links = duo.links(ANA);
        let new = "correct horse battery";
        duo.send_own("set a password", &mut ana, &links, |_, link| {
            Request::post(link, &json!({"password": new, "password_confirm": new}))
        });
        let right = code(KEY, 0);
        duo.send("code", &mut ana, |_| validate(&right));
        duo.send("current user", &mut ana, |_| who());
        duo.finish(4);
    }
}

#[test]
fn oracle_two_factor_after_a_confirmation() {
    let bo = "bo@example.com";
    let changes = json!({"SECURITY_AUTO_LOGIN_AFTER_CONFIRM": true});
    let mut duo = Duo::with_factors("tf-confirm", &changes);
    duo.give_factor(bo, "authenticator");
    let mut browser = Browser::new();
    duo.send("password before it", &mut browser, |_| sign_in(bo));
    duo.send("request a link", &mut browser, |_| {
        Request::post(CONFIRM, &json!({"email": bo}))
    });
    let links = duo.links(bo);
    let known = (Known::LinksToSecondFactor, 302);
    duo.send_own_known("open the link", &mut browser, known, &links, |_, link| {
        Request::new("GET", link)
    });
    let right = code(KEY, 0);
    duo.send("code", &mut browser, |_| validate(&right));
    duo.finish(4);
}

#[test]
fn oracle_two_factor_after_a_sign_in_link() {
    let changes = json!({"SECURITY_PASSWORDLESS": true});
    let mut duo = Duo::with_factors("tf-link", &changes);
    duo.give_factor(ANA, "authenticator");
    let mut browser = Browser::new();
    duo.send("request a link", &mut browser, |_| {
        Request::post(LOGIN, &json!({"email": ANA}))
    });
    let links = duo.links(ANA);
    let known = (Known::LinksToSecondFactor, 302);
    duo.send_own_known("open the link", &mut browser, known, &links, |_, link| {
        Request::new("GET", link)
    });
    let right = code(KEY, 0);
    let known = Known::LinksToSecondFactor;
    duo.send_known("code", &mut browser, known, 200, |_| validate(&right));
    duo.finish(3);
}

#[test]
fn oracle_two_factor_and_a_new_password() {
    let mut duo = Duo::with_factors("tf-change", &json!({}));
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    let right = code(KEY, 0);
    duo.send("code", &mut ana, |_| validate(&right));
    let new = "correct horse battery";
    duo.send("change the password", &mut ana, |jar| {
        let body = json!({
            "password": PASSWORD, "new_password": new, "new_password_confirm": new,
        });
        post(CHANGE, &body, jar)
    });
    duo.send("current user", &mut ana, |_| who());
    duo.finish(4);
}

#[test]
fn oracle_two_factor_and_basic_authentication() {
    let changes = json!({"SECURITY_API_ENABLED_METHODS": ["session", "token", "basic"]});
    let mut duo = Duo::start("tf-basic", &two_factor(&changes));
    duo.give_factor(ANA, "authenticator");
    let known = Known::BasicAsLogin;
    duo.send_known("with a factor", &mut Browser::new(), known, 401, |_| {
        Request::get(VERIFY).header("Authorization", basic(ANA, PASSWORD))
    });
    duo.finish(1);
}
