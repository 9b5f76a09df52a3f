//! Every endpoint, and who may use it. The paths come from the server's own OpenAPI document, which
//! is built from the same table as its router, so an endpoint without a row here fails.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use vestibule::admin::{self, roles};

use crate::support::social::{SOCIAL, filled};
use crate::support::{ANA, Answer, Browser, LIFE, PASSWORD, TestApp};

const PREFIX: &str = "/api/accounts";
const ADA: &str = "ada@example.com";

/// The settings that switch on the remaining endpoints.
const MORE: &str = "SECURITY_LINKS_CONSUMED_BY = \"post\"
SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"
SECURITY_LOGOUT_METHODS = [\"GET\", \"POST\"]
SECURITY_TOKEN_MAX_AGE = \"10 days\"
SECURITY_UNIFIED_SIGNIN = true
SECURITY_TWO_FACTOR = true
SECURITY_MULTI_FACTOR_RECOVERY_CODES = true
SECURITY_WEBAUTHN = true
";

fn everything() -> String {
    format!("{LIFE}{MORE}{SOCIAL}")
}

/// The callers, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Anonymous,
    /// The session of a user who was deactivated.
    Deactivated,
    /// A session with a manipulated cookie.
    Forged,
    Ordinary,
    /// Signed in two days ago.
    Stale,
    /// Only a remember cookie.
    Remembered,
    /// An auth token two days old.
    OldToken,
    Admin,
}

const ALL_CALLERS: [Who; 8] = [
    Who::Anonymous,
    Who::Deactivated,
    Who::Forged,
    Who::Ordinary,
    Who::Stale,
    Who::Remembered,
    Who::OldToken,
    Who::Admin,
];

struct Row {
    method: Method,
    /// The path as in the document.
    path: &'static str,
    query: &'static str,
    /// The status for each of [`ALL_CALLERS`].
    statuses: [u16; 8],
}

