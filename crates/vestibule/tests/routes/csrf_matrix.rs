//! Which caller needs a CSRF token at which endpoint, for every setting.

use http::Method;
use serde_json::json;

use crate::support::callers::assert_every_path_is_listed;
use crate::support::codes::TWO_FACTOR;
use crate::support::social::{SOCIAL, filled};
use crate::support::{ANA, Answer, Browser, LIFE, PASSWORD, TestApp};

const PREFIX: &str = "/api/accounts";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Anonymous,
    Session,
    Remembered,
    Token,
    Basic,
}

const ALL_CALLERS: [Who; 5] = [
    Who::Anonymous,
    Who::Session,
    Who::Remembered,
    Who::Token,
    Who::Basic,
];

impl Who {
    /// The caller's mechanism in the terms of `CSRF_PROTECT_MECHANISMS`.
    fn mechanism(self) -> Option<&'static str> {
        match self {
            Self::Anonymous => None,
            Self::Session | Self::Remembered => Some("session"),
            Self::Token => Some("token"),
            Self::Basic => Some("basic"),
        }
    }

    /// Whether an endpoint that is open to anonymous clients identifies this caller.
    fn identified(self) -> bool {
        !matches!(self, Self::Anonymous | Self::Basic)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    Right,
    AnotherSessions,
}

/// The settings that decide whether a token is required.
#[derive(Debug, Clone)]
struct Rules {
    protect: Vec<&'static str>,
    ignore_unauth: bool,
    logout_csrf: bool,
    check_default: bool,
}

impl Rules {
    fn every() -> Vec<Self> {
        let mechanisms = ["session", "token", "basic"];
        let mut all = Vec::new();
        for mask in 0..8_usize {
            for flags in 0..4_usize {
                let chosen = (0..3).filter(|bit| mask & (1 << bit) != 0);
                all.push(Self {
                    protect: chosen.map(|bit| mechanisms[bit]).collect(),
                    ignore_unauth: flags & 1 != 0,
                    logout_csrf: flags & 2 != 0,
                    check_default: false,
                });
            }
        }
        // The settings refuse to combine `WTF_CSRF_CHECK_DEFAULT` with exemptions, so it has one
        // row.
        all.push(Self {
            protect: mechanisms.to_vec(),
            ignore_unauth: false,
            logout_csrf: false,
            check_default: true,
        });
        all
    }

