//! Limits on guessing and sending: `docs/features/limits.md`.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use time::OffsetDateTime;
use vestibule::{Event, admin};
use vestibule_store::sql::TableNames;
use vestibule_store::{MemoryStore, NewUser, Store, StoreError, User, UserId, UserKey, UserPatch};

use crate::support::sqlite::Folder;
use crate::support::{ANA, Answer, Browser, LIFE, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz?methods=basic";
const CHANGE: &str = "/api/accounts/change";
const LOGIN: &str = "/api/accounts/login";
const VERIFY: &str = "/api/accounts/verify";

/// A proxy that the server trusts names the client's address.
const PROXY: &str = "TRUSTED_PROXIES = [\"127.0.0.1\"]\n";

/// A limit for addresses that is lower than that for accounts.
const FEW_FOR_ADDRESS: &str = "SECURITY_LIMIT_ADDRESS = \"3 per 15 minutes\"\n";

/// Guesses wrong passwords and returns the statuses.
async fn guess(browser: &mut Browser<'_>, email: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for number in 0..times {
        let answer = browser.sign_in(email, &format!("wrong {number}")).await;
        statuses.push(answer.status.as_u16());
    }
    statuses
}

fn refused(answer: &Answer) -> bool {
    answer.status == 429
}

/// The seconds of `Retry-After`.
fn wait_of(answer: &Answer) -> i64 {
    assert_eq!(answer.verdict(), (429, "TOO_MANY_ATTEMPTS".to_owned()));
    answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn reached(user_id: Option<UserId>, limit: &'static str, counted: &'static str) -> Event<'static> {
    Event::LimitReached {
        user_id,
        limit,
        counted,
    }
}

/// The reached limits since the last time.
fn limits_of(app: &TestApp) -> Vec<Event<'static>> {
    let events = app.take_events().into_iter();
    events
        .filter(|event| matches!(event, Event::LimitReached { .. }))
        .collect()
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[tokio::test]
async fn after_ten_wrong_passwords_even_the_right_one_is_refused_until_the_window_ends() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    assert_eq!(guess(&mut browser, ANA, 10).await, [400; 10]);
    app.wait(60);
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(wait_of(&answer), 14 * 60);
    assert!(!browser.is_signed_in().await);
    app.wait(14 * 60 - 1);
    assert_eq!(wait_of(&browser.sign_in(ANA, PASSWORD).await), 1);
    app.wait(1);
    assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn the_limit_of_a_day_outlasts_shorter_windows() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    for _ in 0..5 {
        assert_eq!(guess(&mut browser, ANA, 10).await, [400; 10]);
        app.wait(15 * 60);
    }
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(wait_of(&answer), 24 * 60 * 60 - 5 * 15 * 60);
}

#[tokio::test]
async fn attack_brute_force_parallel_wrong_passwords_are_compared_up_to_the_limit() {
    let app = TestApp::new().await;
    let hashes = || app.app().passwords().checked();
    let before = hashes();
    let guesses = (0..1000).map(|number| {
        // From many sessions and many clients.
        let mut browser = app.browser().from(&format!("198.51.100.{}", number % 250));
        async move {
            browser
                .sign_in(ANA, &format!("wrong {number}"))
                .await
                .status
                .as_u16()
        }
    });
    let statuses = join_all(guesses).await;
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(400), count(429)), (10, 990));
    assert_eq!(hashes() - before, 10);
}

#[tokio::test]
async fn parallel_right_passwords_are_all_accepted() {
    let app = TestApp::new().await;
    let attempts = (0..60).map(|_| {
        let mut browser = app.browser();
        async move { browser.sign_in(ANA, PASSWORD).await.status.as_u16() }
    });
    assert_eq!(join_all(attempts).await, [200; 60]);
    let right = basic(ANA, PASSWORD);
    let requests = (0..60).map(|_| {
        let mut program = app.browser().header("authorization", &right);
        async move { program.get(AUTHZ).await.status.as_u16() }
    });
    assert_eq!(join_all(requests).await, [200; 60]);
}