fn rows() -> Vec<Row> {
    let row = |method, path, query, statuses| Row {
        method,
        path,
        query,
        statuses,
    };
    let (get, post) = (Method::GET, Method::POST);
    let members = [401, 401, 401, 200, 200, 200, 200, 200];
    let fresh = [401, 401, 401, 200, 401, 401, 401, 200];
    let anonymous_only = [200, 200, 200, 400, 400, 400, 400, 400];
    // The body is not acceptable to these endpoints.
    let refused =
        |statuses: [u16; 8]| statuses.map(|status| if status == 200 { 400 } else { status });
    vec![
        row(get.clone(), "/login", "", [200; 8]),
        // Anonymous callers sign in; identified callers are signed in already.
        row(
            post.clone(),
            "/login",
            "",
            [200, 200, 200, 400, 400, 400, 400, 400],
        ),
        row(get.clone(), "/register", "", anonymous_only),
        row(post.clone(), "/register", "", [400; 8]),
        row(get.clone(), "/confirm", "", [200; 8]),
        row(post.clone(), "/confirm", "", [400; 8]),
        row(get.clone(), "/confirm/{token}", "", [302; 8]),
        row(post.clone(), "/confirm/{token}", "", [400; 8]),
        row(get.clone(), "/reset", "", [200; 8]),
        row(post.clone(), "/reset", "", [200; 8]),
        row(get.clone(), "/reset/{token}", "", [302; 8]),
        row(post.clone(), "/reset/{token}", "", [400; 8]),
        row(get.clone(), "/change", "", members),
        row(post.clone(), "/change", "", refused(members)),
        row(get.clone(), "/change-email", "", fresh),
        row(post.clone(), "/change-email", "", refused(fresh)),
        row(get.clone(), "/change-email/{token}", "", [302; 8]),
        row(post.clone(), "/change-email/{token}", "", [400; 8]),
        row(get.clone(), "/change-username", "", fresh),
        row(post.clone(), "/change-username", "", refused(fresh)),
        row(get.clone(), "/recover-username", "", anonymous_only),
        row(post.clone(), "/recover-username", "", anonymous_only),
        // None of these callers has the key.
        row(get.clone(), "/dev/mailbox", "", [404; 8]),
        row(get.clone(), "/dev/mailbox.json", "?key=x", [404; 8]),
        row(get.clone(), "/verify", "", members),
        row(post.clone(), "/verify", "", members),
        row(get.clone(), "/us-signin", "", [200; 8]),
        row(post.clone(), "/us-signin", "", [400; 8]),
        row(post.clone(), "/us-signin/send-code", "", [400; 8]),
        row(get.clone(), "/us-verify-link", "", [302; 8]),
        row(post.clone(), "/us-verify-link", "", [400; 8]),
        row(get.clone(), "/us-verify", "", members),
        row(post.clone(), "/us-verify", "", refused(members)),
        row(post.clone(), "/us-verify/send-code", "", refused(members)),
        row(get.clone(), "/us-setup", "", fresh),
        row(post.clone(), "/us-setup", "", refused(fresh)),
        row(post.clone(), "/us-setup/{token}", "", refused(members)),
        row(get.clone(), "/wan-register", "", fresh),
        row(post.clone(), "/wan-register", "", refused(fresh)),
        row(post.clone(), "/wan-register/{token}", "", refused(members)),
        row(get.clone(), "/wan-signin", "", anonymous_only),
        row(post.clone(), "/wan-signin", "", anonymous_only),
        row(post.clone(), "/wan-signin/{token}", "", [400; 8]),
        row(get.clone(), "/wan-verify", "", members),
        row(post.clone(), "/wan-verify", "", members),
        row(post.clone(), "/wan-verify/{token}", "", refused(members)),
        row(get.clone(), "/wan-delete", "", fresh),
        row(post.clone(), "/wan-delete", "", refused(fresh)),
        // No sign-in is pending.
        row(
            get.clone(),
            "/tf-setup",
            "",
            [400, 400, 400, 200, 401, 401, 401, 200],
        ),
        row(
            post.clone(),
            "/tf-setup",
            "",
            [400, 400, 400, 400, 401, 401, 401, 400],
        ),
        row(post.clone(), "/tf-setup/{token}", "", refused(members)),
        row(get.clone(), "/tf-validate", "", [400; 8]),
        row(post.clone(), "/tf-validate", "", [400; 8]),
        row(get.clone(), "/tf-rescue", "", [400; 8]),
        row(post.clone(), "/tf-rescue", "", [400; 8]),
        row(get.clone(), "/tf-select", "", [400; 8]),
        row(post.clone(), "/tf-select", "", [400; 8]),
        row(get.clone(), "/mf-recovery", "", [400; 8]),
        row(post.clone(), "/mf-recovery", "", [400; 8]),
        row(get.clone(), "/mf-recovery-codes", "", fresh),
        row(post.clone(), "/mf-recovery-codes", "", fresh),
        // No flow was begun, and the provider is only called in its answer.
        row(
            post.clone(),
            "/login/oauthstart/{name}",
            "",
            [302, 302, 302, 400, 400, 400, 400, 400],
        ),
        row(get.clone(), "/login/oauthresponse/{name}", "", [302; 8]),
        row(
            post.clone(),
            "/login/oauth-verify-start/{name}",
            "",
            members.map(|status| if status == 200 { 302 } else { status }),
        ),
        row(
            get.clone(),
            "/login/oauth-verify-response/{name}",
            "",
            [302; 8],
        ),
        row(get.clone(), "/identities", "", members),
        row(
            post.clone(),
            "/identities/{id}",
            "",
            fresh.map(|status| if status == 200 { 302 } else { status }),
        ),
        // None of these callers has this identity.
        row(
            Method::DELETE,
            "/identities/{id}",
            "",
            fresh.map(|status| if status == 200 { 404 } else { status }),
        ),
        row(get.clone(), "/authz", "", members),
        row(
            get.clone(),
            "/authz",
            "?within=86400",
            [401, 401, 401, 200, 401, 401, 401, 200],
        ),
        row(
            get.clone(),
            "/authz",
            "?roles_required=admin",
            [401, 401, 401, 403, 403, 403, 403, 200],
        ),
        row(get.clone(), "/authz", "?methods=basic", [401; 8]),
        row(get.clone(), "/authz", "?nonsense", [400; 8]),
        // The body has no refresh token.
        row(post.clone(), "/refresh-token", "", [400; 8]),
        row(get.clone(), "/logout", "", [302; 8]),
        row(post, "/logout", "", [200; 8]),
        row(get.clone(), "/openapi.json", "", [200; 8]),
        row(get.clone(), "/healthz", "", [200; 8]),
        row(get, "/readyz", "", [200; 8]),
    ]
}

