//! Registering and deleting passkeys: `/wan-register` and `/wan-delete`.

use serde_json::{Value, json};
use vestibule_testkit::authenticator::Stage;
use vestibule_testkit::keys::Algorithm;

use crate::support::duo::{Browser, Duo};
use crate::support::factors::form;
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::passkeys::{DELETE, Passkeys, REGISTER, post, second_step, second_step_with};
use crate::support::requests::{basic, sign_in, sign_in_for_tokens, who};
use crate::support::users::{ANA, PASSWORD};

const GIL: &str = "gil@example.com";

#[test]
fn oracle_passkeys_life_of_one() {
    let mut duo = Duo::with_passkeys("wan-life", &json!({}));
    let mut keys = Passkeys::new(&duo);
    let mut ana = Browser::new();
    duo.send("GET signed out", &mut ana, |_| Request::get(REGISTER));
    duo.send("POST signed out", &mut ana, |_| {
        Request::post(REGISTER, &json!({"name": "key"}))
    });
    duo.send("delete signed out", &mut ana, |_| {
        Request::post(DELETE, &json!({"name": "key"}))
    });
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("GET without keys", &mut ana, |_| Request::get(REGISTER));
    duo.add_passkey(&mut ana, &mut keys, "first key", "first");
    duo.add_passkey(
        &mut ana,
        &mut Passkeys::plain(&duo),
        "plain key",
        "secondary",
    );
    duo.send("GET with two", &mut ana, |_| Request::get(REGISTER));
    duo.send("current user", &mut ana, |_| who());
    duo.send("GET verify", &mut ana, |_| {
        Request::get("/api/accounts/verify")
    });
    duo.begin_passkey(&mut ana, &json!({"name": "first key"}));
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "FIRST KEY"}));
    // Another authenticator cannot see that the first one is excluded.
    let mut same = Passkeys::new(&duo);
    let id = |keys: &Passkeys, ours: bool| {
        let key = if ours { &keys.ours } else { &keys.theirs };
        key.credentials[0].id.clone()
    };
    let ids = [id(&keys, true), id(&keys, false)];
    let mut side = 0;
    let own = same.create_with(&begun, &mut |stage| match stage {
        Stage::AuthenticatorData(data) => {
            if let Some(attested) = &mut data.attested {
                attested.id.clone_from(&ids[side]);
            }
        }
        Stage::Reply(reply) => {
            let id = crate::support::passkeys::encoded(&ids[side]);
            reply["id"] = json!(id);
            reply["rawId"] = json!(id);
            side += 1;
        }
        _ => {}
    });
    duo.send_own("a registered credential", &mut ana, &own, |jar, own| {
        second_step(own, jar)
    });
    duo.send("delete", &mut ana, |jar| {
        post(DELETE, &json!({"name": "first key"}), jar)
    });
    duo.send("delete again", &mut ana, |jar| {
        post(DELETE, &json!({"name": "first key"}), jar)
    });
    duo.send("GET with one", &mut ana, |_| Request::get(REGISTER));
    duo.add_passkey(&mut ana, &mut Passkeys::new(&duo), "first key", "first");
    duo.send("delete with spaces", &mut ana, |jar| {
        post(DELETE, &json!({"name": "  plain key "}), jar)
    });
    duo.send("GET at the end", &mut ana, |_| Request::get(REGISTER));
    duo.finish(22);
}

