//! `POST` and `GET /login`: which sign-ins are accepted, and what both servers answer.

use serde_json::{Value, json};

use crate::server::Engine;
use crate::support::database::chosen_engine;
use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::requests::{LOGIN, sign_in, sign_in_with, who};
use crate::support::users::{ANA, PASSWORD, of_scheme};

#[test]
fn oracle_sign_in_and_current_user() {
    let mut duo = Duo::start("sign-in", &json!({}));
    let mut ana = Browser::new();
    duo.send("current user, signed out", &mut ana, |_| who());
    let first = duo.send("sign in", &mut ana, |_| sign_in(ANA));
    assert_eq!(first.theirs.status, 200, "the reference signs the user in");
    duo.send("current user, signed in", &mut ana, |_| who());
    duo.send("current user again", &mut ana, |_| who());
    duo.send("sign in again without a CSRF token", &mut ana, |_| {
        sign_in(ANA)
    });
    duo.send("sign in again with the CSRF token", &mut ana, |jar| {
        sign_in(ANA).header("X-XSRF-Token", jar.get("XSRF-TOKEN").unwrap_or_default())
    });
    let mut second = Browser::new();
    duo.send("sign in on a second device", &mut second, |_| sign_in(ANA));
    duo.send(
        "sign in without an earlier session",
        &mut Browser::new(),
        |_| sign_in(ANA),
    );
    duo.finish(8);
}

#[test]
fn oracle_sign_in_in_every_account_state() {
    let mut duo = Duo::start("states", &json!({}));
    for (name, email) in [
        ("unconfirmed", "bo@example.com"),
        ("inactive", "cy@example.com"),
        ("inactive and unconfirmed", "dee@example.com"),
        ("no password", "eve@example.com"),
        ("unknown address", "unknown@example.com"),
        ("stored in mixed case", "fay@example.com"),
        ("signed in before", "hal@example.com"),
    ] {
        duo.send(name, &mut Browser::new(), |_| sign_in(email));
    }
    for (name, email) in [
        ("wrong password", ANA),
        ("wrong password, unconfirmed", "bo@example.com"),
        ("wrong password, inactive", "cy@example.com"),
        ("wrong password, none stored", "eve@example.com"),
        ("wrong password, unknown address", "unknown@example.com"),
    ] {
        duo.send(name, &mut Browser::new(), |_| {
            sign_in_with(&json!({"email": email, "password": "wrong horse"}))
        });
    }
    duo.send("signed in before, again", &mut Browser::new(), |_| {
        sign_in("hal@example.com")
    });
    duo.finish(13);
}

#[test]
fn oracle_sign_in_with_generic_responses() {
    let mut duo = Duo::start(
        "generic",
        &json!({"SECURITY_RETURN_GENERIC_RESPONSES": true}),
    );
    for (name, members) in [
        ("valid", json!({"email": ANA, "password": PASSWORD})),
        (
            "wrong password",
            json!({"email": ANA, "password": "wrong horse"}),
        ),
        (
            "unknown address",
            json!({"email": "unknown@example.com", "password": PASSWORD}),
        ),
        (
            "unconfirmed",
            json!({"email": "bo@example.com", "password": PASSWORD}),
        ),
        (
            "inactive",
            json!({"email": "cy@example.com", "password": PASSWORD}),
        ),
        (
            "no password stored",
            json!({"email": "eve@example.com", "password": PASSWORD}),
        ),
        ("no email", json!({"password": PASSWORD})),
        ("no password", json!({"email": ANA})),
        (
            "not an address",
            json!({"email": "ana", "password": PASSWORD}),
        ),
        ("wrong types", json!({"email": 7, "password": ["x"]})),
        (
            "bad next",
            json!({"email": ANA, "password": PASSWORD, "next": "https://evil.example/"}),
        ),
    ] {
        duo.send(name, &mut Browser::new(), |_| sign_in_with(&members));
    }
    let known = Known::OneGenericError;
    duo.send_known("empty body", &mut Browser::new(), known, 400, |_| {
        sign_in_with(&json!({}))
    });
    duo.send("current user", &mut Browser::new(), |_| who());
    duo.finish(13);
}

