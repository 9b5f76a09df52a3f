//! Registration.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{REGISTER, register, sign_in, sign_in_with, who};
use crate::support::users::ANA;

const NEW: &str = "new@example.com";

fn post(members: &Value) -> Request {
    Request::post(REGISTER, members)
}

/// Invalid bodies, and some valid ones.
fn bodies() -> Vec<(&'static str, Value)> {
    let password = "a new password";
    let with = |email: &str, password: &str, again: &str| json!({"email": email, "password": password, "password_confirm": again});
    vec![
        ("empty body", json!({})),
        ("email alone", json!({"email": "b@example.com"})),
        ("password alone", json!({"password": password})),
        (
            "passwords alone",
            json!({"password": password, "password_confirm": password}),
        ),
        (
            "no second password",
            json!({"email": "b@example.com", "password": password}),
        ),
        (
            "an empty second password",
            with("b@example.com", password, ""),
        ),
        (
            "passwords that differ",
            with("b@example.com", password, "another one"),
        ),
        (
            "no first password",
            json!({"email": "b@example.com", "password_confirm": password}),
        ),
        (
            "a short password",
            with("b@example.com", "1234567", "1234567"),
        ),
        (
            "spaces for a password",
            with("b@example.com", "         ", "         "),
        ),
        (
            "a long password",
            with("b@example.com", &"x".repeat(129), &"x".repeat(129)),
        ),
        ("not an address", with("no address", password, password)),
        ("an empty address", with("", password, password)),
        ("a space for an address", with(" ", password, password)),
        (
            "an address with surrounding spaces",
            with(" spaces@example.com ", password, password),
        ),
        ("a special domain", with("b@localhost", password, password)),
        ("a test domain", with("b@host.test", password, password)),
        (
            "a long address",
            with(
                &format!("{}@example.com", "x".repeat(65)),
                password,
                password,
            ),
        ),
        ("a known address", with(ANA, password, password)),
        (
            "a known address in capitals",
            with("ANA@EXAMPLE.COM", password, password),
        ),
        (
            "a known address of a deactivated user",
            with("cy@example.com", password, password),
        ),
        ("everything wrong at once", with("no", "short", "other")),
        (
            "known address and short password",
            with(ANA, "short", "short"),
        ),
        (
            "an unknown member",
            json!({"email": "more@example.com", "password": password, "password_confirm": password, "active": false, "roles": ["editor"]}),
        ),
        (
            "a next on another site",
            json!({"email": "b@example.com", "password": password, "password_confirm": password, "next": "https://evil.example/"}),
        ),
        (
            "a next on this site",
            json!({"email": "next@example.com", "password": password, "password_confirm": password, "next": "/here"}),
        ),
        ("capitals", with("Capitals@Example.COM", password, password)),
        (
            "a non-ASCII domain, known address",
            with("ida@bücher.example", password, password),
        ),
        (
            "a non-ASCII domain, unknown address",
            with("new@bücher.example", password, password),
        ),
        (
            "unicode in the password",
            with(
                "uni@example.com",
                "pa\u{308}sswo\u{308}rd",
                "p\u{e4}ssw\u{f6}rd",
            ),
        ),
        (
            "a null password",
            json!({"email": "b@example.com", "password": null, "password_confirm": null}),
        ),
    ]
}

#[test]
fn oracle_register_every_body() {
    let mut duo = Duo::start_with_mail("register-bodies", &json!({}));
    for (name, body) in bodies() {
        duo.send(name, &mut Browser::new(), |_| post(&body));
    }
    duo.send("GET", &mut Browser::new(), |_| Request::get(REGISTER));
    duo.finish(32);
}

#[test]
fn oracle_register_every_body_with_generic_responses() {
    let mut duo = Duo::start_with_mail(
        "register-generic",
        &json!({"SECURITY_RETURN_GENERIC_RESPONSES": true}),
    );
    for (name, body) in bodies() {
        let browser = &mut Browser::new();
        if name.starts_with("a known address") || name == "a non-ASCII domain, known address" {
            let known = Known::GenericUserMember;
            duo.send_known(name, browser, known, 200, |_| post(&body));
        } else {
            duo.send(name, browser, |_| post(&body));
        }
    }
    duo.send_known(
        "unconfirmed",
        &mut Browser::new(),
        Known::NoLinkThatKeepsAPassword,
        200,
        |_| register("bo@example.com"),
    );
    duo.finish(32);
}