#[test]
fn oracle_passkeys_names_and_usages() {
    let mut duo = Duo::with_passkeys("wan-names", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    for body in [
        json!({}),
        json!({"name": null}),
        json!({"name": ""}),
        json!({"name": "   "}),
        json!({"name": 5}),
        json!({"name": true}),
        json!({"name": {"a": 1}}),
        json!({"name": "<b>key</b>"}),
        json!({"name": "a & b"}),
        json!({"name": "bell\u{7}"}),
        json!({"name": "key!"}),
        json!({"name": "Schlüssel_1-2"}),
        json!({"name": "\u{ff41}\u{ff42}"}),
        json!({"name": "x".repeat(64)}),
        json!({"name": "x".repeat(65)}),
        json!({"name": " key "}),
        json!({"name": "key", "usage": "first"}),
        json!({"name": "key", "usage": "secondary"}),
        json!({"name": "key", "usage": "third"}),
        json!({"name": "key", "usage": ""}),
        json!({"name": "key", "usage": null}),
        json!({"name": "key", "usage": 5}),
        json!({"name": "key", "usage": {}}),
        json!({"name": "key", "other": [1]}),
    ] {
        duo.begin_passkey(&mut ana, &body);
    }
    let known = Known::NoGraceWithoutCsrf;
    duo.send_known("no CSRF token", &mut ana, known, 400, |_| {
        Request::post(REGISTER, &json!({"name": "key"}))
    });
    duo.send("a form", &mut ana, |jar| {
        crate::support::jar::with_token(form(REGISTER, &[("name", "key"), ("usage", "first")]), jar)
    });
    for body in [
        json!({}),
        json!({"name": null}),
        json!({"name": ""}),
        json!({"name": 5}),
        json!({"name": {}}),
        json!({"name": "<b>"}),
        json!({"name": "x".repeat(65)}),
        json!({"name": "unknown"}),
    ] {
        duo.send(&format!("delete {body}"), &mut ana, |jar| {
            post(DELETE, &body, jar)
        });
    }
    duo.send_known("delete, no CSRF token", &mut ana, known, 400, |_| {
        Request::post(DELETE, &json!({"name": "key"}))
    });
    duo.send("GET delete", &mut ana, |_| Request::get(DELETE));
    duo.send("GET at the end", &mut ana, |_| Request::get(REGISTER));
    duo.finish(38);
}

#[test]
fn oracle_passkeys_second_step_of_a_registration() {
    let mut duo = Duo::with_passkeys("wan-second", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "key", "usage": "first"}));
    let mut keys = Passkeys::new(&duo);
    let own = keys.create(&begun);
    let known = (Known::OwnErrorPages, 405);
    duo.send_own_known("GET", &mut ana, known, &own, |_, own| {
        Request::get(own.split('\n').next().expect("a path"))
    });
    duo.send_own("no CSRF token", &mut ana, &own, |_, own| {
        second_step(own, &crate::support::jar::Jar::default())
    });
    duo.send_own("signed out", &mut Browser::new(), &own, second_step_of);
    for credential in [
        Value::Null,
        json!(""),
        json!("text"),
        json!("[]"),
        json!("5"),
        json!("null"),
        json!("{}"),
        json!(5),
        json!(true),
    ] {
        let name = format!("credential {credential}");
        duo.send_own(&name, &mut ana, &own, |jar, own| {
            second_step_with(own, jar, &json!({"credential": credential}))
        });
    }
    duo.send_own("no credential", &mut ana, &own, |jar, own| {
        post(own.split('\n').next().expect("a path"), &json!({}), jar)
    });
    duo.send("unknown token", &mut ana, |jar| {
        post(&format!("{REGISTER}/x"), &json!({"credential": "{}"}), jar)
    });
    duo.send_own("changed token", &mut ana, &own, |jar, own| {
        second_step(&own.replacen('\n', "x\n", 1), jar)
    });
    duo.send_own("right", &mut ana, &own, second_step_of);
    duo.send_own("right again", &mut ana, &own, second_step_of);
    duo.finish(19);
}

fn second_step_of(jar: &crate::support::jar::Jar, own: &str) -> Request {
    second_step(own, jar)
}