#[test]
fn oracle_sign_in_with_missing_fields_and_wrong_types() {
    let mut duo = Duo::start("fields", &json!({}));
    for (name, members) in [
        ("no email", json!({"password": PASSWORD})),
        ("no password", json!({"email": ANA})),
        ("empty body", json!({})),
        ("empty strings", json!({"email": "", "password": ""})),
        ("only spaces", json!({"email": "  ", "password": "  "})),
        ("null", json!({"email": null, "password": null})),
        ("email a number", json!({"email": 7, "password": PASSWORD})),
        ("email true", json!({"email": true, "password": PASSWORD})),
        ("email false", json!({"email": false, "password": PASSWORD})),
        (
            "email an object",
            json!({"email": {"a": 1}, "password": PASSWORD}),
        ),
        ("password a number", json!({"email": ANA, "password": 7})),
        ("password false", json!({"email": ANA, "password": false})),
        (
            "password an object",
            json!({"email": ANA, "password": {"a": 1}}),
        ),
        (
            "unknown members",
            json!({"email": ANA, "password": PASSWORD, "submit": "x", "extra": [1, {"a": 2}]}),
        ),
        (
            "username where usernames are not enabled",
            json!({"username": "gilbert", "password": PASSWORD}),
        ),
    ] {
        duo.send(name, &mut Browser::new(), |_| sign_in_with(&members));
    }
    duo.finish(15);
}

#[test]
fn oracle_sign_in_spellings_of_an_address() {
    let mut duo = Duo::start("spellings", &json!({}));
    for email in [
        "ANA@EXAMPLE.COM",
        "Ana@Example.com",
        " ana@example.com ",
        "ana@example.com.",
        "ana@@example.com",
        "ana",
        "@example.com",
        "ana@",
        "ana@localhost",
        "\u{ff41}na@example.com",
        "ida@b\u{fc}cher.example",
        "ida@bu\u{308}cher.example",
        "ida@xn--bcher-kva.example",
        "IDA@B\u{dc}CHER.EXAMPLE",
        "ana(comment)@example.com",
        "\"ana\"@example.com",
        "Ana <ana@example.com>",
        "ana@example.com,bo@example.com",
        "ana@[127.0.0.1]",
        "fay@EXAMPLE.com",
        "ana\u{0}@example.com",
        "ana@exa\u{200b}mple.com",
    ] {
        duo.send(&format!("{email:?}"), &mut Browser::new(), |_| {
            sign_in(email)
        });
    }
    duo.finish(22);
}

#[test]
fn oracle_sign_in_passwords_in_unicode() {
    let mut duo = Duo::start("unicode", &json!({}));
    for (name, password) in [
        ("as stored", "pa\u{308}sswo\u{308}rd fi 1\u{20ac}"),
        ("composed", "p\u{e4}ssw\u{f6}rd fi 1\u{20ac}"),
        ("with a ligature", "p\u{e4}ssw\u{f6}rd \u{fb01} 1\u{20ac}"),
        ("full width", "p\u{e4}ssw\u{f6}rd fi \u{ff11}\u{20ac}"),
        ("another letter", "passw\u{f6}rd fi 1\u{20ac}"),
        ("with a trailing space", "p\u{e4}ssw\u{f6}rd fi 1\u{20ac} "),
    ] {
        let body = json!({"email": "jan@example.com", "password": password});
        duo.send(name, &mut Browser::new(), |_| sign_in_with(&body));
    }
    duo.finish(6);
}

#[test]
fn oracle_sign_in_rehashes_older_schemes() {
    let mut duo = Duo::start("schemes", &json!({}));
    for scheme in [
        "pbkdf2_sha512",
        "pbkdf2_sha256",
        "bcrypt",
        "sha256_crypt",
        "sha512_crypt",
    ] {
        let email = of_scheme(scheme);
        let wrong = json!({"email": email, "password": "wrong horse"});
        duo.send(
            &format!("{scheme}, wrong password"),
            &mut Browser::new(),
            |_| sign_in_with(&wrong),
        );
        duo.send(scheme, &mut Browser::new(), |_| sign_in(&email));
        duo.send(&format!("{scheme}, again"), &mut Browser::new(), |_| {
            sign_in(&email)
        });
    }
    let email = of_scheme("plaintext:single");
    let known = Known::NoPlaintext;
    duo.send_known("plain text", &mut Browser::new(), known, 400, |_| {
        sign_in(&email)
    });
    duo.finish(16);
}

