//! Attacks on passkeys.

use serde_json::{Value, json};
use vestibule_store::PasskeyUsage;
use vestibule_testkit::authenticator::{Authenticator, Counter, Stage, flag};

use crate::support::codes::TWO_FACTOR;
use crate::support::passkeys::{DELETE, ORIGIN, PASSKEYS, REGISTER, SIGN_IN, VERIFY, credential};
use crate::support::{ANA, Browser, PASSWORD, TestApp};

const BEN: &str = "ben@example.com";

/// An application in which Ana and Ben have a passkey of this usage each.
async fn two_users(extra: &str, usage: &str) -> (TestApp, Authenticator, Authenticator) {
    let (app, ana) = TestApp::with_passkey(extra, usage).await;
    app.user(BEN, |account| account).await;
    let ben = app.give_passkey(BEN, usage).await;
    (app, ana, ben)
}

async fn freshness(browser: &mut Browser<'_>) -> u16 {
    browser.get(REGISTER).await.status.as_u16()
}

type Change = fn(Stage<'_>);

/// Each response, and the step that refuses it.
const FORGED: [(&str, Change); 13] = [
    ("challenge", |stage| {
        if let Stage::ClientData(data) = stage {
            data.challenge = "AAAA".to_owned();
        }
    }),
    ("type", |stage| {
        if let Stage::ClientData(data) = stage {
            data.kind = "webauthn.create".to_owned();
        }
    }),
    ("origin", |stage| {
        if let Stage::ClientData(data) = stage {
            data.origin = "https://evil.example".to_owned();
        }
    }),
    ("origin", |stage| {
        if let Stage::ClientData(data) = stage {
            data.origin = "http://localhost:5001".to_owned();
        }
    }),
    ("origin", |stage| {
        if let Stage::ClientData(data) = stage {
            data.origin = "http://localhost:5000.evil.example".to_owned();
        }
    }),
    ("cross origin", |stage| {
        if let Stage::ClientData(data) = stage {
            data.cross_origin = Some(true);
        }
    }),
    ("relying party", |stage| {
        if let Stage::AuthenticatorData(data) = stage {
            data.rp_id_hash = vec![0; 32];
        }
    }),
    ("user presence", |stage| {
        if let Stage::AuthenticatorData(data) = stage {
            data.flags &= !flag::USER_PRESENT;
        }
    }),
    ("backup flags", |stage| {
        if let Stage::AuthenticatorData(data) = stage {
            data.flags |= flag::BACKED_UP;
        }
    }),
    ("signature counter", |stage| {
        if let Stage::AuthenticatorData(data) = stage {
            data.sign_count = 0;
        }
    }),
    ("authenticator data", |stage| {
        if let Stage::AuthenticatorData(data) = stage {
            data.rest = vec![0];
        }
    }),
    ("signature", |stage| {
        if let Stage::Signature(signature) = stage {
            signature.clear();
        }
    }),
    ("signature", |stage| {
        if let Stage::Signed(signed) = stage {
            signed.push(0);
        }
    }),
];

#[tokio::test]
async fn attack_webauthn_forged_responses_are_refused_at_every_ceremony() {
    let (app, mut passkey) = TestApp::with_passkey("", "first").await;
    let mut signed_in = app.signed_in().await.with_csrf().await;
    for (cause, change) in FORGED {
        for (mut browser, path) in [(app.browser(), SIGN_IN), (signed_in.clone(), VERIFY)] {
            let mut change = |stage: Stage<'_>| change(stage);
            let answer = browser.show_changed(&mut passkey, path, &mut change).await;
            let verdict = (400, "WEBAUTHN_NO_VERIFY".to_owned());
            assert_eq!(answer.verdict(), verdict, "{path} {cause}: {answer:?}");
            assert!(answer.text.contains(&format!("({cause})")), "{answer:?}");
        }
    }
    // The control: without a change it is accepted.
    let answer = signed_in.show_passkey(&mut passkey, VERIFY).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn attack_webauthn_a_clone_whose_counter_falls_behind_is_refused() {
    let (app, mut passkey) = TestApp::with_passkey("", "first").await;
    for _ in 0..3 {
        let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    for counter in [Counter::Stuck, Counter::Falling] {
        passkey.counter = counter;
        let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
        assert_eq!(answer.verdict(), (400, "WEBAUTHN_NO_VERIFY".into()));
    }
}

#[tokio::test]
async fn attack_single_use_a_challenge_is_accepted_once() {
    let (app, mut passkey) = TestApp::with_passkey("", "first").await;
    let begun = app.browser().begin(SIGN_IN, json!({})).await;
    let response = passkey.sign_in(&begun.options).unwrap();
    let answer = app.browser().post(&begun.path, credential(&response)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // Another signature of the same challenge, whose counter has grown.
    let again = passkey.sign_in(&begun.options).unwrap();
    let mut browser = app.browser();
    let answer = browser.post(&begun.path, credential(&again)).await;
    assert_eq!(answer.verdict(), (400, "WEBAUTHN_USED".into()));
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn attack_single_use_a_synchronised_passkeys_response_is_not_replayed() {
    let app = TestApp::with(PASSKEYS).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let mut passkey = Authenticator::new(ORIGIN);
    passkey.counter = Counter::Zero;
    passkey.resident = Some(true);
    let answer = browser.register_passkey(&mut passkey, "k", "first").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let begun = app.browser().begin(SIGN_IN, json!({})).await;
    let response = passkey.sign_in(&begun.options).unwrap();
    let answer = app.browser().post(&begun.path, credential(&response)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = app.browser().post(&begun.path, credential(&response)).await;
    assert_eq!(answer.verdict(), (400, "WEBAUTHN_USED".into()));
    // Nor does it make a session fresh.
    let begun = browser.begin(VERIFY, json!({})).await;
    let response = passkey.sign_in(&begun.options).unwrap();
    let body = credential(&response);
    let answer = browser.post(&begun.path, body.clone()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    app.wait(50);
    let answer = browser.post(&begun.path, body).await;
    assert_eq!(answer.verdict(), (400, "WEBAUTHN_USED".into()));
}

#[tokio::test]
async fn attack_single_use_a_registration_is_not_replayed_after_its_removal() {
    let app = TestApp::with(PASSKEYS).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let begun = browser.begin(REGISTER, json!({"name": "lost"})).await;
    let response = Authenticator::new(ORIGIN).register(&begun.options).unwrap();
    let body = credential(&response);
    let answer = browser.post(&begun.path, body.clone()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = browser.post(DELETE, json!({"name": "lost"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = browser.post(&begun.path, body).await;
    assert_eq!(answer.verdict(), (400, "API_ERROR".into()));
    let listed = browser.get(REGISTER).await.response();
    assert_eq!(listed["registered_credentials"], json!([]));
}

#[tokio::test]
async fn attack_purpose_confusion_a_state_is_for_one_ceremony_and_one_user() {
    let (app, mut ana, mut ben) = two_users("", "first").await;
    let mut signed_in = app.signed_in().await.with_csrf().await;
    let mut ben_signed_in = app.browser();
    assert_eq!(ben_signed_in.sign_in(BEN, PASSWORD).await.status, 200);
    let mut ben_signed_in = ben_signed_in.with_csrf().await;
    let sign_in = app.browser().begin(SIGN_IN, json!({})).await;
    let verify = signed_in.begin(VERIFY, json!({})).await;
    let register = signed_in.begin(REGISTER, json!({"name": "n"})).await;
    let moved = |path: &str, to: &str| {
        let (_, token) = path.rsplit_once('/').unwrap();
        format!("{to}/{token}")
    };
    let response = credential(&ana.sign_in(&sign_in.options).unwrap());
    let denied = (400, "API_ERROR".to_owned());
    let answer = signed_in
        .post(&moved(&sign_in.path, VERIFY), response.clone())
        .await;
    assert_eq!(answer.verdict(), denied, "a sign-in is no verification");
    let response = credential(&ana.sign_in(&verify.options).unwrap());
    let answer = app
        .browser()
        .post(&moved(&verify.path, SIGN_IN), response)
        .await;
    assert_eq!(answer.verdict(), denied, "a verification is no sign-in");
    let mut listed = verify.options.clone();
    listed["allowCredentials"] = json!([]);
    let response = credential(&ben.sign_in(&listed).unwrap());
    let answer = ben_signed_in.post(&verify.path, response).await;
    assert_eq!(answer.verdict(), denied, "a verification is one user's");
    let mut new = Authenticator::new(ORIGIN);
    let response = credential(&new.register(&register.options).unwrap());
    let answer = ben_signed_in.post(&register.path, response.clone()).await;
    assert_eq!(answer.verdict(), denied, "a registration is one user's");
    for to in [SIGN_IN, VERIFY] {
        let path = moved(&register.path, to);
        let answer = signed_in.clone().post(&path, response.clone()).await;
        assert_eq!(answer.verdict(), denied, "{to}");
    }
    // None was consumed.
    let answer = signed_in.post(&register.path, response).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let response = credential(&ana.sign_in(&sign_in.options).unwrap());
    let answer = app.browser().post(&sign_in.path, response).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let response = credential(&ana.sign_in(&verify.options).unwrap());
    let answer = signed_in.post(&verify.path, response).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn attack_wrong_person_another_users_passkey_is_no_second_factor() {
    let (app, mut ana, mut ben) = two_users("", "secondary").await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let begun = browser.begin(SIGN_IN, json!({})).await;
    let mut options = begun.options.clone();
    options["allowCredentials"] = json!([]);
    let response = ben.sign_in(&options).unwrap();
    let answer = browser.post(&begun.path, credential(&response)).await;
    assert_eq!(
        answer.verdict(),
        (400, "WEBAUTHN_MISMATCH_USER_HANDLE".into())
    );
    assert!(!browser.clone().is_signed_in().await);
    let answer = browser.show_passkey(&mut ana, SIGN_IN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn attack_wrong_person_another_users_passkey_does_not_make_a_session_fresh() {
    let (app, _, mut ben) = two_users("", "first").await;
    let mut browser = app.signed_in().await.with_csrf().await;
    app.wait(2 * 3_600);
    assert_eq!(freshness(&mut browser).await, 401);
    let begun = browser.begin(VERIFY, json!({})).await;
    let mut options = begun.options.clone();
    options["allowCredentials"] = json!([]);
    let response = ben.sign_in(&options).unwrap();
    let answer = browser.post(&begun.path, credential(&response)).await;
    assert_eq!(
        answer.verdict(),
        (400, "WEBAUTHN_MISMATCH_USER_HANDLE".into())
    );
    assert_eq!(freshness(&mut browser).await, 401);
}

#[tokio::test]
async fn attack_session_residue_a_second_factor_does_not_survive_a_sign_out() {
    let (app, mut passkey) = TestApp::with_passkey("", "secondary").await;
    for signs_out in [true, false] {
        let (mut browser, _) = app.half_signed_in(ANA).await;
        let begun = browser.begin(SIGN_IN, json!({})).await;
        let response = passkey.sign_in(&begun.options).unwrap();
        let answer = if signs_out {
            browser.sign_out().await
        } else {
            browser.get("/api/accounts/login").await
        };
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = browser.post(&begun.path, credential(&response)).await;
        assert_eq!(answer.verdict(), (400, "API_ERROR".into()), "{signs_out}");
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn attack_wrong_person_a_forged_user_handle_is_refused() {
    let (app, mut ana, _) = two_users("", "first").await;
    let mut change = |stage: Stage<'_>| {
        if let Stage::Reply(reply) = stage {
            reply["response"]["userHandle"] = json!("AAAA");
        }
    };
    let mut browser = app.browser();
    let answer = browser.show_changed(&mut ana, SIGN_IN, &mut change).await;
    assert_eq!(
        answer.verdict(),
        (400, "WEBAUTHN_MISMATCH_USER_HANDLE".into())
    );
}

#[tokio::test]
async fn attack_account_state_a_credential_is_registered_once() {
    let (app, _, _) = two_users("", "first").await;
    let mut ana = app.signed_in().await.with_csrf().await;
    let mut ben = app.browser();
    assert_eq!(ben.sign_in(BEN, PASSWORD).await.status, 200);
    let mut ben = ben.with_csrf().await;
    let mut passkey = Authenticator::new(ORIGIN);
    let answer = ana.register_passkey(&mut passkey, "mine", "first").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // Ben registers a key of his own under Ana's credential ID.
    let id = passkey.credentials[0].id.clone();
    let begun = ben.begin(REGISTER, json!({"name": "stolen"})).await;
    let mut own = Authenticator::new(ORIGIN);
    let response = own
        .register_with(&begun.options, &mut |stage| match stage {
            Stage::AuthenticatorData(data) => {
                if let Some(attested) = &mut data.attested {
                    attested.id.clone_from(&id);
                }
            }
            Stage::Reply(reply) => {
                let encoded = passkey_id(&id);
                reply["id"] = json!(encoded);
                reply["rawId"] = json!(encoded);
            }
            _ => {}
        })
        .unwrap();
    let answer = ben.post(&begun.path, credential(&response)).await;
    assert_eq!(
        answer.verdict(),
        (400, "WEBAUTHN_CREDENTIAL_ID_INUSE".into())
    );
    let answer = app.browser().show_passkey(&mut passkey, SIGN_IN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn passkey_id(id: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id)
}

#[tokio::test]
async fn attack_crash_by_odd_input_every_credential_of_another_shape_is_refused() {
    let (app, mut passkey) = TestApp::with_passkey("", "first").await;
    let mut signed_in = app.signed_in().await.with_csrf().await;
    let register = signed_in.begin(REGISTER, json!({"name": "n"})).await;
    let verify = signed_in.begin(VERIFY, json!({})).await;
    let sign_in = app.browser().begin(SIGN_IN, json!({})).await;
    let valid = passkey.sign_in(&sign_in.options).unwrap();
    for odd in [
        Value::Null,
        json!(""),
        json!(5),
        json!(true),
        json!([]),
        json!({}),
        valid.clone(),
        json!("{}"),
        json!("[]"),
        json!("null"),
        json!("{\"id\": \"AAAA\"}"),
        json!("\u{0}"),
        json!("[".repeat(10_000)),
        json!(valid.to_string().replace("public-key", "password")),
    ] {
        let body = json!({"credential": odd});
        for (path, mut browser) in [
            (&register.path, signed_in.clone()),
            (&verify.path, signed_in.clone()),
            (&sign_in.path, app.browser()),
        ] {
            let answer = browser.post(path, body.clone()).await;
            assert_eq!(answer.status, 400, "{path} {odd}: {answer:?}");
        }
    }
    for token in ["x", "a.b.c", "%00", "%FF"] {
        for to in [REGISTER, VERIFY] {
            let path = format!("{to}/{token}");
            let answer = signed_in.post(&path, credential(&valid)).await;
            assert_eq!(answer.verdict(), (400, "API_ERROR".into()), "{path}");
        }
    }
    let answer = app.browser().post(&sign_in.path, credential(&valid)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn attack_enumeration_hints_do_not_reveal_accounts_if_responses_are_generic() {
    let generic = "SECURITY_RETURN_GENERIC_RESPONSES = true\n";
    let (app, mut passkey) = TestApp::with_passkey(generic, "first").await;
    app.user(BEN, |account| account).await;
    let mut shapes = Vec::new();
    for identity in [ANA, BEN, "nobody@example.com"] {
        let body = json!({"identity": identity});
        let begun = app.browser().begin(SIGN_IN, body.clone()).await;
        let allowed = begun.options["allowCredentials"]
            .as_array()
            .unwrap()
            .clone();
        let again = app.browser().begin(SIGN_IN, body).await;
        assert_eq!(again.options["allowCredentials"], json!(allowed));
        let shape: Vec<Vec<String>> = allowed
            .iter()
            .map(|one| one.as_object().unwrap().keys().cloned().collect())
            .collect();
        let lengths: Vec<usize> = allowed
            .iter()
            .map(|one| one["id"].as_str().unwrap().len())
            .collect();
        shapes.push((shape, lengths));
    }
    assert_eq!(shapes[0], shapes[1]);
    assert_eq!(shapes[1], shapes[2]);
    let body = json!({"identity": ANA});
    let mut browser = app.browser();
    let begun = browser.begin(SIGN_IN, body).await;
    let response = passkey.sign_in(&begun.options).unwrap();
    let answer = browser.post(&begun.path, credential(&response)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn attack_second_factor_bypass_a_passkey_registered_meanwhile_ends_a_set_up() {
    let required = "SECURITY_TWO_FACTOR_REQUIRED = true\n";
    let app = TestApp::with(&format!("{PASSKEYS}{TWO_FACTOR}{required}")).await;
    // The attacker knows the password, and is about to set a second factor up.
    let mut attacker = app.browser();
    let answer = attacker.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.response()["tf_state"], "setup_from_login");
    // The owner signs in with a code that they set up, and replaces it by a passkey.
    let mut owner = app.browser();
    let answer = owner.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    app.store_passkey(ANA, PasskeyUsage::Secondary).await;
    let setup = "/api/accounts/tf-setup";
    let answer = attacker
        .post(setup, json!({"setup": "authenticator"}))
        .await;
    assert_eq!(
        answer.verdict(),
        (400, "TWO_FACTOR_PERMISSION_DENIED".into())
    );
}

#[tokio::test]
async fn attack_authorisation_by_absence_a_passkey_of_another_user_is_not_removed() {
    let (app, mut ana, _) = two_users("", "first").await;
    let mut ben = app.browser();
    assert_eq!(ben.sign_in(BEN, PASSWORD).await.status, 200);
    let mut ben = ben.with_csrf().await;
    let answer = ben.post(DELETE, json!({"name": "first"})).await;
    assert_eq!(answer.status, 200, "his own");
    let answer = ben.post(DELETE, json!({"name": "first"})).await;
    assert_eq!(answer.verdict(), (400, "WEBAUTHN_NAME_NOT_FOUND".into()));
    let answer = app.browser().show_passkey(&mut ana, SIGN_IN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
