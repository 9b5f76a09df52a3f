//! Two servers on one database: each accepts the methods of unified sign-in, unfinished set-ups and
//! mailed codes of the other.

use serde_json::{Value, json};

use crate::support::factors::{code, code_in, member, post};
use crate::support::http::{Request, Response};
use crate::support::jar::Jar;
use crate::support::pair::Pair;
use crate::support::post::Post;
use crate::support::python::Python;
use crate::support::requests::who;
use crate::support::sms::SmsService;
use crate::support::unified::{
    APP_KEY, LINK, PHONE, SETUP, column, send_code, sign_in_as, unified, with_passcode,
};
use crate::support::users::{ANA, ANA_ID, PASSWORD};

const GIL: &str = "gil@example.com";
const OLD_SECRET: &str = "an old secret for stored keys, 0123456789";
const NEW_SECRET: &str = "a new secret for stored keys, 0123456789a";

/// Both directions: a name, the server that issues a value, and the server that reads it.
fn both_ways(pair: &Pair) -> [(&'static str, u16, u16); 2] {
    [
        ("ours to the reference", pair.ours.port, pair.theirs.port),
        ("the reference's to ours", pair.theirs.port, pair.ours.port),
    ]
}

/// Starts both servers with one shared SMTP server and one shared SMS service.
fn start(name: &str, post: &Post, sms: &SmsService, changes: &Value) -> Pair {
    let mut config = json!({
        "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": post.port,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": false},
        "SECURITY_SMS_SERVICE": "webhook", "SECURITY_SMS_SERVICE_CONFIG": sms.config(),
        "SECURITY_POST_LOGIN_VIEW": "/in",
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    Pair::start(name, &unified(&config))
}

fn shown(answer: &Response) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    format!("{} {body}", answer.status)
}

fn assert_signs_in(name: &str, user: &str, port: u16, passcode: &str) {
    let answer = Jar::default().send(sign_in_as(user, passcode), port);
    assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
}

fn stored(pair: &Pair, user: &str) -> Value {
    let column = pair.ours.database.users()[user]["us_totp_secrets"].clone();
    serde_json::from_str(&column).expect("JSON")
}

/// Waits for the next mail to an address, and returns its code and its link.
fn next_mail(post: &Post, address: &str, before: usize) -> (String, String) {
    post.wait_for(address, before + 1);
    let mail = post.to(address).pop().expect("a mail");
    let link = mail.links().pop().unwrap_or_default();
    (code_in(&mail.text.unwrap_or_default()), link)
}

#[test]
fn artefacts_methods_set_up_between_both_sign_in_at_both() {
    let (mails, sms) = (Post::open(), SmsService::open());
    let pair = start("us-methods", &mails, &sms, &json!({}));
    for (user, (name, maker, reader)) in [ANA, GIL].into_iter().zip(both_ways(&pair)) {
        let mut jar = Jar::default();
        jar.send(sign_in_as(user, PASSWORD), maker);
        let phone = if user == ANA { PHONE } else { "+442083661178" };
        let mut key = String::new();
        for method in ["authenticator", "email", "sms"] {
            let (mailed, texted) = (mails.to(user).len(), sms.count());
            let body = json!({"chosen_method": method, "phone": phone});
            let begun = jar.send(post(SETUP, &body, &jar), maker);
            let first = match method {
                "email" => next_mail(&mails, user, mailed).0,
                "sms" => code_in(&sms.from(texted, 1).pop().expect("an SMS").text),
                _ => {
                    key = member(&begun, "authr_b32key");
                    code(&key, -1)
                }
            };
            // The state of the set-up is confirmed at the other server.
            let path = format!("{SETUP}/{}", member(&begun, "state"));
            let confirmed = jar.send(post(&path, &json!({"passcode": first}), &jar), reader);
            assert_eq!(confirmed.status, 200, "{name}: {}", shown(&confirmed));
        }
        let numbers = pair.ours.database.users()[user]["us_phone_number"].clone();
        assert_eq!(numbers, phone, "{name}");
        for (steps, port) in [(0, maker), (1, reader)] {
            assert_signs_in(name, user, port, &code(&key, steps));
            assert_signs_in(name, phone, port, &code(&key, 2 + steps));
        }
        for (method, port) in [("email", maker), ("sms", reader)] {
            let body = json!({"delete_method": [method]});
            let removed = jar.send(post(SETUP, &body, &jar), port);
            assert_eq!(removed.status, 200, "{name}: {}", shown(&removed));
        }
        let left = stored(&pair, user);
        let left: Vec<&String> = left.as_object().expect("methods").keys().collect();
        assert_eq!(left, ["authenticator"], "{name}");
    }
}

#[test]
fn artefacts_mailed_codes_and_links_of_either_are_accepted_by_the_other() {
    let (mails, sms) = (Post::open(), SmsService::open());
    let pair = start("us-mails", &mails, &sms, &json!({}));
    let database = &pair.ours.database;
    let users = [(ANA, PHONE), (GIL, "+442083661178")];
    for ((user, phone), (name, maker, reader)) in users.into_iter().zip(both_ways(&pair)) {
        database.set(user, "us_totp_secrets", &column(&["email", "sms"]));
        database.set(user, "us_phone_number", phone);
        let before = mails.to(user).len();
        let sent = Jar::default().send(send_code(user, "email"), maker);
        assert_eq!(sent.status, 200, "{name}: {}", shown(&sent));
        let (_, link) = next_mail(&mails, user, before);
        let mut jar = Jar::default();
        let opened = jar.send(Request::new("GET", &link), reader);
        let target = opened.first("location").unwrap_or_default().to_owned();
        assert!(target.starts_with("/in?"), "{name}: {target}");
        for port in [maker, reader] {
            let answer = jar.send(who(), port).json().expect("JSON");
            assert!(answer["response"].get("user").is_some(), "{name}");
        }
        let texted = sms.count();
        let sent = Jar::default().send(send_code(user, "sms"), maker);
        assert_eq!(sent.status, 200, "{name}: {}", shown(&sent));
        let text = sms.from(texted, 1).pop().expect("an SMS").text;
        assert_signs_in(name, phone, reader, &code_in(&text));
    }
    let wrong = Request::new("GET", &format!("{LINK}?id={ANA_ID}&code=000000"));
    for port in [pair.ours.port, pair.theirs.port] {
        let answer = Jar::default().send(wrong.clone(), port);
        let target = answer.first("location").unwrap_or_default().to_owned();
        assert!(target.starts_with("/login-error?"), "{target}");
    }
}

#[test]
fn artefacts_stored_methods_are_read_by_both() {
    let old = json!({"1": OLD_SECRET});
    let new = json!({"2": NEW_SECRET});
    let rotated = json!({"1": OLD_SECRET, "2": NEW_SECRET});
    let (mails, sms) = (Post::open(), SmsService::open());
    let changes = json!({"SECURITY_TOTP_SECRETS": rotated});
    let pair = start("us-stored", &mails, &sms, &changes);
    let python = Python::get();
    let database = &pair.ours.database;
    let with_app = |secret: &str| json!({"authenticator": secret}).to_string();
    let plain = json!({"key": APP_KEY, "type": "totp", "v": 1}).to_string();
    let mut steps = -3;
    for (name, secret) in [
        ("plain", plain),
        ("sealed with the old secret", python.seal_key(&old, APP_KEY)),
        ("sealed with the new secret", python.seal_key(&new, APP_KEY)),
    ] {
        database.set(ANA, "us_totp_secrets", &with_app(&secret));
        for port in [pair.ours.port, pair.theirs.port] {
            steps += 1;
            assert_signs_in(name, ANA, port, &code(APP_KEY, steps));
        }
    }
    // A secret that no server can read signs no user in.
    let unknown = python.seal_key(&json!({"9": OLD_SECRET}), APP_KEY);
    database.set(ANA, "us_totp_secrets", &with_app(&unknown));
    let answer = Jar::default().send(with_passcode(&code(APP_KEY, 4)), pair.ours.port);
    assert_eq!(answer.status, 400, "{}", shown(&answer));
    // Both seal new secrets with the new secret.
    for (name, maker, _) in both_ways(&pair) {
        let mut jar = Jar::default();
        database.set(ANA, "us_totp_secrets", "");
        jar.send(with_passcode(PASSWORD), maker);
        let body = json!({"chosen_method": "authenticator"});
        let begun = jar.send(post(SETUP, &body, &jar), maker);
        let key = member(&begun, "authr_b32key");
        let path = format!("{SETUP}/{}", member(&begun, "state"));
        let body = json!({"passcode": code(&key, 0)});
        let confirmed = jar.send(post(&path, &body, &jar), maker);
        assert_eq!(confirmed.status, 200, "{name}: {}", shown(&confirmed));
        let secrets = stored(&pair, ANA);
        let sealed = secrets["authenticator"].as_str().expect("a text");
        assert_eq!(python.open_key(&new, sealed), key, "{name}");
    }
}