    async fn app(&self) -> TestApp {
        TestApp::with(&format!(
            "{LIFE}SECURITY_LINKS_CONSUMED_BY = \"post\"
SECURITY_CSRF_PROTECT_MECHANISMS = {:?}
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = {}
SECURITY_LOGOUT_CSRF = {}
WTF_CSRF_CHECK_DEFAULT = {}
SECURITY_API_ENABLED_METHODS = [\"session\", \"token\", \"basic\"]
SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"
SECURITY_UNIFIED_SIGNIN = true
SECURITY_WEBAUTHN = true
{TWO_FACTOR}{SOCIAL}",
            self.protect, self.ignore_unauth, self.logout_csrf, self.check_default
        ))
        .await
    }

    /// Whether the settings require a CSRF token of this caller at this endpoint.
    fn requires_token(&self, who: Who, endpoint: &Endpoint) -> bool {
        let protected = who
            .mechanism()
            .is_some_and(|mechanism| self.protect.contains(&mechanism));
        match endpoint.kind {
            Kind::Reads => false,
            // These callers are refused before the CSRF check.
            Kind::Protected | Kind::Fresh if who == Who::Anonymous => false,
            Kind::Fresh if who == Who::Remembered => false,
            Kind::FreshSession if who != Who::Session => false,
            // An identified caller is refused before the CSRF check.
            Kind::AnonymousOnly if who.identified() => false,
            _ if self.check_default => true,
            Kind::Open | Kind::AnonymousOnly => who.identified() || !self.ignore_unauth,
            Kind::Protected | Kind::Fresh | Kind::FreshSession => protected,
            Kind::SignOut => self.logout_csrf && who.identified() && protected,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reads,
    Open,
    AnonymousOnly,
    Protected,
    Fresh,
    /// Accepts no other mechanism than a session.
    FreshSession,
    SignOut,
}

#[derive(Debug)]
struct Endpoint {
    kind: Kind,
    method: Method,
    path: &'static str,
    /// The method of the original request that `/authz` decides on.
    original: Option<&'static str>,
}

fn endpoints() -> Vec<Endpoint> {
    let row = |kind, method, path, original| Endpoint {
        kind,
        method,
        path,
        original,
    };
    let authz = "/authz?methods=session,token,basic";
    vec![
        row(Kind::Reads, Method::GET, "/login", None),
        row(Kind::Reads, Method::HEAD, "/login", None),
        row(Kind::Open, Method::POST, "/login", None),
        row(Kind::Reads, Method::GET, "/verify", None),
        row(Kind::Protected, Method::POST, "/verify", None),
        row(Kind::Open, Method::POST, "/refresh-token", None),
        row(Kind::Reads, Method::GET, authz, None),
        row(Kind::Reads, Method::GET, authz, Some("GET")),
        row(Kind::Protected, Method::GET, authz, Some("POST")),
        row(Kind::Protected, Method::GET, authz, Some("DELETE")),
        row(Kind::Reads, Method::GET, "/register", None),
        row(Kind::AnonymousOnly, Method::POST, "/register", None),
        row(Kind::Reads, Method::GET, "/confirm", None),
        row(Kind::Open, Method::POST, "/confirm", None),
        row(Kind::Reads, Method::GET, "/confirm/{token}", None),
        row(Kind::Open, Method::POST, "/confirm/{token}", None),
        row(Kind::Reads, Method::GET, "/reset", None),
        row(Kind::Open, Method::POST, "/reset", None),
        row(Kind::Reads, Method::GET, "/reset/{token}", None),
        row(Kind::Open, Method::POST, "/reset/{token}", None),
        row(Kind::Reads, Method::GET, "/change", None),
        row(Kind::Protected, Method::POST, "/change", None),
        row(Kind::Reads, Method::GET, "/change-email/{token}", None),
        row(Kind::Open, Method::POST, "/change-email/{token}", None),
        row(Kind::Reads, Method::GET, "/recover-username", None),
        row(Kind::AnonymousOnly, Method::POST, "/recover-username", None),
        // Freshness is checked first, so only fresh callers reach the CSRF check.
        row(Kind::Reads, Method::GET, "/change-email", None),
        row(Kind::Fresh, Method::POST, "/change-email", None),
        row(Kind::Reads, Method::GET, "/change-username", None),
        row(Kind::Fresh, Method::POST, "/change-username", None),
        row(Kind::Reads, Method::GET, "/us-signin", None),
        row(Kind::Open, Method::POST, "/us-signin", None),
        row(
            Kind::AnonymousOnly,
            Method::POST,
            "/us-signin/send-code",
            None,
        ),
        row(Kind::Reads, Method::GET, "/us-verify-link", None),
        row(Kind::AnonymousOnly, Method::POST, "/us-verify-link", None),
        row(Kind::Reads, Method::GET, "/us-verify", None),
        row(Kind::Protected, Method::POST, "/us-verify", None),
        row(Kind::Protected, Method::POST, "/us-verify/send-code", None),
        row(Kind::Reads, Method::GET, "/us-setup", None),
        row(Kind::Fresh, Method::POST, "/us-setup", None),
        row(Kind::Protected, Method::POST, "/us-setup/{token}", None),
        // These are open to a sign-in that waits for its second factor.
        row(Kind::Reads, Method::GET, "/tf-setup", None),
        row(Kind::Open, Method::POST, "/tf-setup", None),
        row(Kind::Protected, Method::POST, "/tf-setup/{token}", None),
        row(Kind::Reads, Method::GET, "/tf-validate", None),
        row(Kind::Open, Method::POST, "/tf-validate", None),
        row(Kind::Reads, Method::GET, "/tf-rescue", None),
        row(Kind::AnonymousOnly, Method::POST, "/tf-rescue", None),
        row(Kind::Reads, Method::GET, "/tf-select", None),
        row(Kind::Open, Method::POST, "/tf-select", None),
        row(Kind::Reads, Method::GET, "/mf-recovery", None),
        row(Kind::AnonymousOnly, Method::POST, "/mf-recovery", None),
        row(Kind::Reads, Method::GET, "/mf-recovery-codes", None),
        row(Kind::Fresh, Method::POST, "/mf-recovery-codes", None),
        row(Kind::Reads, Method::GET, "/wan-register", None),
        row(Kind::Fresh, Method::POST, "/wan-register", None),
        row(Kind::Protected, Method::POST, "/wan-register/{token}", None),
        row(Kind::Reads, Method::GET, "/wan-signin", None),
        row(Kind::AnonymousOnly, Method::POST, "/wan-signin", None),
        row(Kind::Open, Method::POST, "/wan-signin/{token}", None),
        row(Kind::Reads, Method::GET, "/wan-verify", None),
        row(Kind::Protected, Method::POST, "/wan-verify", None),
        row(Kind::Protected, Method::POST, "/wan-verify/{token}", None),
        row(Kind::Reads, Method::GET, "/wan-delete", None),
        row(Kind::Fresh, Method::POST, "/wan-delete", None),
        row(
            Kind::AnonymousOnly,
            Method::POST,
            "/login/oauthstart/{name}",
            None,
        ),
        row(
            Kind::Reads,
            Method::GET,
            "/login/oauthresponse/{name}",
            None,
        ),
        row(
            Kind::Protected,
            Method::POST,
            "/login/oauth-verify-start/{name}",
            None,
        ),
        row(
            Kind::Reads,
            Method::GET,
            "/login/oauth-verify-response/{name}",
            None,
        ),
        row(Kind::Reads, Method::GET, "/identities", None),
        row(Kind::FreshSession, Method::POST, "/identities/{id}", None),
        row(Kind::Fresh, Method::DELETE, "/identities/{id}", None),
        row(Kind::SignOut, Method::POST, "/logout", None),
    ]
}

/// A caller, and a CSRF token for the session in their browser.
struct Caller<'a> {
    browser: Browser<'a>,
    csrf: String,
}

async fn caller<'a>(app: &'a TestApp, who: Who) -> Caller<'a> {
    let mut browser = match who {
        Who::Anonymous => app.browser(),
        Who::Basic => app.basic(ANA, PASSWORD),
        Who::Token | Who::Session | Who::Remembered => {
            let (browser, token) = signed_in(app).await;
            match who {
                Who::Token => app.bearer(&token),
                Who::Session => browser,
                _ => {
                    let mut remembered = app.browser();
                    let cookie = browser.cookies["remember_token"].clone();
                    remembered.cookies.insert("remember_token".into(), cookie);
                    remembered
                }
            }
        }
    };
    let csrf = browser.get(&format!("{PREFIX}/login")).await.csrf_token();
    Caller { browser, csrf }
}