#[test]
fn oracle_sign_in_rehashes_when_parameters_rise() {
    let options =
        json!({"argon2__time_cost": 2, "argon2__memory_cost": 2048, "argon2__parallelism": 2});
    let mut duo = Duo::start(
        "parameters",
        &json!({"SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": options}),
    );
    duo.send("wrong password", &mut Browser::new(), |_| {
        sign_in_with(&json!({"email": ANA, "password": "no"}))
    });
    duo.send("right password", &mut Browser::new(), |_| sign_in(ANA));
    duo.send("unconfirmed, right password", &mut Browser::new(), |_| {
        sign_in("bo@example.com")
    });
    duo.send("inactive, right password", &mut Browser::new(), |_| {
        sign_in("cy@example.com")
    });
    duo.finish(4);
}

/// Usernames and addresses as identity attributes, as in the reference's two-attribute
/// configuration.
fn with_usernames() -> Value {
    json!({
        "SECURITY_USERNAME_ENABLE": true,
        "SECURITY_USER_IDENTITY_ATTRIBUTES": [
            {"email": {"mapper": "uia_email_mapper", "case_insensitive": true}},
            {"username": {"mapper": "uia_username_mapper", "case_insensitive": true}},
        ],
    })
}

#[test]
fn oracle_sign_in_by_username() {
    let mut duo = Duo::start("usernames", &with_usernames());
    duo.send("current user", &mut Browser::new(), |_| who());
    for (name, members) in [
        (
            "username",
            json!({"username": "gilbert", "password": PASSWORD}),
        ),
        (
            "username in other case",
            json!({"username": "GilBert", "password": PASSWORD}),
        ),
        (
            "address",
            json!({"email": "gil@example.com", "password": PASSWORD}),
        ),
        (
            "both, different people",
            json!({"email": ANA, "username": "gilbert", "password": PASSWORD}),
        ),
        (
            "username, wrong password",
            json!({"username": "gilbert", "password": "wrong horse"}),
        ),
        (
            "unknown username",
            json!({"username": "unknown", "password": PASSWORD}),
        ),
        (
            "username too short",
            json!({"username": "gil", "password": PASSWORD}),
        ),
        (
            "username with odd characters",
            json!({"username": "gil bert!", "password": PASSWORD}),
        ),
        (
            "username empty, address given",
            json!({"username": "", "email": ANA, "password": PASSWORD}),
        ),
        ("neither", json!({"password": PASSWORD})),
        (
            "username a number",
            json!({"username": 12345, "password": PASSWORD}),
        ),
        (
            "an address as username",
            json!({"username": "gil@example.com", "password": PASSWORD}),
        ),
        (
            "full-width username",
            json!({"username": "\u{ff47}ilbert", "password": PASSWORD}),
        ),
    ] {
        duo.send(name, &mut Browser::new(), |_| sign_in_with(&members));
    }
    duo.finish(14);
}

#[test]
fn oracle_sign_in_by_username_with_generic_responses() {
    let mut config = with_usernames();
    config["SECURITY_RETURN_GENERIC_RESPONSES"] = json!(true);
    let mut duo = Duo::start("generic-usernames", &config);
    for (name, members) in [
        (
            "unknown username",
            json!({"username": "unknown", "password": PASSWORD}),
        ),
        (
            "username too short",
            json!({"username": "gil", "password": PASSWORD}),
        ),
        (
            "wrong password",
            json!({"username": "gilbert", "password": "wrong horse"}),
        ),
        (
            "not an address",
            json!({"email": "gil", "password": PASSWORD}),
        ),
    ] {
        duo.send(name, &mut Browser::new(), |_| sign_in_with(&members));
    }
    let known = Known::OneGenericError;
    let neither = json!({"password": PASSWORD});
    duo.send_known("neither", &mut Browser::new(), known, 400, |_| {
        sign_in_with(&neither)
    });
    duo.finish(5);
}