/// The path to request: endpoints for operators and developers are not below the prefix.
fn full(path: &str) -> String {
    let path = filled(path);
    let beside = path.starts_with("/dev/") || path == "/healthz" || path == "/readyz";
    if beside {
        path
    } else {
        format!("{PREFIX}{path}")
    }
}

fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, about) in item.as_object().unwrap() {
            if about.get("responses").is_some() {
                operations.insert((path.clone(), method.to_uppercase()));
            }
        }
    }
    operations
}

async fn document(app: &TestApp) -> Value {
    let answer = app.browser().get(&full("/openapi.json")).await;
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test]
async fn attack_authorisation_by_absence_every_endpoint_has_a_row() {
    let app = TestApp::with(&everything()).await;
    let mut served = operations(&document(&app).await);
    assert!(served.len() > 9, "{served:?}");
    // The document in the repository includes endpoints of settings that this test does not set.
    let everything = include_str!("../../../../openapi.json");
    served.extend(operations(&serde_json::from_str(everything).unwrap()));
    let rows: BTreeSet<_> = rows()
        .iter()
        .map(|row| (row.path.to_owned(), row.method.to_string()))
        .collect();
    let without: Vec<_> = served.difference(&rows).collect();
    assert!(without.is_empty(), "served, but without a row: {without:?}");
    let gone: Vec<_> = rows.difference(&served).collect();
    assert!(
        gone.is_empty(),
        "rows for endpoints that do not exist: {gone:?}"
    );
}

#[tokio::test]
async fn attack_authorisation_by_absence_every_endpoint_answers_every_caller_as_listed() {
    let app = TestApp::with(&everything()).await;
    app.user(ADA, |draft| draft).await;
    app.user("off@example.com", |draft| draft).await;
    let role = roles::create(app.app(), "admin".to_owned(), None, vec![])
        .await
        .unwrap();
    roles::give(app.app(), &app.stored(ADA).await, &role)
        .await
        .unwrap();

    let old = signed_in(&app, ANA).await;
    let old_token = app.auth_token(ANA).await;
    let off = signed_in(&app, "off@example.com").await;
    app.wait(2 * 24 * 60 * 60);
    let user = app.stored("off@example.com").await;
    admin::set_active(app.app(), &user, false).await.unwrap();
    let ordinary = signed_in(&app, ANA).await;
    let admin = signed_in(&app, ADA).await;

    for row in rows() {
        for (who, status) in ALL_CALLERS.into_iter().zip(row.statuses) {
            let mut browser = match who {
                Who::Anonymous => app.browser(),
                Who::Deactivated => only(&off, "session"),
                Who::Forged => {
                    let mut forged = only(&ordinary, "session");
                    let cookie = forged.cookies.get_mut("session").unwrap();
                    *cookie = cookie.replacen('.', "A.", 1);
                    forged
                }
                Who::Ordinary => only(&ordinary, "session"),
                Who::Stale => only(&old, "session"),
                Who::Remembered => only(&ordinary, "remember_token"),
                Who::OldToken => app.bearer(&old_token),
                Who::Admin => only(&admin, "session"),
            };
            let csrf = browser.get(&full("/login")).await.csrf_token();
            let mut browser = browser.header("x-xsrf-token", &csrf);
            let answer = ask(&mut browser, &row).await;
            let case = format!("{} {}{} by {who:?}", row.method, row.path, row.query);
            assert_eq!(answer.status, status, "{case}: {answer:?}");
            if status != 200 {
                assert!(answer.named().is_none(), "{case}");
                assert!(!answer.text.contains("authentication_token"), "{case}");
            }
        }
    }
}

async fn signed_in<'a>(app: &'a TestApp, email: &str) -> Browser<'a> {
    let mut browser = app.browser();
    let body = json!({"email": email, "password": PASSWORD, "remember": true});
    let answer = browser.post(&full("/login"), body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    browser
}