/// `/login`, `/verify`, `/change` and basic authentication.
#[tokio::test]
async fn attack_lockout_bypass_every_endpoint_that_checks_passwords_shares_one_counter() {
    let app = TestApp::with("SECURITY_CHANGEABLE = true").await;
    let hashes = || app.app().passwords().checked();
    let mut owner = app.signed_in().await.with_csrf().await;
    // As if from another device, which the cookie would name.
    owner.cookies.remove("vestibule_device");
    let change = json!({
        "password": "wrong", "new_password": "a new password", "new_password_confirm": "a new password",
    });
    let verify = json!({"password": "wrong"});
    let login = json!({"email": ANA, "password": "wrong"});
    let mut program = app.browser().header("authorization", &basic(ANA, "wrong"));
    for _ in 0..3 {
        assert_eq!(owner.post(VERIFY, verify.clone()).await.status, 400);
        assert_eq!(owner.post(CHANGE, change.clone()).await.status, 400);
        assert_eq!(app.browser().post(LOGIN, login.clone()).await.status, 400);
    }
    assert_eq!(program.get(AUTHZ).await.status, 401);
    let before = hashes();
    let right = json!({"password": PASSWORD});
    assert!(refused(&owner.post(VERIFY, right).await));
    let mut right = change;
    right["password"] = PASSWORD.into();
    assert!(refused(&owner.post(CHANGE, right).await));
    assert!(refused(&app.browser().sign_in(ANA, PASSWORD).await));
    let mut program = app.browser().header("authorization", &basic(ANA, PASSWORD));
    assert!(refused(&program.get(AUTHZ).await));
    assert_eq!(hashes(), before, "nothing is compared");
    // The session that the owner has goes on.
    assert!(owner.is_signed_in().await);
}

#[tokio::test]
async fn attack_limiter_key_every_spelling_of_an_identity_shares_one_counter() {
    let lines = "SECURITY_USERNAME_ENABLE = true\n\
                 SECURITY_USER_IDENTITY_ATTRIBUTES = [{ email = { case_insensitive = true } }, { username = { case_insensitive = true } }]";
    let app = TestApp::with(lines).await;
    app.user("rene@example.com", |draft| admin::NewAccount {
        username: Some("renee".to_owned()),
        ..draft
    })
    .await;
    for (known, spellings) in [
        (
            true,
            [
                json!({"email": "rene@example.com"}),
                json!({"email": "RENE@Example.COM"}),
                json!({"email": "rene@EXAMPLE.com"}),
                json!({"username": "renee"}),
                json!({"username": "RENEE"}),
                json!({"username": "\u{ff52}enee"}),
            ],
        ),
        (
            false,
            [
                json!({"email": "n\u{f6}body@example.com"}),
                json!({"email": "N\u{d6}BODY@EXAMPLE.COM"}),
                json!({"email": " n\u{f6}body@example.com"}),
                json!({"email": "no\u{308}body@example.com"}),
                json!({"email": "\u{ff4e}\u{f6}body@example.com"}),
                json!({"email": "n\u{f6}body@EXAMPLE.com "}),
            ],
        ),
    ] {
        for round in 0..3 {
            for (number, spelling) in spellings.iter().enumerate() {
                let mut body = spelling.clone();
                body["password"] = "wrong".into();
                let answer = app.browser().post(LOGIN, body).await;
                let expected = round * spellings.len() + number >= 10;
                assert_eq!(refused(&answer), expected, "{known} {round} {spelling}");
            }
        }
    }
}