async fn signed_in(app: &TestApp) -> (Browser<'_>, String) {
    let mut browser = app.browser();
    let csrf = browser.get(&format!("{PREFIX}/login")).await.csrf_token();
    let mut sending = browser.clone().header("x-xsrf-token", &csrf);
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    let path = format!("{PREFIX}/login?include_auth_token");
    let answer = sending.post(&path, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    browser.cookies = sending.cookies;
    let token = answer.response()["user"]["authentication_token"].clone();
    (browser, token.as_str().unwrap().to_owned())
}

async fn ask(caller: &Caller<'_>, endpoint: &Endpoint, csrf: Option<&str>) -> Answer {
    let mut browser = caller.browser.clone();
    if let Some(csrf) = csrf {
        browser = browser.header("x-xsrf-token", csrf);
    }
    if let Some(original) = endpoint.original {
        browser = browser.header("x-original-method", original);
    }
    let path = format!("{PREFIX}{}", filled(endpoint.path));
    if endpoint.method != Method::POST {
        return browser
            .send(endpoint.method.clone(), &path, None, Vec::new())
            .await;
    }
    // Enough fields for every endpoint to continue after the CSRF check.
    let body = json!({"email": ANA, "password": PASSWORD, "refresh_token": "none"});
    browser.post(&path, body).await
}

/// The code of the failed CSRF check, if it failed.
fn failed_check(answer: &Answer) -> Option<String> {
    if answer.text.is_empty() || answer.status.is_success() {
        return None;
    }
    let codes = answer.response()["error_codes"].clone();
    let code = codes[0].as_str().unwrap_or_default();
    code.starts_with("CSRF_").then(|| code.to_owned())
}

#[tokio::test]
async fn attack_csrf_every_setting_caller_and_endpoint_requires_a_token_as_configured() {
    let mut asked = (0, 0);
    for rules in Rules::every() {
        let app = rules.app().await;
        assert_every_path_is_listed(&app, endpoints().iter().map(|endpoint| endpoint.path));
        let foreign = caller(&app, Who::Anonymous).await.csrf;
        for who in ALL_CALLERS {
            let caller = caller(&app, who).await;
            for endpoint in endpoints() {
                for sent in [Sent::Nothing, Sent::Right, Sent::AnotherSessions] {
                    let csrf = match sent {
                        Sent::Nothing => None,
                        Sent::Right => Some(caller.csrf.as_str()),
                        Sent::AnotherSessions => Some(foreign.as_str()),
                    };
                    let answer = ask(&caller, &endpoint, csrf).await;
                    let expected = match (rules.requires_token(who, &endpoint), sent) {
                        (false, _) | (_, Sent::Right) => None,
                        (true, Sent::Nothing) => Some("CSRF_TOKEN_MISSING"),
                        (true, Sent::AnotherSessions) => Some("CSRF_TOKEN_MISMATCH"),
                    };
                    let case = format!("{rules:?} {who:?} {endpoint:?} {sent:?}: {answer:?}");
                    assert_eq!(failed_check(&answer).as_deref(), expected, "{case}");
                    if expected.is_some() {
                        asked.0 += 1;
                        let status = if endpoint.original.is_some() {
                            403
                        } else {
                            400
                        };
                        assert_eq!(answer.status, status, "{case}");
                    }
                    asked.1 += 1;
                }
            }
        }
    }
    assert!(asked.0 > 900 && asked.1 > 5000, "{asked:?}");
}

#[tokio::test]
async fn attack_csrf_a_session_needs_a_token_at_an_endpoint_for_anonymous_clients() {
    // With IGNORE_UNAUTH_ENDPOINTS and without "session" among the protected mechanisms, the open
    // endpoints still require a token of an identified caller, as the reference does.
    let app = TestApp::with("SECURITY_CSRF_PROTECT_MECHANISMS = []").await;
    let mut browser = app.signed_in().await;
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.verdict(), (400, "CSRF_TOKEN_MISSING".into()));
}

