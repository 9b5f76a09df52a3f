//! The response of a passkey, sent by many clients at once and then once more: it works once.

use serde_json::{Value, json};
use vestibule_testkit::authenticator::{Authenticator, Counter, Stage};

use crate::http::{Request, Response};
use crate::links::accepted_once;
use crate::site::{ANA, AT_ONCE, Browser, COMMON, Database, PASSWORD, Site};

/// The limits would refuse most of the clients before they show a passkey.
const PASSKEYS: &str = r#"
SECURITY_WEBAUTHN = true
SECURITY_LIMITS = "off"
"#;

const REGISTER: &str = "/wan-register";
const SIGN_IN: &str = "/wan-signin";
const VERIFY: &str = "/wan-verify";

/// Both kinds of sign count. If it is always zero, only the ledger refuses a second response.
const COUNTERS: [Counter; 2] = [Counter::Zero, Counter::Counting];

/// A ceremony that the server has begun.
struct Begun {
    options: Value,
    path: String,
}

fn begin(browser: &mut Browser, path: &str, body: &Value) -> Begun {
    let answer = browser.post(path, body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let response = &answer.json().unwrap()["response"];
    Begun {
        options: response["credential_options"].clone(),
        path: format!("{path}/{}", response["wan_state"].as_str().unwrap()),
    }
}

/// The body with a response of an authenticator.
fn credential(response: &Value) -> Value {
    json!({"credential": response.to_string()})
}

/// A server on which Ana has an account.
fn start(database: Database) -> Site {
    let site = Site::start(database, &format!("{COMMON}{PASSKEYS}"));
    site.create(ANA);
    site
}

fn authenticator(site: &Site) -> Authenticator {
    let mut passkey = Authenticator::new(&format!("http://localhost:{}", site.server.port));
    passkey.resident = Some(true);
    passkey
}

/// Signs in with the password.
fn signed_in(site: &Site) -> Browser {
    let mut browser = site.browser();
    assert_eq!(browser.sign_in(ANA, PASSWORD).status, 200);
    browser
}

/// Registers a passkey for Ana.
fn passkey(browser: &mut Browser, site: &Site, usage: &str, counter: Counter) -> Authenticator {
    let mut passkey = authenticator(site);
    passkey.counter = counter;
    let body = json!({"name": format!("{usage} {counter:?}"), "usage": usage});
    let begun = begin(browser, REGISTER, &body);
    let response = passkey.register(&begun.options).unwrap();
    let answer = browser.post(&begun.path, &credential(&response));
    assert_eq!(answer.status, 200, "{answer:?}");
    passkey
}

fn rows(site: &Site) -> u32 {
    site.count("SELECT COUNT(*) FROM web_authn")
}

/// A signature of one challenge for each client.
fn signatures(passkey: &mut Authenticator, options: &Value) -> Vec<Value> {
    (0..AT_ONCE)
        .map(|_| credential(&passkey.sign_in(options).unwrap()))
        .collect()
}

/// The number of requests that are answered with 200. Every other is answered with 400.
fn accepted(answers: &[Response]) -> usize {
    let refused = |answer: &&Response| match answer.status {
        200 => false,
        400 => true,
        _ => panic!("{answer:?}"),
    };
    AT_ONCE - answers.iter().filter(refused).count()
}

/// One of many clients uses one response, and then one of many uses a signature of its own of one
/// challenge.
fn shown_once(site: &Site, browser: &mut Browser, path: &str, passkey: &mut Authenticator) {
    let counter = passkey.counter;
    let begun = begin(browser, path, &json!({}));
    let body = credential(&passkey.sign_in(&begun.options).unwrap());
    accepted_once(site, |_| browser.request(&begun.path, &body));

    let begun = begin(browser, path, &json!({}));
    let bodies = signatures(passkey, &begun.options);
    let answers = site.at_once(|number| browser.request(&begun.path, &bodies[number]));
    assert_eq!(accepted(&answers), 1, "{path} {counter:?}");
}

fn attack_single_use_passkey_signs_one_of_many_clients_in(database: Database) {
    let site = start(database);
    let mut owner = signed_in(&site);
    for counter in COUNTERS {
        let mut passkey = passkey(&mut owner, &site, "first", counter);
        shown_once(&site, &mut site.browser(), SIGN_IN, &mut passkey);
    }
}

fn attack_single_use_passkey_verifies_one_of_many_requests(database: Database) {
    let site = start(database);
    let mut owner = signed_in(&site);
    for counter in COUNTERS {
        let mut passkey = passkey(&mut owner, &site, "first", counter);
        shown_once(&site, &mut owner, VERIFY, &mut passkey);
    }
}

fn attack_single_use_passkey_is_the_second_factor_of_one_of_many_clients(database: Database) {
    let site = start(database);
    let mut owner = signed_in(&site);
    let passkeys = COUNTERS.map(|counter| passkey(&mut owner, &site, "secondary", counter));
    for mut passkey in passkeys {
        let mut pending = site.browser();
        let answer = pending.sign_in(ANA, PASSWORD);
        let said = answer.json().unwrap();
        assert_eq!(said["response"]["tf_required"], true, "{said}");
        shown_once(&site, &mut pending, SIGN_IN, &mut passkey);
    }
}

fn many_clients_sign_in_with_a_passkey_each_with_a_challenge_of_its_own(database: Database) {
    // The control: nothing but the challenge keeps the clients of the other tests out.
    let site = start(database);
    let mut passkey = passkey(&mut signed_in(&site), &site, "first", Counter::Zero);
    let requests = challenges(&site, &mut passkey);
    let answers = site.at_once(|number| requests[number].clone());
    assert_eq!(accepted(&answers), AT_ONCE);
}

fn attack_race_of_clones_with_one_sign_count_has_one_winner(database: Database) {
    // Each has a challenge of its own, so that only the sign count decides.
    let site = start(database);
    let mut passkey = passkey(&mut signed_in(&site), &site, "first", Counter::Counting);
    passkey.counter = Counter::Stuck;
    passkey.credentials[0].sign_count = 9;
    let requests = challenges(&site, &mut passkey);
    let answers = site.at_once(|number| requests[number].clone());
    assert_eq!(accepted(&answers), 1);
}

/// As many sign-ins as there are clients, each with a challenge of its own.
fn challenges(site: &Site, passkey: &mut Authenticator) -> Vec<Request> {
    let sign_in = |_| {
        let mut browser = site.browser();
        let begun = begin(&mut browser, SIGN_IN, &json!({}));
        let response = passkey.sign_in(&begun.options).unwrap();
        browser.request(&begun.path, &credential(&response))
    };
    (0..AT_ONCE).map(sign_in).collect()
}

fn attack_single_use_registration_state_makes_one_passkey(database: Database) {
    let site = start(database);
    let mut owner = signed_in(&site);
    // One new credential, sent by every client.
    let begun = begin(&mut owner, REGISTER, &json!({"name": "one"}));
    let response = authenticator(&site).register(&begun.options).unwrap();
    let body = credential(&response);
    accepted_once(&site, |_| owner.request(&begun.path, &body));
    assert_eq!(rows(&site), 1);
    // Each client sends a credential of its own.
    let begun = begin(&mut owner, REGISTER, &json!({"name": "another"}));
    let register = |_| credential(&authenticator(&site).register(&begun.options).unwrap());
    let bodies: Vec<Value> = (0..AT_ONCE).map(register).collect();
    let answers = site.at_once(|number| owner.request(&begun.path, &bodies[number]));
    assert_eq!((accepted(&answers), rows(&site)), (1, 2));
}

fn attack_race_to_register_one_credential_id_has_one_winner(database: Database) {
    let site = start(database);
    let mut owner = signed_in(&site);
    let id = [7; 32];
    let register = |number| {
        let begun = begin(&mut owner, REGISTER, &json!({"name": format!("{number}")}));
        let mut change = |stage: Stage<'_>| match stage {
            Stage::AuthenticatorData(data) => {
                if let Some(attested) = &mut data.attested {
                    attested.id = id.to_vec();
                }
            }
            Stage::Reply(reply) => {
                let text = json!("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
                reply["id"] = text.clone();
                reply["rawId"] = text;
            }
            _ => {}
        };
        let mut passkey = authenticator(&site);
        let response = passkey.register_with(&begun.options, &mut change).unwrap();
        (begun.path, credential(&response))
    };
    let all: Vec<(String, Value)> = (0..AT_ONCE).map(register).collect();
    let answers = site.at_once(|number| owner.request(&all[number].0, &all[number].1));
    assert_eq!((accepted(&answers), rows(&site)), (1, 1));
}

on_each_database! {
    attack_single_use_passkey_signs_one_of_many_clients_in
    attack_single_use_passkey_verifies_one_of_many_requests
    attack_single_use_passkey_is_the_second_factor_of_one_of_many_clients
    many_clients_sign_in_with_a_passkey_each_with_a_challenge_of_its_own
    attack_race_of_clones_with_one_sign_count_has_one_winner
    attack_single_use_registration_state_makes_one_passkey
    attack_race_to_register_one_credential_id_has_one_winner
}