#[tokio::test]
async fn attack_enumeration_known_and_unknown_accounts_get_the_same_refusal() {
    for lines in ["", "SECURITY_RETURN_GENERIC_RESPONSES = true"] {
        let app = TestApp::with(lines).await;
        let mut answers = Vec::new();
        for email in [ANA, "nobody@example.com"] {
            let mut browser = app.browser().header("x-request-id", "the-same");
            let statuses = guess(&mut browser, email, 10).await;
            assert_eq!(statuses, [400; 10], "{email}");
            let answer = browser.sign_in(email, PASSWORD).await;
            assert_eq!(wait_of(&answer), 15 * 60);
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            headers.remove("set-cookie");
            answers.push((answer.status, format!("{headers:?}"), answer.text));
        }
        assert_eq!(answers[0], answers[1]);
    }
}

#[tokio::test]
async fn attack_limiter_key_neighbours_in_one_network_share_one_counter() {
    for (one, neighbour, other) in [
        ("203.0.113.7", "::ffff:203.0.113.7", "203.0.113.8"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ] {
        let app = TestApp::with(&format!("{PROXY}{FEW_FOR_ADDRESS}")).await;
        let from = |address: &str| app.browser().header("x-forwarded-for", address);
        // Whatever the account.
        for (number, address) in [one, neighbour, one].into_iter().enumerate() {
            let email = format!("{number}@example.com");
            assert_eq!(guess(&mut from(address), &email, 1).await, [400]);
        }
        for address in [one, neighbour] {
            assert!(
                refused(&from(address).sign_in(ANA, PASSWORD).await),
                "{address}"
            );
        }
        assert_eq!(
            from(other).sign_in(ANA, PASSWORD).await.status,
            200,
            "{other}"
        );
    }
}

#[tokio::test]
async fn attack_limiter_key_a_client_cannot_choose_its_address() {
    // The proxy that may name addresses is another one.
    let proxy = "TRUSTED_PROXIES = [\"10.0.0.0/8\"]\n";
    let app = TestApp::with(&format!("{proxy}{FEW_FOR_ADDRESS}")).await;
    let spoofing = |number: usize| {
        app.browser()
            .from("203.0.113.7")
            .header("x-forwarded-for", &format!("198.51.100.{number}"))
    };
    for number in 0..3 {
        let email = format!("{number}@example.com");
        assert_eq!(guess(&mut spoofing(number), &email, 1).await, [400]);
    }
    assert!(refused(&spoofing(9).sign_in(ANA, PASSWORD).await));

    // Behind the proxy, hops that the client prepends do not count.
    let through = |hops: &str| {
        app.browser()
            .from("10.0.0.1")
            .header("x-forwarded-for", hops)
    };
    for number in 0..3 {
        let hops = format!("198.51.100.{number}, 203.0.113.9");
        let email = format!("{number}@example.com");
        assert_eq!(guess(&mut through(&hops), &email, 1).await, [400]);
    }
    let hops = "198.51.100.77, 203.0.113.9";
    assert!(refused(&through(hops).sign_in(ANA, PASSWORD).await));
}

#[tokio::test]
async fn loopback_clients_have_no_counter_of_their_address() {
    let app = TestApp::with(FEW_FOR_ADDRESS).await;
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        for number in 0..5 {
            let email = format!("{number}@example.com");
            let mut browser = app.browser().from(address);
            assert_eq!(guess(&mut browser, &email, 1).await, [400], "{address}");
        }
    }
}