#[tokio::test]
async fn with_csrf_disabled_no_token_is_required() {
    let app = TestApp::with("WTF_CSRF_ENABLED = false\nSECURITY_LOGOUT_CSRF = true").await;
    for who in [Who::Session, Who::Token, Who::Anonymous] {
        let caller = caller(&app, who).await;
        for endpoint in endpoints() {
            let answer = ask(&caller, &endpoint, None).await;
            assert_eq!(failed_check(&answer), None, "{who:?} {endpoint:?}");
        }
    }
}

#[tokio::test]
async fn attack_csrf_no_list_of_methods_disables_the_check() {
    for methods in ["[\"PUT\"]", "[\"GET\"]", "[\"DELETE\", \"PATCH\"]"] {
        let app = TestApp::with(&format!("WTF_CSRF_METHODS = {methods}")).await;
        let ana = app.signed_in().await;
        let body = json!({"password": PASSWORD});
        let answer = ana.clone().post(&format!("{PREFIX}/verify"), body).await;
        assert_eq!(answer.code(), "CSRF_TOKEN_MISSING", "{methods}");
        for original in ["POST", "PUT", "DELETE"] {
            let mut ana = ana.clone().header("x-original-method", original);
            let answer = ana.get(&format!("{PREFIX}/authz")).await;
            assert_eq!(answer.code(), "CSRF_TOKEN_MISSING", "{methods} {original}");
        }
    }
}