#[test]
fn oracle_register_and_confirm() {
    let mut duo = Duo::start_with_mail("register-confirm", &json!({}));
    let mut new = Browser::new();
    let credentials = json!({"email": NEW, "password": "a new password"});
    duo.send("register", &mut new, |_| register(NEW));
    duo.send("register again", &mut new, |_| register(NEW));
    duo.send("current user", &mut new, |_| who());
    duo.send("sign in, unconfirmed", &mut new, |_| {
        sign_in_with(&credentials)
    });
    let links = duo.links(NEW);
    let known = (Known::LinkSignsNoUserOut, 302);
    duo.send_own_known("confirm", &mut Browser::new(), known, &links, |_, link| {
        Request::get(link)
    });
    duo.send_own("confirm again", &mut Browser::new(), &links, |_, link| {
        Request::get(link)
    });
    let mut new = Browser::new();
    duo.send("sign in", &mut new, |_| sign_in_with(&credentials));
    duo.send("register, signed in", &mut new, |jar| {
        with_token(register("b@example.com"), jar)
    });
    duo.send("GET, signed in", &mut new, |_| Request::get(REGISTER));
    duo.finish(9);
}

#[test]
fn oracle_register_without_confirmation() {
    let mut duo = Duo::start_with_mail("register-open", &json!({"SECURITY_CONFIRMABLE": false}));
    let mut new = Browser::new();
    duo.send("register", &mut new, |_| register(NEW));
    duo.send("current user", &mut new, |_| who());
    let body = json!({"email": "b@example.com", "password": "a new password", "password_confirm": "a new password"});
    let path = format!("{REGISTER}?include_auth_token");
    duo.send("register and request tokens", &mut Browser::new(), |_| {
        Request::post(&path, &body)
    });
    let form = [
        ("email", "form@example.com"),
        ("password", "a new password"),
        ("password_confirm", "a new password"),
    ];
    duo.send("a form", &mut Browser::new(), |_| {
        Request::new("POST", REGISTER)
            .header("Accept", "application/json")
            .form(&form)
    });
    duo.finish(4);
}

#[test]
fn oracle_register_unconfirmed_may_sign_in() {
    let changes = json!({"SECURITY_LOGIN_WITHOUT_CONFIRMATION": true});
    let mut duo = Duo::start_with_mail("register-later", &changes);
    let mut new = Browser::new();
    duo.send("register", &mut new, |_| register(NEW));
    duo.send("current user", &mut new, |_| who());
    let links = duo.links(NEW);
    duo.send_own("confirm", &mut new, &links, |_, link| Request::get(link));
    duo.send("current user still", &mut new, |_| who());
    duo.finish(4);
}

#[test]
fn oracle_register_usernames() {
    let changes = json!({"SECURITY_USERNAME_ENABLE": true});
    let mut duo = Duo::start_with_mail("register-usernames", &changes);
    let with = |email: &str, username: &Value| {
        let password = "a new password";
        json!({"email": email, "password": password, "password_confirm": password, "username": username})
    };
    for (name, body) in [
        ("none", with("a1@example.com", &json!(null))),
        ("an empty one", with("a2@example.com", &json!(""))),
        ("a good one", with("a3@example.com", &json!("newbie"))),
        ("taken", with("a4@example.com", &json!("newbie"))),
        (
            "taken in capitals",
            with("a5@example.com", &json!("NEWBIE")),
        ),
        (
            "taken by a seeded user",
            with("a6@example.com", &json!("gilbert")),
        ),
        ("too short", with("a7@example.com", &json!("abc"))),
        ("too long", with("a8@example.com", &json!("a".repeat(33)))),
        ("with punctuation", with("a9@example.com", &json!("a-b_c"))),
        ("with a space", with("b1@example.com", &json!("ab cd"))),
        ("only digits", with("b2@example.com", &json!("12345"))),
        (
            "with non-ASCII letters",
            with("b3@example.com", &json!("bücher")),
        ),
        (
            "an address",
            with("b4@example.com", &json!("b4@example.com")),
        ),
        ("everything wrong", with("no", &json!("-"))),
        ("both taken", with(ANA, &json!("gilbert"))),
    ] {
        duo.send(name, &mut Browser::new(), |_| post(&body));
    }
    duo.finish(15);
}

