//! What differs by intention: `docs/differences.md` has the list.

use serde_json::{Value, json};
use vestibule_testkit::authenticator::{Stage, flag};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::Jar;
use crate::support::known::Known;
use crate::support::passkeys::{
    DELETE, Passkeys, REGISTER, SIGN_IN, post, second_step, second_step_with,
};
use crate::support::requests::{sign_in, who};
use crate::support::users::ANA;

fn step(jar: &Jar, own: &str) -> Request {
    second_step(own, jar)
}

/// The second step with the credential as an object instead of a text.
fn as_object(jar: &Jar, own: &str) -> Request {
    let (_, credential) = own.split_once('\n').expect("a credential");
    let credential: Value = serde_json::from_str(credential).expect("JSON");
    second_step_with(own, jar, &json!({"credential": credential}))
}

/// The second step with the credential in a list.
fn as_list(jar: &Jar, own: &str) -> Request {
    let (_, credential) = own.split_once('\n').expect("a credential");
    second_step_with(own, jar, &json!({"credential": [credential]}))
}

fn with_key(name: &str) -> (Duo, Browser, Passkeys) {
    let mut duo = Duo::with_passkeys(name, &json!({}));
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    (duo, ana, keys)
}

#[test]
fn oracle_passkeys_challenges_work_once() {
    let (mut duo, _, mut keys) = with_key("wan-once");
    let begun = duo.begin_passkey_sign_in(&mut Browser::new(), &json!({}));
    let own = keys.get(SIGN_IN, &begun);
    duo.send_own("once", &mut Browser::new(), &own, step);
    let own = keys.get(SIGN_IN, &begun);
    let known = (Known::ChallengesWorkOnce, 400);
    duo.send_own_known("twice", &mut Browser::new(), known, &own, step);
    duo.finish(6);
}

#[test]
fn oracle_passkeys_of_unconfirmed_users() {
    let mut duo = Duo::with_passkeys("wan-unconfirmed", &json!({}));
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    duo.unconfirm(ANA);
    let begun = duo.begin_passkey_sign_in(&mut Browser::new(), &json!({}));
    let own = keys.get(SIGN_IN, &begun);
    let known = (Known::PasskeyOfTheUnconfirmed, 400);
    duo.send_own_known("unconfirmed", &mut Browser::new(), known, &own, step);
    duo.finish(5);
}

#[test]
fn oracle_passkeys_in_frames_of_other_sites() {
    let (mut duo, mut ana, mut keys) = with_key("wan-frames");
    let known = (Known::NoFramesOfOtherSites, 400);
    let mut framed = |stage: Stage<'_>| {
        if let Stage::ClientData(data) = stage {
            data.cross_origin = Some(true);
        }
    };
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "framed"}));
    let own = Passkeys::new(&duo).create_with(&begun, &mut framed);
    duo.send_own_known("registration", &mut ana, known, &own, step);
    let begun = duo.begin_passkey_sign_in(&mut Browser::new(), &json!({}));
    let own = keys.get_with(SIGN_IN, &begun, &mut framed);
    duo.send_own_known("sign-in", &mut Browser::new(), known, &own, step);
    duo.finish(7);
}

#[test]
fn oracle_passkeys_with_a_token_binding() {
    let (mut duo, mut ana, _) = with_key("wan-binding");
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "bound"}));
    for (name, status, known) in [
        ("unknown", "odd", Some((Known::NoTokenBinding, 200))),
        ("known", "present", None),
    ] {
        let own = Passkeys::new(&duo).create_with(&begun, &mut |stage| {
            if let Stage::ClientData(data) = stage {
                let binding = json!({"status": status, "id": "x"});
                data.others.insert("tokenBinding".into(), binding);
            }
        });
        // Ours registers the first one, and then the name is taken.
        let known = if name == "known" {
            Some((Known::NoTokenBinding, 400))
        } else {
            known
        };
        duo.send_own_differing(name, &mut ana, known, &own, step);
    }
    duo.finish(6);
}

#[test]
fn oracle_passkeys_credentials_that_are_no_text() {
    let (mut duo, mut ana, mut keys) = with_key("wan-no-text");
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "another"}));
    let own = Passkeys::new(&duo).create(&begun);
    let mistake = (Known::ClientMistake, 400);
    duo.send_own_known(
        "registered as an object",
        &mut ana,
        mistake,
        &own,
        as_object,
    );
    let begun = duo.begin_passkey_sign_in(&mut Browser::new(), &json!({}));
    for (name, known, build) in [
        ("an object", mistake, as_object as fn(&Jar, &str) -> Request),
        ("a list", (Known::NoListForText, 400), as_list),
    ] {
        let own = keys.get(SIGN_IN, &begun);
        duo.send_own_known(name, &mut Browser::new(), known, &own, build);
    }
    for (name, path) in [("register", REGISTER), ("delete", DELETE)] {
        let known = Known::NoListForText;
        duo.send_known(name, &mut ana, known, 400, |jar| {
            post(path, &json!({"name": ["third"]}), jar)
        });
    }
    duo.finish(10);
}

#[test]
fn oracle_passkeys_with_contradicting_backup_flags() {
    let (mut duo, mut ana, mut keys) = with_key("wan-flags");
    let known = (Known::ClientMistake, 400);
    let mut contradicting = |stage: Stage<'_>| {
        if let Stage::AuthenticatorData(data) = stage {
            data.flags |= flag::BACKED_UP;
        }
    };
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "another"}));
    let own = Passkeys::new(&duo).create_with(&begun, &mut contradicting);
    duo.send_own_known("registration", &mut ana, known, &own, step);
    let begun = duo.begin_passkey_sign_in(&mut Browser::new(), &json!({}));
    let own = keys.get_with(SIGN_IN, &begun, &mut contradicting);
    duo.send_own_known("sign-in", &mut Browser::new(), known, &own, step);
    duo.finish(7);
}

#[test]
fn oracle_passkeys_extensions_of_other_clients() {
    let (mut duo, mut ana, _) = with_key("wan-outputs");
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "another"}));
    // As `PublicKeyCredential.toJSON()` returns it.
    let own = Passkeys::new(&duo).create_with(&begun, &mut |stage| {
        if let Stage::Reply(reply) = stage
            && let Some(reply) = reply.as_object_mut()
        {
            reply.remove("extensions");
        }
    });
    let known = (Known::ExtensionsOfToJson, 200);
    duo.send_own_known("register", &mut ana, known, &own, step);
    duo.send_known("GET the list", &mut ana, known.0, 200, |_| {
        Request::get(REGISTER)
    });
    duo.finish(6);
}

#[test]
fn oracle_passkeys_remember_as_a_boolean() {
    let (mut duo, _, mut keys) = with_key("wan-remember");
    let begun = duo.begin_passkey_sign_in(&mut Browser::new(), &json!({}));
    let own = keys.get(SIGN_IN, &begun);
    let mut visitor = Browser::new();
    let known = (Known::Remember, 200);
    duo.send_own_known("false as a text", &mut visitor, known, &own, |jar, own| {
        second_step_with(own, jar, &json!({"remember": "false"}))
    });
    duo.send("current user", &mut visitor, |_| who());
    duo.finish(6);
}

#[test]
fn oracle_passkeys_names_with_separate_accents() {
    let mut duo = Duo::with_passkeys("wan-accents", &json!({}));
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.begin_passkey(&mut ana, &json!({"name": "\u{e9}"}));
    let known = Known::SeparateAccents;
    duo.send_known("separate", &mut ana, known, 200, |jar| {
        post(REGISTER, &json!({"name": "e\u{301}"}), jar)
    });
    duo.finish(3);
}
