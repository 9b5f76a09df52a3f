//! One request has one caller, even if a victim's session and an attacker's credentials arrive
//! together.

use http::Method;
use serde_json::{Value, json};

use crate::support::callers::{TOKEN_HEADER, assert_every_path_is_listed};
use crate::support::codes::TWO_FACTOR;
use crate::support::social::{SOCIAL, filled};
use crate::support::{ANA, Answer, Browser, LIFE, PASSWORD, TestApp};

const PREFIX: &str = "/api/accounts";
const BO: &str = "bo@example.com";
const HER_OWN: &str = "her own password";

/// Where the attacker's token is sent.
const PLACES: [&str; 3] = ["header", "query", "body"];

/// Enables every endpoint, gives Eve a different password from Ana's, and has answers name the user
/// by address.
async fn two_people(extra: &str) -> TestApp {
    let lines = format!(
        "{LIFE}{TWO_FACTOR}{SOCIAL}SECURITY_WEBAUTHN = true\nSECURITY_UNIFIED_SIGNIN = true\nSECURITY_LINKS_CONSUMED_BY = \"post\"\nSECURITY_REFRESH_TOKEN = true\nSECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"\n{extra}"
    );
    let app = TestApp::built(&lines, |builder| {
        builder.describe_user(|user| {
            let email = json!(user.email);
            std::iter::once(("email".to_owned(), email)).collect()
        })
    })
    .await;
    let with_her_own = |draft| vestibule::admin::NewAccount {
        password: HER_OWN.to_owned(),
        ..draft
    };
    app.user("eve@example.com", with_her_own).await;
    app.user(BO, |draft| draft).await;
    app
}

/// Sends a request, with a token at one of [`PLACES`] or without one.
async fn ask(
    browser: &mut Browser<'_>,
    method: Method,
    path: &str,
    mut body: Value,
    token: Option<(&str, &str)>,
) -> Answer {
    let mut path = format!("{PREFIX}{}", filled(path));
    let mut asking = browser.clone();
    match token {
        Some(("header", token)) => asking = asking.header(TOKEN_HEADER, token),
        Some(("query", token)) => {
            let joint = if path.contains('?') { '&' } else { '?' };
            path = format!("{path}{joint}auth_token={token}");
        }
        Some((_, token)) => body["auth_token"] = json!(token),
        None => {}
    }
    let json = Some("application/json");
    let answer = asking
        .send(method, &path, json, body.to_string().into())
        .await;
    browser.cookies = asking.cookies;
    answer
}

