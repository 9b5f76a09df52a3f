//! A thousand guesses of one account's secrets from many clients at once: no more than the limit
//! are compared.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::http::Request;
use crate::site::{ANA, AT_ONCE, COMMON, Database, PASSWORD, Site};

/// How many guesses are made in all.
const GUESSES: usize = 1000;

/// The defaults of `SECURITY_LIMIT_PASSWORD` and `SECURITY_LIMIT_CODE` within 15 minutes.
const PASSWORDS: usize = 10;
const CODES: usize = 5;

fn start(database: Database) -> Site {
    let settings = format!(
        "{COMMON}\
         SECURITY_UNIFIED_SIGNIN = true\n\
         SECURITY_TOTP_SECRETS = {{ \"1\" = \"a secret for one-time codes\" }}\n\
         SECURITY_TOTP_ISSUER = \"tests\"\n"
    );
    let site = Site::start(database, &settings);
    site.create(ANA);
    site
}

/// Sends the guesses from [`AT_ONCE`] connections, and returns how many were compared.
fn compared(site: &Site, path: &str, guess: impl Fn(usize) -> Value + Sync) -> usize {
    let target = format!("/api/accounts{path}");
    let (begin, port) = (Barrier::new(AT_ONCE), site.server.port);
    let client = |client: usize| {
        begin.wait();
        let numbers = (client..GUESSES).step_by(AT_ONCE);
        let answers = numbers.map(|number| {
            let answer = Request::post(&target, &guess(number)).send(port).unwrap();
            match answer.status {
                400 => true,
                429 => {
                    let seconds: u64 = answer.first("retry-after").unwrap().parse().unwrap();
                    assert!((1..=900).contains(&seconds), "{seconds}");
                    false
                }
                _ => panic!("{answer:?}"),
            }
        });
        answers.filter(|compared| *compared).count()
    };
    std::thread::scope(|scope| {
        let client = &client;
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|number| scope.spawn(move || client(number)))
            .collect();
        let counts = threads.into_iter().map(|thread| thread.join().unwrap());
        counts.sum()
    })
}

fn attack_factor_brute_force_of_a_thousand_passwords_the_limit_is_compared(database: Database) {
    let site = start(database);
    let wrong = |number| json!({"email": ANA, "password": format!("wrong password {number}")});
    assert_eq!(compared(&site, "/login", wrong), PASSWORDS);
    let right = site.post("/login", &json!({"email": ANA, "password": PASSWORD}));
    assert_eq!(right.status, 429, "{right:?}");
    // The operator lets the owner in.
    let unlocked = site.folder.run(&["users", "unlock", ANA]);
    assert!(unlocked.status.success());
    assert!(site.signs_in(ANA, PASSWORD));
}

fn attack_factor_brute_force_of_a_thousand_codes_the_limit_is_compared(database: Database) {
    let site = start(database);
    let wrong = |number| json!({"identity": ANA, "passcode": format!("{number:06}")});
    assert_eq!(compared(&site, "/us-signin", wrong), CODES);
    // Nor for an account that does not exist, so that the limit does not tell which accounts do.
    let unknown =
        |number| json!({"identity": "no@example.com", "passcode": format!("{number:06}")});
    assert_eq!(compared(&site, "/us-signin", unknown), CODES);
}

on_each_database! {
    attack_factor_brute_force_of_a_thousand_passwords_the_limit_is_compared
    attack_factor_brute_force_of_a_thousand_codes_the_limit_is_compared
}
