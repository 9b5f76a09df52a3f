//! No answer reveals whether an account exists, neither by its content nor by its cost.

#![expect(clippy::print_stdout, reason = "the figures and their bound are shown")]

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use vestibule::admin::NewAccount;
use vestibule_store::{MemoryStore, UserPatch};

use crate::support::mails::path_in;
use crate::support::watched::Watched;
use crate::support::{ANA, Answer, LIFE, TestApp};

const OFF: &str = "off@example.com";
const UNCONFIRMED: &str = "new@example.com";
const UNKNOWN: &str = "unknown@example.com";

const GENERIC: &str = "SECURITY_RETURN_GENERIC_RESPONSES = true\n";

async fn people(extra: &str) -> TestApp {
    let app = TestApp::with(&format!("{LIFE}{GENERIC}{UNIFIED}{extra}")).await;
    invite(&app).await;
    app.has(ANA, &["email"]).await;
    app
}

const UNIFIED: &str = "SECURITY_UNIFIED_SIGNIN = true\n";

/// Adds a deactivated and an unconfirmed user.
async fn invite(app: &TestApp) {
    app.user(OFF, |draft| NewAccount {
        active: false,
        ..draft
    })
    .await;
    app.user(UNCONFIRMED, |draft| NewAccount {
        confirmed: false,
        ..draft
    })
    .await;
}

/// Every endpoint that accepts an address from an anonymous client.
fn requests(email: &str) -> Vec<(&'static str, Value)> {
    let new = "a new password";
    vec![
        ("login", json!({"email": email, "password": "wrong"})),
        (
            "register",
            json!({"email": email, "password": new, "password_confirm": new}),
        ),
        ("confirm", json!({"email": email})),
        ("reset", json!({"email": email})),
        ("recover-username", json!({"email": email})),
        ("us-signin", json!({"identity": email, "passcode": "wrong"})),
        (
            "us-signin/send-code",
            json!({"identity": email, "chosen_method": "email"}),
        ),
    ]
}

/// Everything that a client sees, with random values masked.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let hide = |text: &str| {
        text.chars()
            .map(|c| {
                let drawn = c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                if drawn { 'x' } else { c }
            })
            .collect::<String>()
    };
    let headers = answer.headers.iter().map(|(name, value)| {
        let value = value.to_str().unwrap();
        let value = match name.as_str() {
            "x-request-id" | "set-cookie" => hide(value),
            _ => value.to_owned(),
        };
        (name.to_string(), value)
    });
    let mut response = answer.response();
    if let Some(token) = response.get_mut("csrf_token") {
        *token = hide(token.as_str().unwrap()).into();
    }
    (answer.status.as_u16(), headers.collect(), response)
}

#[tokio::test]
async fn attack_enumeration_every_public_endpoint_gives_the_same_answer_for_the_same_work() {
    for extra in ["", "SECURITY_PASSWORDLESS = true\n"] {
        let mut counted = Vec::new();
        for email in [ANA, OFF, UNCONFIRMED, UNKNOWN] {
            // A new application for each address, so that no request affects another.
            let app = people(extra).await;
            for (path, body) in requests(email) {
                let hashes = app.app().passwords().checked();
                let jobs = queued(&app).await;
                let mut browser = app.browser();
                let answer = browser.post(&format!("/api/accounts/{path}"), body).await;
                let cost = (
                    app.app().passwords().checked() - hashes,
                    queued(&app).await - jobs,
                );
                counted.push((path, email, seen(&answer), cost));
            }
        }
        for (path, email, seen, cost) in &counted {
            let (_, _, first, first_cost) = counted.iter().find(|row| row.0 == *path).unwrap();
            assert_eq!(seen, first, "{path} for {email}, {extra}");
            assert_eq!(cost, first_cost, "{path} for {email}, {extra}");
        }
    }
}