#[test]
fn oracle_sign_in_without_trackable_and_confirmable() {
    let mut duo = Duo::start(
        "plain",
        &json!({"SECURITY_TRACKABLE": false, "SECURITY_CONFIRMABLE": false}),
    );
    duo.send("confirmed", &mut Browser::new(), |_| sign_in(ANA));
    duo.send("unconfirmed", &mut Browser::new(), |_| {
        sign_in("bo@example.com")
    });
    duo.finish(2);
}

#[test]
fn oracle_sign_in_without_confirmation() {
    let mut duo = Duo::start(
        "early",
        &json!({"SECURITY_LOGIN_WITHOUT_CONFIRMATION": true}),
    );
    duo.send("unconfirmed", &mut Browser::new(), |_| {
        sign_in("bo@example.com")
    });
    duo.send("inactive and unconfirmed", &mut Browser::new(), |_| {
        sign_in("dee@example.com")
    });
    duo.finish(2);
}

#[test]
fn oracle_sign_in_with_case_sensitive_addresses() {
    let attributes = json!([{"email": {"mapper": "uia_email_mapper", "case_insensitive": false}}]);
    let mut duo = Duo::start(
        "case",
        &json!({"SECURITY_USER_IDENTITY_ATTRIBUTES": attributes}),
    );
    for email in [ANA, "ana@EXAMPLE.COM"] {
        duo.send(email, &mut Browser::new(), |_| sign_in(email));
    }
    for email in ["ANA@example.com", "Fay@Example.com", "fay@example.com"] {
        let mut browser = Browser::new();
        let mysql = chosen_engine() == Some(Engine::Mysql);
        if email == "Fay@Example.com" && !mysql {
            let known = Known::AddressAsStored;
            duo.send_known(email, &mut browser, known, 200, |_| sign_in(email));
        } else if email != "Fay@Example.com" && mysql {
            let known = Known::CaseAsConfigured;
            duo.send_known(email, &mut browser, known, 400, |_| sign_in(email));
        } else {
            duo.send(email, &mut browser, |_| sign_in(email));
        }
    }
    duo.finish(5);
}

#[test]
fn oracle_sign_in_with_the_default_hashing() {
    let mut duo = Duo::start(
        "defaults",
        &json!({"SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {}}),
    );
    duo.send("a cheap hash is replaced", &mut Browser::new(), |_| {
        sign_in(ANA)
    });
    duo.send("the new hash verifies", &mut Browser::new(), |_| {
        sign_in(ANA)
    });
    duo.finish(2);
}

#[test]
fn oracle_sign_in_with_mistakes_that_the_reference_mishandles() {
    let mut duo = Duo::start("mistakes", &json!({}));
    for (name, body) in [
        ("an array", "[1, 2]"),
        ("a string", "\"ana\""),
        ("a number", "7"),
        ("null", "null"),
        ("not JSON", "{\"email\": "),
    ] {
        duo.send_known(name, &mut Browser::new(), Known::ClientMistake, 400, |_| {
            Request::new("POST", LOGIN).body("application/json", body)
        });
    }
    duo.send_known(
        "a lone surrogate",
        &mut Browser::new(),
        Known::ClientMistake,
        400,
        |_| {
            Request::new("POST", LOGIN).body(
                "application/json",
                r#"{"email": "ana@example.com", "password": "\ud800"}"#,
            )
        },
    );
    duo.send_known(
        "next is a number",
        &mut Browser::new(),
        Known::ClientMistake,
        400,
        |_| sign_in_with(&json!({"email": ANA, "password": PASSWORD, "next": 7})),
    );
    duo.send_known(
        "a list of one address",
        &mut Browser::new(),
        Known::ClientMistake,
        400,
        |_| sign_in_with(&json!({"email": [ANA], "password": PASSWORD})),
    );
    duo.send_known("repeated members", &mut Browser::new(), Known::ClientMistake, 400, |_| {
        Request::new("POST", LOGIN).body(
            "application/json",
            r#"{"email": "bo@example.com", "email": "ana@example.com", "password": "battery staple"}"#,
        )
    });
    duo.finish(9);
}