fn only<'a>(browser: &Browser<'a>, cookie: &str) -> Browser<'a> {
    let mut browser = browser.clone();
    browser.cookies.retain(|name, _| name == cookie);
    browser
}

async fn ask(browser: &mut Browser<'_>, row: &Row) -> Answer {
    let path = format!("{}{}", full(row.path), row.query);
    if row.method == Method::POST {
        let body = json!({"email": ANA, "password": PASSWORD});
        browser.post(&path, body).await
    } else {
        browser
            .send(row.method.clone(), &path, None, Vec::new())
            .await
    }
}

#[tokio::test]
async fn every_endpoint_accepts_only_its_documented_methods() {
    let app = TestApp::with(&everything()).await;
    let served = operations(&document(&app).await);
    let paths: BTreeSet<&String> = served.iter().map(|(path, _)| path).collect();
    for path in paths {
        let takes = |method: &str| served.contains(&(path.clone(), method.to_owned()));
        let allowed = |method: &str| match method {
            "OPTIONS" => true,
            "HEAD" => takes("GET"),
            _ => takes(method),
        };
        let mut browser = app.browser();
        let answer = browser
            .send(Method::OPTIONS, &full(path), None, Vec::new())
            .await;
        assert_eq!(answer.status, 200, "{path}");
        let line = answer.headers["allow"].to_str().unwrap();
        let told: BTreeSet<&str> = line.split(", ").collect();
        let methods = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE",
        ];
        let expected: BTreeSet<&str> = methods.into_iter().filter(|m| allowed(m)).collect();
        assert_eq!(told, expected, "{path}");
        for method in methods.into_iter().filter(|method| !allowed(method)) {
            let method: Method = method.parse().unwrap();
            let mut browser = app.signed_in().await;
            let answer = browser.send(method, &full(path), None, Vec::new()).await;
            assert_eq!(answer.status, 405, "{path}");
            assert_eq!(answer.headers["allow"], line, "{path}");
        }
    }
}

#[tokio::test]
async fn attack_crash_by_odd_input_no_endpoint_answers_500() {
    let app = TestApp::with(&everything()).await;
    let served = operations(&document(&app).await);
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let bodies = [
        "",
        "null",
        "[]",
        "7",
        "\"text\"",
        "{",
        "{\"a\":}",
        "{\"password\":{\"$ne\":1},\"email\":[],\"refresh_token\":{},\"auth_token\":[]}",
        "{\"password\":1e400}",
        "{\"email\":\"\\ud800\",\"password\":\"\\udfff\",\"refresh_token\":\"\\ud800\"}",
        "{\"email\":\"a\\u0000@example.com\",\"password\":\"\\u0000\",\"auth_token\":\"\\u0000\"}",
        "{\"auth_token\":\"a.b.c\",\"refresh_token\":\"a.b\"}",
        "{\"auth_token\":\"....\",\"refresh_token\":\"....\",\"password\":\"x\"}",
        &deep,
    ];
    let types = [
        "application/json",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "nonsense",
    ];
    let queries = [
        "",
        "?",
        "?%",
        "?%ff=%ff",
        "?a&a&a",
        "?auth_token=%00",
        "?include_auth_token&next=%00",
    ];
    let mut signed_in = signed_in(&app, ANA).await;
    let csrf = signed_in.get(&full("/login")).await.csrf_token();
    let signed_in = signed_in.header("x-xsrf-token", &csrf);
    let odd = app
        .browser()
        .header("authorization", "Basic Og==")
        .header("authentication-token", "....")
        .header("cookie", "session=....; remember_token=|; fs_refresh=\"");
    for (path, method) in served {
        let method: Method = method.parse().unwrap();
        for query in queries {
            let path = format!("{}{query}", full(&path));
            for kind in types {
                for body in bodies {
                    for browser in [&signed_in, &odd] {
                        let body = body.as_bytes().to_vec();
                        let mut browser = browser.clone();
                        let answer = browser.send(method.clone(), &path, Some(kind), body).await;
                        let case = format!("{method} {path} {kind}: {answer:?}");
                        assert!(answer.status.as_u16() < 500, "{case}");
                    }
                }
            }
        }
    }
}