/// Every endpoint, with a body that would succeed for the victim.
fn endpoints() -> Vec<(Method, &'static str, Value)> {
    let password = json!({"password": PASSWORD});
    let credentials = json!({"email": ANA, "password": PASSWORD});
    let passcode = json!({"identity": ANA, "passcode": PASSWORD});
    let choice = json!({"identity": ANA, "chosen_method": "email"});
    let new = json!({
        "email": "new@example.com",
        "password": "a new password", "password_confirm": "a new password",
    });
    vec![
        (Method::GET, "/login", json!({})),
        (Method::POST, "/login", credentials.clone()),
        (Method::POST, "/login?include_auth_token", credentials),
        (Method::GET, "/verify", json!({})),
        (Method::POST, "/verify", password.clone()),
        (Method::POST, "/verify?include_auth_token", password),
        (Method::GET, "/authz", json!({})),
        (Method::GET, "/authz?within=60&grace=60", json!({})),
        (Method::GET, "/authz?methods=token&within=60", json!({})),
        (Method::POST, "/refresh-token", json!({})),
        (Method::GET, "/register", json!({})),
        (Method::POST, "/register", new.clone()),
        (Method::GET, "/confirm", json!({})),
        (Method::POST, "/confirm", new.clone()),
        (Method::GET, "/confirm/{token}", json!({})),
        (Method::POST, "/confirm/{token}", json!({})),
        (Method::GET, "/reset", json!({})),
        (Method::POST, "/reset", new.clone()),
        (Method::GET, "/reset/{token}", json!({})),
        (Method::POST, "/reset/{token}", new.clone()),
        (Method::GET, "/change", json!({})),
        (Method::POST, "/change", json!({"password": "no"})),
        (Method::GET, "/change-email", json!({})),
        (Method::POST, "/change-email", new.clone()),
        (Method::GET, "/change-email/{token}", json!({})),
        (Method::POST, "/change-email/{token}", json!({})),
        (Method::GET, "/change-username", json!({})),
        (Method::POST, "/change-username", json!({"username": "x"})),
        (Method::GET, "/recover-username", json!({})),
        (Method::POST, "/recover-username", new),
        (Method::GET, "/us-signin", json!({})),
        (Method::POST, "/us-signin", passcode.clone()),
        (Method::POST, "/us-signin/send-code", choice.clone()),
        (Method::GET, "/us-verify-link", json!({})),
        (Method::POST, "/us-verify-link", json!({})),
        (Method::GET, "/us-verify", json!({})),
        (Method::POST, "/us-verify", passcode.clone()),
        (Method::POST, "/us-verify?include_auth_token", passcode),
        (Method::POST, "/us-verify/send-code", choice.clone()),
        (Method::GET, "/us-setup", json!({})),
        (Method::POST, "/us-setup", choice),
        (Method::POST, "/us-setup/{token}", json!({"passcode": "1"})),
        (Method::GET, "/tf-setup", json!({})),
        (Method::POST, "/tf-setup", json!({"setup": "authenticator"})),
        (Method::POST, "/tf-setup", json!({"setup": "disable"})),
        (Method::POST, "/tf-setup/{token}", json!({"code": "1"})),
        (Method::GET, "/tf-validate", json!({})),
        (Method::POST, "/tf-validate", json!({"code": "1"})),
        (Method::GET, "/tf-rescue", json!({})),
        (Method::POST, "/tf-rescue", json!({"help_setup": "help"})),
        (Method::GET, "/tf-select", json!({})),
        (Method::POST, "/tf-select", json!({"which": "email"})),
        (Method::GET, "/mf-recovery", json!({})),
        (Method::POST, "/mf-recovery", json!({"code": "1"})),
        (Method::GET, "/mf-recovery-codes", json!({})),
        (Method::POST, "/mf-recovery-codes", json!({})),
        (Method::GET, "/wan-register", json!({})),
        (Method::POST, "/wan-register", json!({"name": "x"})),
        (
            Method::POST,
            "/wan-register/{token}",
            json!({"credential": "{}"}),
        ),
        (Method::GET, "/wan-signin", json!({})),
        (Method::POST, "/wan-signin", json!({})),
        (
            Method::POST,
            "/wan-signin/{token}",
            json!({"credential": "{}"}),
        ),
        (Method::GET, "/wan-verify", json!({})),
        (Method::POST, "/wan-verify", json!({})),
        (
            Method::POST,
            "/wan-verify/{token}",
            json!({"credential": "{}"}),
        ),
        (Method::GET, "/wan-delete", json!({})),
        (Method::POST, "/wan-delete", json!({"name": "x"})),
        (Method::POST, "/login/oauthstart/{name}", json!({})),
        (Method::GET, "/login/oauthresponse/{name}", json!({})),
        (Method::POST, "/login/oauth-verify-start/{name}", json!({})),
        (
            Method::GET,
            "/login/oauth-verify-response/{name}",
            json!({}),
        ),
        (Method::GET, "/identities", json!({})),
        (Method::POST, "/identities/{id}", json!({})),
        (Method::DELETE, "/identities/{id}", json!({})),
        (Method::POST, "/logout", json!({})),
    ]
}