/// Changes a response on the way.
type Change<'a> = &'a mut dyn FnMut(Stage<'_>);

#[test]
fn oracle_passkeys_what_authenticators_report() {
    let mut duo = Duo::with_passkeys("wan-report", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let transports = |value: Value| {
        move |stage: Stage<'_>| {
            if let Stage::Reply(reply) = stage {
                reply["response"]["transports"] = value.clone();
            }
        }
    };
    let extensions = |value: Value| {
        move |stage: Stage<'_>| {
            if let Stage::Reply(reply) = stage {
                reply["extensions"] = value.clone();
            }
        }
    };
    let changes: [(&str, Change<'_>); 8] = [
        ("no transports", &mut transports(Value::Null)),
        (
            "many transports",
            &mut transports(json!(["internal", "hybrid", "nfc", "ble"])),
        ),
        (
            "unknown transports",
            &mut transports(json!(["usb", "teleport"])),
        ),
        ("transports as a text", &mut transports(json!("usb"))),
        (
            "extensions as text",
            &mut extensions(json!(r#"{"credProps":{"rk":true}}"#)),
        ),
        (
            "extensions say no",
            &mut extensions(json!(r#"{"credProps":{"rk":false}}"#)),
        ),
        (
            "other extensions",
            &mut extensions(json!(r#"{"appid":true}"#)),
        ),
        (
            "empty credProps",
            &mut extensions(json!(r#"{"credProps":{}}"#)),
        ),
    ];
    for (name, change) in changes {
        let begun = duo.begin_passkey(&mut ana, &json!({"name": name, "usage": "first"}));
        let own = Passkeys::new(&duo).create_with(&begun, change);
        duo.send_own(name, &mut ana, &own, second_step_of);
    }
    for (name, algorithm) in [
        ("an EdDSA key", Algorithm::EdDsa),
        ("an RSA key", Algorithm::Rs256),
    ] {
        let begun = duo.begin_passkey(&mut ana, &json!({"name": name}));
        let mut keys = Passkeys::plain(&duo);
        keys.both(|key| key.algorithms = vec![algorithm]);
        let own = keys.create(&begun);
        duo.send_own(name, &mut ana, &own, second_step_of);
    }
    for (name, eligible, backed_up) in [("eligible", true, false), ("backed up", true, true)] {
        let begun = duo.begin_passkey(&mut ana, &json!({"name": name}));
        let mut keys = Passkeys::new(&duo);
        keys.both(|key| {
            key.backup_eligible = eligible;
            key.backed_up = backed_up;
            key.attachment = None;
        });
        let own = keys.create(&begun);
        duo.send_own(name, &mut ana, &own, second_step_of);
    }
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "attested"}));
    let mut keys = Passkeys::new(&duo);
    keys.both(|key| key.attestation = vestibule_testkit::authenticator::Attestation::PackedSelf);
    let own = keys.create(&begun);
    duo.send_own("self attestation", &mut ana, &own, second_step_of);
    duo.send("GET them all", &mut ana, |_| Request::get(REGISTER));
    duo.finish(28);
}

#[test]
fn oracle_passkeys_of_two_users() {
    let mut duo = Duo::with_passkeys("wan-two", &json!({}));
    let (mut ana, mut gil) = (Browser::new(), Browser::new());
    duo.send("Ana", &mut ana, |_| sign_in(ANA));
    duo.send("Gil", &mut gil, |_| sign_in(GIL));
    duo.add_passkey(&mut ana, &mut Passkeys::new(&duo), "key", "first");
    duo.add_passkey(&mut gil, &mut Passkeys::new(&duo), "key", "first");
    duo.send("Gil deletes", &mut gil, |jar| {
        post(DELETE, &json!({"name": "key"}), jar)
    });
    duo.send("Ana still has hers", &mut ana, |_| Request::get(REGISTER));
    duo.send("Gil has none", &mut gil, |_| Request::get(REGISTER));
    duo.finish(9);
}

#[test]
fn oracle_passkeys_registered_with_tokens() {
    let mut duo = Duo::with_passkeys("wan-token", &json!({}));
    let tokens = duo.send("sign in", &mut Browser::new(), |_| sign_in_for_tokens(ANA));
    let tokens = tokens.of_user("authentication_token");
    let mut app = Browser::new();
    let with = |token: &str, request: Request| request.header("Authentication-Token", token);
    let known = (Known::OneCaller, 200);
    duo.send_own_known("GET", &mut app, known, &tokens, |_, token| {
        with(token, Request::get(REGISTER))
    });
    let begun = duo.send_own_known("begin", &mut app, known, &tokens, |_, token| {
        with(token, Request::post(REGISTER, &json!({"name": "key"})))
    });
    let own = Passkeys::new(&duo).create(&begun);
    let own = crate::support::factors::joined(&tokens, &own);
    duo.send_own("finish", &mut app, &own, |jar, own| {
        let (token, own) = own.split_once('\n').expect("a token");
        with(token, second_step(own, jar))
    });
    duo.send_own_known("delete", &mut app, known, &tokens, |_, token| {
        with(token, Request::post(DELETE, &json!({"name": "key"})))
    });
    duo.send("basic authentication", &mut Browser::new(), |_| {
        Request::get(REGISTER).header("Authorization", basic(ANA, PASSWORD))
    });
    duo.finish(6);
}