#[tokio::test]
async fn attack_limiter_key_a_success_clears_the_account_and_never_the_address() {
    let app = TestApp::with("SECURITY_LIMIT_ADDRESS = \"15 per 15 minutes\"").await;
    app.user("mallory@example.com", |draft| draft).await;
    let from = |address: &str| app.browser().from(address);
    let mut mallory = from("203.0.113.7");
    assert_eq!(guess(&mut mallory, ANA, 9).await, [400; 9]);
    // The owner signs in, from elsewhere, and the account's counter begins again.
    assert_eq!(
        from("198.51.100.1").sign_in(ANA, PASSWORD).await.status,
        200
    );
    assert_eq!(guess(&mut mallory, ANA, 5).await, [400; 5]);
    // A success of their own does not give the address new guesses, and does not use one up.
    for _ in 0..3 {
        let answer = from("203.0.113.7")
            .sign_in("mallory@example.com", PASSWORD)
            .await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(guess(&mut mallory, "bo@example.com", 2).await, [400, 429]);
    // The account is not full: the owner can sign in from elsewhere.
    assert_eq!(
        from("198.51.100.1").sign_in(ANA, PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn attack_limiter_key_a_program_that_polls_does_not_clear_the_counter() {
    let app = TestApp::new().await;
    let right = basic(ANA, PASSWORD);
    let mut attacker = app.browser();
    for _ in 0..10 {
        let mut program = app.browser().header("authorization", &right);
        assert_eq!(program.get(AUTHZ).await.status, 200);
        assert_eq!(guess(&mut attacker, ANA, 1).await, [400]);
    }
    assert_eq!(guess(&mut attacker, ANA, 1).await, [429]);
}

#[tokio::test]
async fn attack_lockout_denial_a_stranger_cannot_lock_out_the_owners_device() {
    let app = TestApp::with(FEW_FOR_ADDRESS).await;
    let mut owner = app.browser().from("203.0.113.7");
    assert_eq!(owner.sign_in(ANA, PASSWORD).await.status, 200);
    owner.sign_out().await;
    // A stranger behind the same address fills the counter of the address, and others that of the
    // account.
    for number in 0..4 {
        let mut stranger = app.browser().from(&format!("203.0.113.{}", 7 + number));
        guess(&mut stranger, ANA, 3).await;
    }
    let mut elsewhere = app.browser().from("198.51.100.1");
    assert!(refused(&elsewhere.sign_in(ANA, PASSWORD).await));
    assert_eq!(owner.sign_in(ANA, PASSWORD).await.status, 200);
    // What the stranger counted stays.
    assert!(refused(&elsewhere.sign_in(ANA, PASSWORD).await));
}

#[tokio::test]
async fn attack_lockout_bypass_a_device_has_the_same_limit_for_its_own_accounts_only() {
    let app = TestApp::new().await;
    app.user("bo@example.com", |draft| draft).await;
    let mut thief = app.browser();
    let owner = app.signed_in().await;
    let device = owner.cookies["vestibule_device"].clone();
    thief.cookies.insert("vestibule_device".to_owned(), device);
    assert!(!thief.is_signed_in().await, "the cookie proves nothing");

    assert_eq!(guess(&mut thief, ANA, 11).await[9..], [400, 429]);
    assert!(refused(&thief.sign_in(ANA, PASSWORD).await));
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
    // For another account it is no known device.
    assert_eq!(
        guess(&mut app.browser(), "bo@example.com", 10).await,
        [400; 10]
    );
    assert!(refused(&thief.sign_in("bo@example.com", PASSWORD).await));
}

#[tokio::test]
async fn attack_lockout_bypass_a_forged_or_expired_device_cookie_is_ignored() {
    let app = TestApp::new().await;
    let owner = app.signed_in().await;
    let device = owner.cookies["vestibule_device"].clone();
    assert_eq!(guess(&mut app.browser(), ANA, 10).await, [400; 10]);
    let with = |cookie: &str| {
        let mut browser = app.browser();
        browser
            .cookies
            .insert("vestibule_device".to_owned(), cookie.to_owned());
        browser
    };
    let last = if device.ends_with('A') { "B" } else { "A" };
    let (id, rest) = device.split_once('-').unwrap();
    let changed = format!("{}{last}", &device[..device.len() - 1]);
    let another_id = format!("{}-{rest}", "0".repeat(id.len()));
    for forged in ["", "x", "a-b.c.d", changed.as_str(), another_id.as_str()] {
        assert!(
            refused(&with(forged).sign_in(ANA, PASSWORD).await),
            "{forged}"
        );
    }
    assert_eq!(with(&device).sign_in(ANA, PASSWORD).await.status, 200);
    app.wait(365 * 24 * 60 * 60 + 1);
    assert_eq!(guess(&mut app.browser(), ANA, 10).await, [400; 10]);
    assert!(refused(&with(&device).sign_in(ANA, PASSWORD).await));
}

#[tokio::test]
async fn a_completed_sign_in_sets_the_device_cookie() {
    let app = TestApp::with("SESSION_COOKIE_SECURE = true").await;
    app.user("bo@example.com", |draft| draft).await;
    let mut browser = app.browser();
    let answer = browser.sign_in(ANA, "wrong").await;
    assert_eq!(answer.set_cookie("vestibule_device"), None);
    let answer = browser.sign_in(ANA, PASSWORD).await;
    let cookie = answer.set_cookie("vestibule_device").unwrap();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "Expires=Sat, 15 Jan 2028 08:00:00 GMT; Max-Age=31536000; Secure; HttpOnly; Path=/; SameSite=Lax"
    );
    let user = app.stored(ANA).await;
    for secret in [&user.id.to_string(), &user.fs_uniquifier, "ana"] {
        assert!(
            !value.split(['=', '-', '.']).any(|part| part == secret),
            "{value}"
        );
    }
    assert_eq!(
        browser.get(LOGIN).await.set_cookie("vestibule_device"),
        None
    );

    // Several people share a browser, and each has a counter there.
    browser.sign_out().await;
    assert_eq!(
        browser.sign_in("bo@example.com", PASSWORD).await.status,
        200
    );
    browser.sign_out().await;
    for email in [ANA, "bo@example.com"] {
        assert_eq!(guess(&mut app.browser(), email, 10).await, [400; 10]);
        assert_eq!(
            browser.sign_in(email, PASSWORD).await.status,
            200,
            "{email}"
        );
        browser.sign_out().await;
    }
}

#[tokio::test]
async fn a_reached_limit_is_reported_once_per_window() {
    let app = TestApp::with("SECURITY_LIMIT_ADDRESS = \"12 per hour\"").await;
    let ana = app.stored(ANA).await.id;
    let mut browser = app.browser().from("203.0.113.7");
    guess(&mut browser, ANA, 9).await;
    assert_eq!(limits_of(&app), []);
    guess(&mut browser, ANA, 5).await;
    assert_eq!(limits_of(&app), [reached(Some(ana), "password", "account")]);
    guess(&mut browser, "nobody@example.com", 5).await;
    assert_eq!(limits_of(&app), [reached(None, "password", "address")]);
    app.wait(15 * 60);
    let mut other = app.browser().from("203.0.113.8");
    guess(&mut other, ANA, 11).await;
    assert_eq!(limits_of(&app), [reached(Some(ana), "password", "account")]);
    guess(&mut app.browser(), "nobody@example.com", 12).await;
    assert_eq!(limits_of(&app), [reached(None, "password", "account")]);

    let entries = app.app().store().audit(None, 0, 1000).await.unwrap();
    let limits: Vec<_> = entries
        .iter()
        .filter(|entry| entry.what.kind == "limit_reached")
        .map(|entry| {
            let detail: Value = serde_json::from_str(entry.what.detail.as_ref().unwrap()).unwrap();
            (
                entry.what.user_id,
                detail["limit"].clone(),
                detail["counted"].clone(),
            )
        })
        .collect();
    let entry = |user, counted: &str| (user, json!("password"), json!(counted));
    assert_eq!(
        limits,
        [
            entry(Some(ana), "account"),
            entry(None, "address"),
            entry(Some(ana), "account"),
            entry(None, "account")
        ]
    );
}

#[tokio::test]
async fn in_the_mode_log_limits_are_reported_and_nothing_is_refused() {
    let app = TestApp::with("SECURITY_LIMITS = \"log\"").await;
    let ana = app.stored(ANA).await.id;
    let mut browser = app.browser();
    assert_eq!(guess(&mut browser, ANA, 20).await, [400; 20]);
    assert_eq!(limits_of(&app), [reached(Some(ana), "password", "account")]);
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert!(answer.set_cookie("vestibule_device").is_some());
}

#[tokio::test]
async fn when_limits_are_off_nothing_is_counted_and_no_cookie_is_set() {
    let folder = Folder::new();
    let store = folder.store(&TableNames::default());
    let app = TestApp::built("SECURITY_LIMITS = \"off\"", |builder| {
        builder.datastore(store)
    })
    .await;
    let mut browser = app.browser();
    assert_eq!(guess(&mut browser, ANA, 60).await, [400; 60]);
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.set_cookie("vestibule_device"), None);
    assert_eq!(limits_of(&app), []);
    assert_eq!(rows(&folder), 0);
}

fn rows(folder: &Folder) -> i64 {
    let count = "SELECT count(*) FROM vestibule_guesses";
    folder.sql().query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn attack_brute_force_counters_outlast_a_restart_and_hold_for_all_servers() {
    let folder = Folder::new();
    let tables = TableNames::default();
    let store = folder.store(&tables);
    let app = TestApp::built("", |builder| builder.datastore(store)).await;
    assert_eq!(guess(&mut app.browser(), ANA, 6).await, [400; 6]);
    drop(app);
    // Two servers with the same database.
    let servers = [0, 1].map(|_| folder.store(&tables));
    let [one, other] = servers.map(TestApp::server_on);
    assert_eq!(sign_in(&one, "wrong").await, 400);
    assert_eq!(sign_in(&other, "wrong").await, 400);
    assert_eq!(sign_in(&one, "wrong").await, 400);
    assert_eq!(sign_in(&other, "wrong").await, 400);
    assert_eq!(sign_in(&one, PASSWORD).await, 429);
    assert_eq!(sign_in(&other, PASSWORD).await, 429);

    // The table reveals neither accounts nor addresses.
    let text = "SELECT group_concat(principal || purpose || device, ' ') FROM vestibule_guesses";
    let text: String = folder.sql().query_row(text, [], |row| row.get(0)).unwrap();
    for known in ["ana", "example", "127.0.0.1"] {
        assert!(!text.contains(known), "{text}");
    }
}

async fn sign_in(server: &axum::Router, password: &str) -> u16 {
    use tower::ServiceExt as _;
    let request = http::Request::post(LOGIN)
        .header("host", "localhost:5000")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(
            json!({"email": ANA, "password": password}).to_string(),
        ))
        .unwrap();
    let answer = server.clone().oneshot(request).await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn attack_flood_mails_to_one_recipient_are_limited_and_the_answer_stays_the_same() {
    const RESET: &str = "/api/accounts/reset";
    const RECOVER: &str = "/api/accounts/recover-username";
    for generic in [true, false] {
        let app = TestApp::with(&format!(
            "{LIFE}SECURITY_RETURN_GENERIC_RESPONSES = {generic}\n"
        ))
        .await;
        let ana = app.stored(ANA).await.id;
        let answer = async |path: &str, email: &str| {
            let mut browser = app.browser().header("x-request-id", "the-same");
            let answer = browser.post(path, json!({"email": email})).await;
            let mut response = answer.response();
            response.as_object_mut().unwrap().remove("csrf_token");
            (answer.status.as_u16(), response)
        };
        let first = answer(RESET, ANA).await;
        for number in 1..10 {
            // All kinds of mail, in all spellings, count together.
            let path = if number % 2 == 0 { RESET } else { RECOVER };
            let found = answer(path, "Ana@EXAMPLE.com").await;
            assert_eq!(found, first, "{generic} {number}");
        }
        assert_eq!(app.mails(ANA).await.len(), 5);
        assert_eq!(limits_of(&app), [reached(Some(ana), "send", "recipient")]);
        // Other recipients have counters of their own.
        app.user("bo@example.com", |draft| draft).await;
        answer(RESET, "bo@example.com").await;
        assert_eq!(app.mails("bo@example.com").await.len(), 1);
        app.wait(15 * 60);
        answer(RESET, ANA).await;
        assert_eq!(app.mails(ANA).await.len(), 6);
    }
}

#[tokio::test]
async fn attack_flood_registrations_and_changes_of_address_cannot_flood_a_mailbox() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_RETURN_GENERIC_RESPONSES = true\nSECURITY_LIMIT_SEND = \"2 per day\"\n"
    ))
    .await;
    let victim = "victim@elsewhere.example";
    let register = json!({
        "email": victim, "username": "victim", "password": "battery staple", "password_confirm": "battery staple",
    });
    for _ in 0..5 {
        let answer = app
            .browser()
            .post("/api/accounts/register", register.clone())
            .await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(app.mails(victim).await.len(), 2);

    let mut ana = app.signed_in().await.with_csrf().await;
    let other = "other@elsewhere.example";
    for _ in 0..5 {
        let answer = ana
            .post("/api/accounts/change-email", json!({"email": other}))
            .await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(app.mails(other).await.len(), 2);
}

#[tokio::test]
async fn unlocking_clears_the_counters_of_an_account() {
    let app = TestApp::with(LIFE).await;
    let ana = app.stored(ANA).await;
    assert!(!admin::unlock(app.app(), &ana).await.unwrap());
    let mut owner = app.signed_in().await;
    owner.sign_out().await;
    for browser in [&mut owner, &mut app.browser()] {
        assert_eq!(guess(browser, ANA, 10).await, [400; 10]);
    }
    for _ in 0..6 {
        app.browser()
            .post("/api/accounts/reset", json!({"email": ANA}))
            .await;
    }
    assert!(admin::unlock(app.app(), &ana).await.unwrap());
    for mut browser in [owner, app.browser()] {
        assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
    }
    app.browser()
        .post("/api/accounts/reset", json!({"email": ANA}))
        .await;
    assert_eq!(app.mails(ANA).await.len(), 6);
    let log = app
        .app()
        .store()
        .audit(Some(ana.id), 0, 1000)
        .await
        .unwrap();
    assert_eq!(
        log.iter()
            .filter(|entry| entry.what.kind == "unlocked")
            .count(),
        1
    );
}

/// A store of an application, which does not count.
#[derive(Debug)]
struct Own(MemoryStore);

#[async_trait]
impl Store for Own {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        self.0.user(key).await
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.0.create_user(new).await
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.0.update_user(id, patch, now).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn attack_fail_open_a_store_that_does_not_count_has_limits_in_memory() {
    let store = Arc::new(Own(MemoryStore::default()));
    let app = TestApp::built("", |builder| builder.datastore(store)).await;
    let mut browser = app.browser();
    assert_eq!(guess(&mut browser, ANA, 11).await[9..], [400, 429]);
    assert_eq!(limits_of(&app).len(), 1);
    app.wait(15 * 60);
    assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn the_document_describes_429_unless_nothing_is_refused() {
    for (mode, described) in [("on", true), ("log", false), ("off", false)] {
        let app = TestApp::with(&format!("SECURITY_LIMITS = \"{mode}\"")).await;
        let answer = app.browser().get("/api/accounts/openapi.json").await;
        let document: Value = serde_json::from_str(&answer.text).unwrap();
        let paths = document["paths"].as_object().unwrap();
        for (path, method, checks) in [
            ("login", "post", true),
            ("verify", "post", true),
            ("login", "get", false),
        ] {
            let found = paths
                .iter()
                .find(|(name, _)| name.ends_with(&format!("/{path}")));
            let responses = &found.unwrap().1[method]["responses"];
            assert_eq!(
                !responses["429"].is_null(),
                described && checks,
                "{mode} {path} {method}"
            );
        }
    }
}