#[test]
fn oracle_register_usernames_with_generic_responses() {
    let changes =
        json!({"SECURITY_USERNAME_ENABLE": true, "SECURITY_RETURN_GENERIC_RESPONSES": true});
    let mut duo = Duo::start_with_mail("register-usernames-generic", &changes);
    for (name, email, username) in [
        ("new", NEW, "newbie"),
        ("name taken", "b@example.com", "newbie"),
        ("address taken", ANA, "another"),
        ("both taken", ANA, "newbie"),
        ("name not allowed", "c@example.com", "a-b-c"),
        ("not an address", "no", "newbie2"),
    ] {
        let body = json!({"email": email, "password": "a new password", "password_confirm": "a new password", "username": username});
        let browser = &mut Browser::new();
        if name.ends_with("taken") {
            let known = Known::GenericUserMember;
            duo.send_known(name, browser, known, 200, |_| post(&body));
        } else {
            duo.send(name, browser, |_| post(&body));
        }
    }
    duo.finish(6);
}

#[test]
fn oracle_register_required_username() {
    let changes = json!({"SECURITY_USERNAME_ENABLE": true, "SECURITY_USERNAME_REQUIRED": true});
    let mut duo = Duo::start_with_mail("register-username-required", &changes);
    duo.send("no username", &mut Browser::new(), |_| register(NEW));
    let body = json!({"email": NEW, "password": "a new password", "password_confirm": "a new password", "username": "newbie"});
    duo.send("a username", &mut Browser::new(), |_| post(&body));
    duo.finish(2);
}

#[test]
fn oracle_register_without_a_password() {
    let changes = json!({"SECURITY_PASSWORD_REQUIRED": false});
    let mut duo = Duo::start_with_mail("register-no-password", &changes);
    for (name, body) in [
        ("none", json!({"email": NEW})),
        (
            "an empty one",
            json!({"email": "b@example.com", "password": "", "password_confirm": ""}),
        ),
        (
            "a null",
            json!({"email": "c@example.com", "password": null}),
        ),
        (
            "a short one",
            json!({"email": "d@example.com", "password": "short", "password_confirm": "short"}),
        ),
        (
            "once",
            json!({"email": "e@example.com", "password": "a new password"}),
        ),
        (
            "twice",
            json!({"email": "f@example.com", "password": "a new password", "password_confirm": "a new password"}),
        ),
    ] {
        let browser = &mut Browser::new();
        duo.send(name, browser, |_| post(&body));
    }
    duo.finish(6);
}

#[test]
fn oracle_register_without_a_second_password() {
    let changes = json!({"SECURITY_PASSWORD_CONFIRM_REQUIRED": false});
    let mut duo = Duo::start_with_mail("register-once", &changes);
    for (name, body) in [
        ("once", json!({"email": NEW, "password": "a new password"})),
        ("none", json!({"email": "b@example.com"})),
        (
            "a second password that differs",
            json!({"email": "c@example.com", "password": "a new password", "password_confirm": "other"}),
        ),
    ] {
        duo.send(name, &mut Browser::new(), |_| post(&body));
    }
    duo.finish(3);
}

#[test]
fn oracle_register_without_mail() {
    let changes = json!({"SECURITY_SEND_REGISTER_EMAIL": false});
    let mut duo = Duo::start_with_mail("register-no-mail", &changes);
    duo.send("register", &mut Browser::new(), |_| register(NEW));
    duo.finish(1);
}

#[test]
fn oracle_register_mails_without_a_part() {
    for (name, changes) in [
        ("html", json!({"SECURITY_EMAIL_PLAINTEXT": false})),
        ("text", json!({"SECURITY_EMAIL_HTML": false})),
    ] {
        let mut duo = Duo::start_with_mail(&format!("register-{name}"), &changes);
        duo.send(name, &mut Browser::new(), |_| register(NEW));
        duo.send("sign in", &mut Browser::new(), |_| sign_in(ANA));
        duo.finish(2);
    }
}