/// The number of mails ever queued in the outbox, sent or not.
async fn queued(app: &TestApp) -> usize {
    let now = app.app().clock().now();
    let store = app.app().store();
    // The lease lasts no time, so the next count finds the same mails again.
    store
        .claim_mails("count", now, now, 1000)
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn attack_enumeration_each_request_mails_only_the_intended_user() {
    let app = people("").await;
    for email in [ANA, OFF, UNCONFIRMED, UNKNOWN] {
        for (path, body) in requests(email) {
            app.browser()
                .post(&format!("/api/accounts/{path}"), body)
                .await;
        }
    }
    let mails = app.all_mails().await;
    let kinds = |email: &str| -> Vec<&str> {
        let mails = mails.iter().filter(|mail| mail.to == email);
        mails
            .map(|mail| {
                let link = mail.text.as_deref().and_then(path_in).unwrap_or_default();
                ["reset", "confirm"]
                    .into_iter()
                    .find(|kind| link.contains(&format!("/{kind}/")))
                    .unwrap_or("none")
            })
            .collect()
    };
    assert_eq!(kinds(ANA), ["reset", "reset", "none", "none"]);
    assert_eq!(
        kinds(UNKNOWN),
        ["confirm", "confirm"],
        "the request to /register created this account"
    );
    assert_eq!(kinds(UNCONFIRMED), ["reset", "confirm"]);
    // A deactivated user is told at most that the account exists.
    assert!(kinds(OFF).len() <= 1, "{:?}", kinds(OFF));
}

/// One way to ask about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// A body to a path, from an anonymous client.
    Post(&'static str),
    /// The same with a username in place of the address.
    PostUsername(&'static str),
    /// A wrong passcode for a username.
    UnifiedUsername,
    /// A wrong passcode for a phone number.
    UnifiedPhone,
    /// Basic authentication with a wrong password.
    Basic,
    /// Basic authentication with a wrong password and a phone number.
    BasicPhone,
    /// A new address for a signed-in user.
    ChangeEmail,
}

/// The account that is asked about.
struct Account {
    email: String,
    username: &'static str,
    phone: &'static str,
}

impl Asking {
    async fn send(self, app: &TestApp, account: &Account) {
        let Account {
            email,
            username,
            phone,
        } = account;
        let answer = match self {
            Self::Post(path) => {
                let rows = requests(email);
                let (_, body) = rows.into_iter().find(|row| row.0 == path).unwrap();
                let path = format!("/api/accounts/{path}");
                app.browser().post(&path, body).await
            }
            Self::PostUsername(path) => {
                let body = json!({
                    "email": "free@example.com", "username": username,
                    "password": "a new password", "password_confirm": "a new password",
                });
                let mut body = body;
                if path == "login" {
                    body.as_object_mut().unwrap().remove("email");
                }
                let path = format!("/api/accounts/{path}");
                app.browser().post(&path, body).await
            }
            Self::UnifiedUsername => app.browser().unified(username, "wrong").await,
            Self::UnifiedPhone => app.browser().unified(phone, "wrong").await,
            Self::Basic => app.basic(email, "wrong").get(BASIC).await,
            Self::BasicPhone => app.basic(phone, "wrong").get(BASIC).await,
            Self::ChangeEmail => unreachable!("it needs a session: see `calls`"),
        };
        assert!(answer.status.as_u16() < 500, "{answer:?}");
    }
}

const BASIC: &str = "/api/accounts/authz?methods=basic";
const USERNAME: &str = "mareike";
const PHONE: &str = "02079460958";

/// Accepts basic authentication with any of the three identities.
const IDENTITIES: &str = r#"
SECURITY_API_ENABLED_METHODS = ["session", "basic"]
SECURITY_USER_IDENTITY_ATTRIBUTES = ["email", "us_phone_number", "username"]
SECURITY_USERNAME_ALLOWED_CHARS = ["L", "N"]
SECURITY_PHONE_REGION_DEFAULT = "GB"
"#;

/// The store calls of one request about an account, in an application of its own.
async fn calls(asking: Asking, account: &Account, extra: &str) -> Vec<String> {
    let store = Arc::new(Watched::over(Arc::new(MemoryStore::default())));
    let lines = format!("{LIFE}{GENERIC}{IDENTITIES}{UNIFIED}{extra}");
    let watched = Arc::clone(&store);
    let app = TestApp::built(&lines, |builder| builder.datastore(watched)).await;
    invite(&app).await;
    let named = |draft| NewAccount {
        username: Some(USERNAME.to_owned()),
        ..draft
    };
    let user = app.user("mareike@example.com", named).await;
    let patch = UserPatch {
        us_phone_number: Some(Some("+442079460958".to_owned())),
        ..UserPatch::default()
    };
    let now = app.app().clock().now();
    app.app()
        .store()
        .update_user(user.id, patch, now)
        .await
        .unwrap();
    // The first check of a password looks at the kinds of stored hashes, once.
    app.browser().sign_in("warm@example.com", "up").await;
    if asking == Asking::ChangeEmail {
        let mut browser = app.signed_in().await.with_csrf().await;
        store.take_calls();
        let body = json!({"email": account.email});
        let path = "/api/accounts/change-email";
        let answer = browser.post(path, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    } else {
        store.take_calls();
        asking.send(&app, account).await;
    }
    let calls = store.take_calls();
    assert!(!calls.is_empty(), "{asking:?} reads nothing");
    calls
}

#[tokio::test]
async fn attack_enumeration_by_time_known_and_unknown_accounts_cause_the_same_store_calls() {
    let unknown = |email: &str| Account {
        email: email.to_owned(),
        username: "unknown",
        phone: "02079460959",
    };
    let known = |email: &str| Account {
        email: email.to_owned(),
        username: USERNAME,
        phone: PHONE,
    };
    let post = ["login", "register", "confirm", "reset", "recover-username"];
    let mut cases: Vec<(Asking, &str)> = post.map(|path| (Asking::Post(path), "")).to_vec();
    cases.extend([
        (Asking::Post("login"), "SECURITY_PASSWORDLESS = true\n"),
        // The application sends the mail itself.
        (
            Asking::Post("reset"),
            "SECURITY_SEND_PASSWORD_RESET_EMAIL = false\n",
        ),
        (
            Asking::Post("register"),
            "SECURITY_SEND_REGISTER_EMAIL = false\n",
        ),
        (Asking::PostUsername("login"), ""),
        (Asking::PostUsername("register"), ""),
        (Asking::UnifiedUsername, ""),
        (Asking::UnifiedPhone, ""),
        (Asking::Basic, ""),
        (Asking::BasicPhone, ""),
        (Asking::ChangeEmail, ""),
    ]);
    for (asking, extra) in cases {
        // Creating an account takes other parts of a change than writing to its owner.
        let is_register = matches!(
            asking,
            Asking::Post("register") | Asking::PostUsername("register")
        );
        let shown = |calls: Vec<String>| -> Vec<String> {
            let method = |call: String| call.split('(').next().unwrap().to_owned();
            if is_register {
                calls.into_iter().map(method).collect()
            } else {
                calls
            }
        };
        let uppercase = UNKNOWN.to_uppercase();
        for (spell, unknown_email) in [(false, UNKNOWN), (true, uppercase.as_str())] {
            let expected = shown(calls(asking, &unknown(unknown_email), extra).await);
            for email in [ANA, OFF, UNCONFIRMED] {
                if asking == Asking::ChangeEmail && email == ANA {
                    continue;
                }
                let email = if spell {
                    email.to_uppercase()
                } else {
                    email.to_owned()
                };
                let made = shown(calls(asking, &known(&email), extra).await);
                assert_eq!(made, expected, "{asking:?} about {email}, {extra}");
            }
        }
    }
}

/// The default cost of a password hash, without a limit on wrong ones.
const AS_SHIPPED: &str = "SECURITY_LIMITS = \"off\"\nSECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__memory_cost = 65536, argon2__time_cost = 3, argon2__parallelism = 4 }\n";

/// Alternates known and unknown addresses at the endpoints that hash a password. What the others
/// cost is counted: see the store calls above. Welch's t over the middle of the samples must stay
/// within the bound, or the means must differ by less than what the test itself adds for known
/// addresses (it records events, in an unoptimised build). A busy machine gets another try; a real
/// difference would persist.
#[tokio::test]
async fn attack_enumeration_by_time_known_and_unknown_addresses_take_the_same_time() {
    const BOUND: f64 = 4.5;
    const NOTED: f64 = 20.0;
    const TRIES: usize = 3;
    for path in ["login", "register"] {
        let mut within = false;
        for _ in 0..TRIES {
            let (t, apart) = difference(path).await;
            println!("    t = {t:.2}, bound {BOUND}; {apart:.0} µs apart, bound {NOTED}");
            within = t.abs() < BOUND || apart < NOTED;
            if within {
                break;
            }
        }
        assert!(within, "{path} distinguishes known from unknown addresses");
    }
}

/// Welch's t between unknown and known addresses, and the difference of their means in
/// microseconds.
async fn difference(path: &str) -> (f64, f64) {
    const ROUNDS: usize = 40;
    let app = people(AS_SHIPPED).await;
    let mut samples = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS * 2 {
        let known = round % 2 == 0;
        // Of the same length, as far as possible.
        let email = if known {
            ANA.to_owned()
        } else {
            format!("{:03}@example.com", round % 1000)
        };
        let rows = requests(&email);
        let (_, body) = rows.into_iter().find(|row| row.0 == path).unwrap();
        let mut browser = app.browser();
        let target = format!("/api/accounts/{path}");
        let started = Instant::now();
        let answer = browser.post(&target, body).await;
        samples[usize::from(known)].push(started.elapsed().as_secs_f64() * 1e6);
        assert!(answer.status.as_u16() < 500, "{answer:?}");
    }
    let [unknown, known] = samples.map(middle);
    println!(
        "{path}: known {:.0} µs, unknown {:.0} µs",
        mean(&known),
        mean(&unknown)
    );
    (
        welch(&unknown, &known),
        (mean(&unknown) - mean(&known)).abs(),
    )
}

/// The samples without the slowest and the fastest tenth, which are noise of the machine.
fn middle(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_by(f64::total_cmp);
    let tenth = samples.len() / 10;
    samples[tenth..samples.len() - tenth].to_vec()
}

#[expect(clippy::cast_precision_loss, reason = "hundreds")]
fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

#[expect(clippy::cast_precision_loss, reason = "hundreds")]
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let variance = |samples: &[f64]| {
        let mean = mean(samples);
        let squares = samples.iter().map(|sample| (sample - mean).powi(2));
        squares.sum::<f64>() / (samples.len() - 1) as f64 / samples.len() as f64
    };
    (mean(a) - mean(b)) / (variance(a) + variance(b)).sqrt()
}
