//! The CSRF token, at `POST /login` by a signed-in user: the endpoint that requires one whatever
//! else is configured.

use http::Method;
use serde_json::json;

use crate::support::{ANA, Answer, Browser, LIFE, PASSWORD, TestApp};

const LOGIN: &str = "/api/accounts/login";
const LOGOUT: &str = "/api/accounts/logout";
const CHANGE: &str = "/api/accounts/change";

/// Sends a request that needs a token. The code `ANONYMOUS_USER_REQUIRED` shows that the token was
/// accepted.
async fn attempt(browser: &Browser<'_>, header: Option<(&'static str, &str)>) -> Answer {
    let mut browser = browser.clone();
    if let Some((name, value)) = header {
        browser = browser.header(name, value);
    }
    browser.sign_in(ANA, PASSWORD).await
}

#[tokio::test]
async fn the_token_is_accepted_in_each_header_and_in_a_form() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let token = browser.get(LOGIN).await.csrf_token();
    for name in ["x-xsrf-token", "x-csrftoken", "x-csrf-token"] {
        assert_eq!(
            attempt(&browser, Some((name, &token))).await.code(),
            "ANONYMOUS_USER_REQUIRED"
        );
    }
    let form = Some("application/x-www-form-urlencoded");
    let body = format!("csrf_token={token}").into_bytes();
    let answer = browser.send(Method::POST, LOGIN, form, body).await;
    assert_eq!(answer.code(), "ANONYMOUS_USER_REQUIRED");
}

#[tokio::test]
async fn the_token_from_the_cookie_is_accepted() {
    let app = TestApp::new().await;
    let browser = app.signed_in().await;
    let token = browser.cookies["XSRF-TOKEN"].clone();
    assert_eq!(
        attempt(&browser, Some(("x-xsrf-token", &token)))
            .await
            .code(),
        "ANONYMOUS_USER_REQUIRED"
    );
}

#[tokio::test]
async fn a_failed_check_names_the_check_and_the_fix() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let token = browser.get(LOGIN).await.csrf_token();
    let other = app.signed_in().await.get(LOGIN).await.csrf_token();
    let tampered = format!("{}x", &token[..token.len() - 1]);
    for (sent, code) in [
        (None, "CSRF_TOKEN_MISSING"),
        (Some(""), "CSRF_TOKEN_MISSING"),
        (Some(tampered.as_str()), "CSRF_TOKEN_INVALID"),
        (Some("nonsense"), "CSRF_TOKEN_INVALID"),
        (Some(other.as_str()), "CSRF_TOKEN_MISMATCH"),
    ] {
        let answer = attempt(&browser, sent.map(|token| ("x-xsrf-token", token))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, code)
        );
        let explanation = &answer.response()["explanation"];
        assert_eq!(explanation["check"], "csrf_token");
        assert!(!explanation["fix"].as_str().unwrap().is_empty());
        assert!(
            !answer.text.contains(&token),
            "the answer does not repeat a token"
        );
    }
    assert_eq!(
        attempt(&browser, Some(("x-xsrf-token", &token)))
            .await
            .code(),
        "ANONYMOUS_USER_REQUIRED"
    );
}

#[tokio::test]
async fn without_debug_there_is_no_explanation() {
    let app = TestApp::with("DEBUG = false").await;
    let browser = app.signed_in().await;
    assert!(
        attempt(&browser, None)
            .await
            .response()
            .get("explanation")
            .is_none()
    );
}

