//! Many concurrent exchanges of one refresh token.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http::Request;
use crate::site::{ANA, AT_ONCE, COMMON, Database, PASSWORD, Site};

const EXCHANGE: &str = "/refresh-token";

fn start(database: Database, grace: u32) -> Site {
    let settings = format!(
        "{COMMON}\
         SECURITY_REFRESH_TOKEN = true\n\
         SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"\n\
         SECURITY_REFRESH_TOKEN_GRACE = {grace}\n"
    );
    let site = Site::start(database, &settings);
    site.create(ANA);
    site
}

/// Begins a refresh-token family and returns its first token.
fn begin(site: &Site) -> String {
    let body = json!({"email": ANA, "password": PASSWORD});
    let answer = site.post("/login?include_auth_token", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    token_in(&answer.json().unwrap())
}

fn token_in(said: &Value) -> String {
    let token = said["response"]["user"]["refresh_token"].as_str();
    token.unwrap_or_else(|| panic!("{said}")).to_owned()
}

fn body(token: &str) -> Value {
    json!({"refresh_token": token})
}

fn exchange(site: &Site, token: &str) -> (u16, Value) {
    let answer = site.post(EXCHANGE, &body(token));
    (answer.status, answer.json().unwrap())
}

/// Exchanges one token many times at once, and returns the successors.
fn exchange_at_once(site: &Site, token: &str) -> Vec<String> {
    let target = format!("/api/accounts{EXCHANGE}");
    let answers = site.at_once(|_| Request::post(&target, &body(token)));
    let mut successors = Vec::new();
    for answer in answers {
        match answer.status {
            200 => successors.push(token_in(&answer.json().unwrap())),
            status => assert_eq!(status, 400, "{answer:?}"),
        }
    }
    successors
}

/// As in the reference, a second exchange means that another client has a copy.
fn attack_refresh_token_fork_without_grace_one_wins_and_the_family_ends(database: Database) {
    let site = start(database, 0);
    let token = begin(&site);
    let successors = exchange_at_once(&site, &token);
    assert_eq!(successors.len(), 1, "exactly one success");
    let (status, said) = exchange(&site, &successors[0]);
    assert_eq!(status, 400, "the family has ended: {said}");
    // Another family of the same user is not affected.
    let other = begin(&site);
    assert_eq!(exchange(&site, &other).0, 200);
}

/// Browser tabs that exchange the token at the same time all stay signed in.
fn attack_refresh_token_fork_with_grace_all_get_one_successor(database: Database) {
    let site = start(database, 10);
    let token = begin(&site);
    let successors = exchange_at_once(&site, &token);
    assert_eq!(successors.len(), AT_ONCE);
    let different: BTreeSet<&String> = successors.iter().collect();
    assert_eq!(different.len(), 1, "all get the same successor");
    let (status, said) = exchange(&site, &successors[0]);
    assert_eq!(status, 200, "the family continues: {said}");
    // A token that was exchanged two exchanges ago is reuse, even within the grace period.
    assert_eq!(exchange(&site, &token).0, 400);
    let ended = exchange(&site, &token_in(&said)).0;
    assert_eq!(ended, 400, "the family has ended");
}

on_each_database! {
    attack_refresh_token_fork_without_grace_one_wins_and_the_family_ends
    attack_refresh_token_fork_with_grace_all_get_one_successor
}