#[tokio::test]
async fn attack_wrong_person_another_users_token_never_acts_on_the_session_beside_it() {
    let lines = "SECURITY_LOGOUT_CSRF = true\nSECURITY_FRESHNESS = \"5 minutes\"\n";
    let app = two_people(lines).await;
    let mut ana = app.signed_in().await;
    let csrf = ana.get("/api/accounts/login").await.csrf_token();
    // Ana's proof of identity is stale by now, the other user's is fresh.
    app.wait(600);
    let token = app.auth_token(BO).await;
    let before = ana.session_state();
    assert_every_path_is_listed(&app, endpoints().iter().map(|(_, path, _)| *path));
    for (method, path, body) in endpoints() {
        for place in PLACES {
            for csrf in [None, Some(&csrf)] {
                if path == "/logout" && csrf.is_some() {
                    continue;
                }
                let mut victim = ana.clone();
                if let Some(csrf) = csrf {
                    victim = victim.header("x-xsrf-token", csrf);
                }
                let foreign = Some((place, token.as_str()));
                let sent = body.clone();
                let answer = ask(&mut victim, method.clone(), path, sent, foreign).await;
                let case = format!("{method} {path} {place} {}: {answer:?}", csrf.is_some());
                assert_eq!(victim.session_state(), before, "{case}");
                // Whatever the other user's token obtained did not change Ana's session.
                let mut handed_out = victim.clone();
                handed_out.headers.clear();
                let authz = handed_out.get("/api/accounts/authz").await;
                assert_eq!(authz.named(), Some(ANA), "{case}");
                let stale = handed_out.get("/api/accounts/authz?within=60").await;
                let verdict = (401, "REAUTHENTICATION_REQUIRED".to_owned());
                assert_eq!(stale.verdict(), verdict, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn attack_wrong_person_a_protected_endpoint_identifies_the_token_not_the_session() {
    let app = two_people("").await;
    let mut ana = app.signed_in().await;
    let eve = app
        .browser()
        .post(
            "/api/accounts/login?include_auth_token",
            json!({"email": "eve@example.com", "password": HER_OWN}),
        )
        .await;
    let eve = eve.response()["user"]["authentication_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for place in PLACES {
        let token = Some((place, eve.as_str()));
        let answer = ask(&mut ana, Method::GET, "/authz", json!({}), token).await;
        assert_eq!(answer.named(), Some("eve@example.com"), "{place}");
        let answer = ask(&mut ana, Method::GET, "/verify", json!({}), token).await;
        assert_eq!(answer.response()["user"]["email"], "eve@example.com");
        // The password of the session's user does not verify the token's user.
        let with = json!({"password": PASSWORD});
        let answer = ask(&mut ana, Method::POST, "/verify", with, token).await;
        assert_eq!(
            answer.verdict(),
            (400, "INVALID_PASSWORD".into()),
            "{place}"
        );
        let with = json!({"password": HER_OWN});
        let path = "/verify?include_auth_token";
        let answer = ask(&mut ana, Method::POST, path, with, token).await;
        let user = &answer.response()["user"];
        assert_eq!(user["email"], "eve@example.com", "{place}");
        let minted = user["authentication_token"].as_str().unwrap();
        let mut bearer = app.bearer(minted);
        let answer = bearer.get("/api/accounts/authz?within=60").await;
        assert_eq!(answer.named(), Some("eve@example.com"), "{place}");
    }
}

#[tokio::test]
async fn attack_wrong_person_an_endpoint_that_does_not_accept_tokens_ignores_them() {
    let app = two_people("SECURITY_API_ENABLED_METHODS = [\"session\"]").await;
    let mut ana = app.signed_in().await;
    let csrf = ana.get("/api/accounts/login").await.csrf_token();
    let token = app.auth_token(BO).await;
    for place in PLACES {
        let token = Some((place, token.as_str()));
        let path = "/authz?methods=session";
        let answer = ask(&mut ana, Method::GET, path, json!({}), token).await;
        assert_eq!(answer.named(), Some(ANA), "{place}");
        let path = "/authz?methods=basic";
        let answer = ask(&mut ana, Method::GET, path, json!({}), token).await;
        assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()), "{place}");
        // The session is the caller, so its CSRF check applies.
        let with = json!({"password": PASSWORD});
        let answer = ask(&mut ana, Method::POST, "/verify", with.clone(), token).await;
        assert_eq!(
            answer.verdict(),
            (400, "CSRF_TOKEN_MISSING".into()),
            "{place}"
        );
        let mut ana = ana.clone().header("x-xsrf-token", &csrf);
        let answer = ask(&mut ana, Method::POST, "/verify", with, token).await;
        assert_eq!(answer.response()["user"]["email"], ANA, "{place}");
    }
}

#[tokio::test]
async fn attack_csrf_a_token_beside_the_session_does_not_skip_the_check() {
    let app = two_people("SECURITY_LOGOUT_CSRF = true").await;
    let mut ana = app.signed_in().await;
    let token = app.auth_token(BO).await;
    let family = app.tokens(BO).await["refresh_token"].clone();
    for place in PLACES {
        for (path, body) in [
            ("/login", json!({"email": BO, "password": PASSWORD})),
            ("/logout", json!({})),
            ("/refresh-token", json!({"refresh_token": family})),
        ] {
            let token = Some((place, token.as_str()));
            let answer = ask(&mut ana, Method::POST, path, body, token).await;
            let verdict = (400, "CSRF_TOKEN_MISSING".to_owned());
            assert_eq!(answer.verdict(), verdict, "{path} {place}");
        }
    }
    assert!(ana.is_signed_in().await);
    let with = json!({"refresh_token": family});
    let mut owner = app.browser();
    let answer = ask(&mut owner, Method::POST, "/refresh-token", with, None).await;
    assert_eq!(
        answer.status, 200,
        "the refused requests exchanged nothing: {answer:?}"
    );
}

#[tokio::test]
async fn attack_csrf_an_invalid_token_beside_the_session_does_not_skip_the_check() {
    let app = two_people("").await;
    let mut ana = app.signed_in().await;
    let expired = app.auth_token(BO).await;
    app.wait(15 * 60 + 1);
    for dead in [expired.as_str(), "nonsense", ""] {
        for place in PLACES {
            let token = Some((place, dead));
            let with = json!({"password": PASSWORD});
            let answer = ask(&mut ana, Method::POST, "/verify", with, token).await;
            assert_eq!(
                answer.verdict(),
                (400, "CSRF_TOKEN_MISSING".into()),
                "{place}"
            );
            let answer = ask(&mut ana, Method::GET, "/authz", json!({}), token).await;
            assert_eq!(answer.named(), Some(ANA), "{place}");
        }
    }
}

#[tokio::test]
async fn attack_wrong_person_basic_authentication_does_not_act_on_the_session_beside_it() {
    let app = two_people("SECURITY_API_ENABLED_METHODS = [\"session\", \"basic\"]").await;
    let mut ana = app.signed_in().await;
    let csrf = ana.get("/api/accounts/login").await.csrf_token();
    app.wait(600);
    let before = ana.session_state();
    let mut both = app.basic("eve@example.com", HER_OWN);
    both.cookies = ana.cookies.clone();
    // The session takes precedence, and Eve's password does not verify Ana.
    let methods = "/authz?methods=basic,session";
    let answer = ask(&mut both, Method::GET, methods, json!({}), None).await;
    assert_eq!(answer.named(), Some(ANA));
    let fresh = "/authz?methods=basic,session&within=60";
    let answer = ask(&mut both, Method::GET, fresh, json!({}), None).await;
    assert_eq!(answer.verdict(), (401, "REAUTHENTICATION_REQUIRED".into()));
    let mut both = both.header("x-xsrf-token", &csrf);
    let with = json!({"password": HER_OWN});
    let answer = ask(&mut both, Method::POST, "/verify", with, None).await;
    assert_eq!(answer.verdict(), (400, "INVALID_PASSWORD".into()));
    // If only basic authentication is accepted, Eve is the caller, and the session is unchanged.
    let only = "/authz?methods=basic&within=60&grace=60";
    let answer = ask(&mut both, Method::GET, only, json!({}), None).await;
    assert_eq!(answer.named(), Some("eve@example.com"));
    assert_eq!(both.session_state(), before);
}

#[tokio::test]
async fn signing_out_with_a_token_does_not_revoke_the_token() {
    let app = two_people("").await;
    let mut bearer = app.bearer(&app.auth_token(BO).await);
    let answer = ask(&mut bearer, Method::POST, "/logout", json!({}), None).await;
    assert_eq!(answer.status, 200);
    // An auth token is not a session: it stays valid until it expires.
    let answer = ask(&mut bearer, Method::GET, "/authz", json!({}), None).await;
    assert_eq!(answer.named(), Some(BO));
}