#[tokio::test]
async fn a_token_without_its_session_is_refused() {
    let app = TestApp::bare("DEBUG = true").await;
    let mut browser = app.browser();
    let token = browser.get("/login").await.csrf_token();
    let mut bare = app.browser().header("x-csrf-token", &token);
    let answer = bare
        .post("/login", json!({"email": ANA, "password": PASSWORD}))
        .await;
    assert_eq!(answer.code(), "CSRF_SESSION_TOKEN_MISSING");
    let mut browser = browser.header("x-csrf-token", &token);
    let answer = browser
        .post("/login", json!({"email": ANA, "password": PASSWORD}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_token_expires_and_its_cookie_is_renewed() {
    let app = TestApp::with("WTF_CSRF_TIME_LIMIT = 3600").await;
    let mut browser = app.signed_in().await;
    let token = browser.get(LOGIN).await.csrf_token();
    app.wait(3600);
    assert_eq!(
        attempt(&browser, Some(("x-xsrf-token", &token)))
            .await
            .code(),
        "ANONYMOUS_USER_REQUIRED"
    );
    app.wait(1);
    assert_eq!(
        attempt(&browser, Some(("x-xsrf-token", &token)))
            .await
            .code(),
        "CSRF_TOKEN_EXPIRED"
    );
    let renewed = browser.get(LOGIN).await;
    assert!(
        renewed
            .set_cookie("XSRF-TOKEN")
            .unwrap()
            .contains(&renewed.csrf_token())
    );
    assert!(browser.get(LOGIN).await.set_cookie("XSRF-TOKEN").is_none());
}

#[tokio::test]
async fn a_token_from_before_the_sign_in_works_until_the_sign_out() {
    let app = TestApp::with("SECURITY_LOGOUT_CSRF = true").await;
    let mut browser = app.browser();
    let token = browser.get(LOGIN).await.csrf_token();
    browser = browser.header("x-csrf-token", &token);
    let cookie = browser.cookies["session"].clone();
    assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
    assert_ne!(browser.cookies["session"], cookie);
    let code = browser.sign_in(ANA, PASSWORD).await.code();
    assert_eq!(code, "ANONYMOUS_USER_REQUIRED", "the token passed");
    assert_eq!(browser.sign_out().await.status, 200);
    // The sign-out invalidates it.
    browser.headers.remove("x-csrf-token");
    assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
    let refused = attempt(&browser, Some(("x-csrf-token", &token))).await;
    assert_eq!(refused.code(), "CSRF_TOKEN_MISMATCH");
}

#[tokio::test]
async fn the_token_survives_every_way_of_signing_in() {
    const NEW: &str = "new@example.com";
    let account =
        json!({"email": NEW, "password": "a new password", "password_confirm": "a new password"});
    let signs_in =
        "SECURITY_AUTO_LOGIN_AFTER_CONFIRM = true\nSECURITY_AUTO_LOGIN_AFTER_RESET = true\n";
    for way in ["confirm", "register", "reset", "change", "passwordless"] {
        let more = match way {
            "register" => "SECURITY_CONFIRMABLE = false\n",
            "passwordless" => "SECURITY_PASSWORDLESS = true\n",
            _ => "",
        };
        let app = TestApp::with(&format!("{LIFE}{signs_in}{more}")).await;
        let mut browser = app.browser();
        if way == "change" {
            browser.sign_in(ANA, PASSWORD).await;
        }
        // The clock stands still, so an equal token means an equal random value.
        let token = browser.get(LOGIN).await.csrf_token();
        browser = browser.header("x-xsrf-token", &token);
        let answer = match way {
            "confirm" => {
                browser
                    .post("/api/accounts/register", account.clone())
                    .await;
                browser.get(&app.link(NEW).await).await
            }
            "register" => {
                browser
                    .post("/api/accounts/register", account.clone())
                    .await
            }
            "reset" => {
                browser
                    .post("/api/accounts/reset", json!({"email": ANA}))
                    .await;
                browser.post(&app.link(ANA).await, account.clone()).await
            }
            "change" => {
                let body = json!({"password": PASSWORD, "new_password": "another one", "new_password_confirm": "another one"});
                browser.post(CHANGE, body).await
            }
            _ => {
                browser.post(LOGIN, json!({"email": ANA})).await;
                browser.get(&app.link(ANA).await).await
            }
        };
        assert!(answer.status.as_u16() < 400, "{way}: {answer:?}");
        assert_eq!(
            browser.get("/api/accounts/authz").await.status,
            200,
            "{way}"
        );
        let kept = browser.get("/api/accounts/change").await.csrf_token();
        assert_eq!(kept, token, "{way}");
    }
}

/// The CSRF token of a session cookie that an attacker planted, and the victim who signed in with
/// it.
async fn planted_on<'a>(app: &'a TestApp, host: &str) -> (String, Browser<'a>) {
    let mut attacker = app.browser().header("host", host);
    let known = attacker.get(LOGIN).await.csrf_token();
    let mut victim = attacker;
    assert_eq!(victim.sign_in(ANA, PASSWORD).await.status, 200);
    (known, victim)
}

/// The headers that browsers send from a page on a sibling subdomain; older ones send only
/// `Origin`.
const SIBLINGS: [&[(&str, &str)]; 3] = [
    &[
        ("origin", "http://evil.app.example:5000"),
        ("sec-fetch-site", "same-site"),
    ],
    &[("origin", "http://evil.app.example:5000")],
    &[("sec-fetch-site", "same-site")],
];

const OF_SIBLINGS: &str = "TRUSTED_HOSTS = [\".app.example\"]
SESSION_COOKIE_DOMAIN = \".app.example\"
SECURITY_LOGOUT_CSRF = true
SECURITY_CHANGEABLE = true
";

#[tokio::test]
async fn attack_csrf_a_planted_session_with_a_known_token_in_a_header_is_refused() {
    let app = TestApp::with(OF_SIBLINGS).await;
    let (known, mut victim) = planted_on(&app, "www.app.example:5000").await;
    let token = ("x-xsrf-token", known.as_str());
    assert_eq!(
        attempt(&victim, Some(token)).await.code(),
        "ANONYMOUS_USER_REQUIRED",
        "the token itself is valid"
    );
    for said in SIBLINGS {
        let mut lured = victim.clone().header(token.0, token.1);
        for (name, value) in said {
            lured = lured.header(name, value);
        }
        for (path, body) in [
            (LOGOUT, json!({})),
            (
                CHANGE,
                json!({"password": PASSWORD, "new_password": "another one", "new_password_confirm": "another one"}),
            ),
        ] {
            let answer = lured.post(path, body).await;
            assert_eq!(
                answer.verdict(),
                (403, "CROSS_SITE_REQUEST".into()),
                "{said:?} {path}"
            );
        }
    }
    assert!(victim.is_signed_in().await);
}

#[tokio::test]
async fn attack_csrf_a_planted_session_with_a_known_token_in_a_form_is_refused() {
    let app = TestApp::with(OF_SIBLINGS).await;
    let (known, mut victim) = planted_on(&app, "www.app.example:5000").await;
    let form = Some("application/x-www-form-urlencoded");
    let token = form_urlencoded::byte_serialize(known.as_bytes()).collect::<String>();
    for said in SIBLINGS {
        let mut lured = victim.clone();
        for (name, value) in said {
            lured = lured.header(name, value);
        }
        for (path, more) in [
            (LOGOUT, String::new()),
            (
                CHANGE,
                format!(
                    "&password={PASSWORD}&new_password=another+one&new_password_confirm=another+one"
                )
                .replace(' ', "+"),
            ),
        ] {
            let body = format!("csrf_token={token}{more}").into_bytes();
            let answer = lured.send(Method::POST, path, form, body).await;
            assert_eq!(
                answer.verdict(),
                (403, "CROSS_SITE_REQUEST".into()),
                "{said:?} {path}"
            );
        }
    }
    assert!(victim.is_signed_in().await);
    // The same form on one of our own pages is accepted.
    let body = format!("csrf_token={token}").into_bytes();
    let mut own = victim.header("origin", "http://www.app.example:5000");
    assert_eq!(own.send(Method::POST, LOGOUT, form, body).await.status, 200);
}

#[tokio::test]
async fn anonymous_clients_need_a_token_unless_csrf_is_disabled() {
    let app = TestApp::bare("DEBUG = true").await;
    let mut browser = app.browser();
    let answer = browser
        .post("/login", json!({"email": ANA, "password": PASSWORD}))
        .await;
    assert_eq!(answer.code(), "CSRF_TOKEN_MISSING");
    let app = TestApp::bare("WTF_CSRF_ENABLED = false").await;
    let answer = app
        .browser()
        .post("/login", json!({"email": ANA, "password": PASSWORD}))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn over_tls_the_referer_must_match() {
    let app = TestApp::new().await;
    let browser = app.signed_in().await.header("x-forwarded-proto", "https");
    let token = browser.cookies["XSRF-TOKEN"].clone();
    let sent = Some(("x-xsrf-token", token.as_str()));
    assert_eq!(
        attempt(&browser, sent).await.code(),
        "CSRF_REFERRER_MISSING"
    );
    for (referer, code) in [
        ("https://evil.example/", "CSRF_REFERRER_MISMATCH"),
        (
            "https://localhost:5000.evil.example/",
            "CSRF_REFERRER_MISMATCH",
        ),
        ("http://localhost:5000/app", "CSRF_REFERRER_MISMATCH"),
        ("https://localhost:5000/app", "ANONYMOUS_USER_REQUIRED"),
    ] {
        let browser = browser.clone().header("referer", referer);
        assert_eq!(attempt(&browser, sent).await.code(), code, "{referer}");
    }
}

#[tokio::test]
async fn an_unusable_session_cookie_is_explained() {
    let app = TestApp::with("PERMANENT_SESSION_LIFETIME = \"1 hours\"\nWTF_CSRF_CHECK_DEFAULT = true\nSECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = false\nSECURITY_CSRF_PROTECT_MECHANISMS = [\"session\", \"token\", \"basic\"]").await;
    let mut browser = app.browser();
    let token = browser.get(LOGIN).await.csrf_token();
    let saw = async |browser: &Browser<'_>| {
        let answer = attempt(browser, Some(("x-xsrf-token", &token))).await;
        assert_eq!(answer.code(), "CSRF_SESSION_TOKEN_MISSING");
        answer.response()["explanation"]["saw"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(saw(&app.browser()).await.contains("no session cookie"));
    let mut foreign = app.browser();
    foreign
        .cookies
        .insert("session".into(), "another.users.cookie".into());
    assert!(saw(&foreign).await.contains("did not sign"));
    app.wait(3601);
    assert!(saw(&browser).await.contains("too old"));
}

#[tokio::test]
async fn a_token_from_the_future_is_accepted_up_to_a_minute_and_then_explained_by_the_clock() {
    let app = TestApp::with("WTF_CSRF_TIME_LIMIT = 3600").await;
    let browser = app.signed_in().await;
    // Another server signs for the same session, and its clock is ahead.
    app.wait(61);
    let token = browser.clone().get(LOGIN).await.csrf_token();
    app.wait(-60);
    let sent = Some(("x-xsrf-token", token.as_str()));
    let answer = attempt(&browser, sent).await;
    assert_eq!(answer.code(), "ANONYMOUS_USER_REQUIRED", "the token passed");
    app.wait(-1);
    let answer = attempt(&browser, sent).await;
    assert_eq!(answer.code(), "CSRF_TOKEN_EXPIRED");
    let explanation = answer.response()["explanation"].clone();
    let saw = explanation["saw"].as_str().unwrap();
    assert!(saw.contains("61 seconds ahead"), "{saw}");
    assert!(!saw.contains("older"), "{saw}");
    let fix = explanation["fix"].as_str().unwrap();
    assert!(fix.contains("clock") && fix.contains("NTP"), "{fix}");
}

#[tokio::test]
async fn a_session_from_the_future_is_explained_by_the_clock() {
    let app = TestApp::bare("DEBUG = true").await;
    let mut browser = app.browser();
    app.wait(120);
    let token = browser.get("/login").await.csrf_token();
    app.wait(-120);
    let mut browser = browser.header("x-csrf-token", &token);
    let answer = browser
        .post("/login", json!({"email": ANA, "password": PASSWORD}))
        .await;
    assert_eq!(answer.code(), "CSRF_SESSION_TOKEN_MISSING");
    let saw = answer.response()["explanation"]["saw"].clone();
    assert!(saw.as_str().unwrap().contains("120 seconds ahead"), "{saw}");
}
