//! Whose guesses are counted together: accounts in all spellings, networks, programs.

use serde_json::json;
use vestibule::admin;

use super::limits::{
    AUTHZ, CHANGE, FEW_FOR_ADDRESS, LOGIN, PROXY, VERIFY, basic, guess, refused, wait_of,
};
use crate::support::{ANA, PASSWORD, TestApp};

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
