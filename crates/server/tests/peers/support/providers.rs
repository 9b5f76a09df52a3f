//! What the tests of social sign-in share: a provider for both servers, and the steps of a flow.

use serde_json::{Value, json};
use vestibule_testkit::provider::{Approval, Provider};

use super::duo::{Browser, Duo, Pair};
use super::http::{Request, Response};
use super::jar::with_token;

pub(crate) const START: &str = "/api/accounts/login/oauthstart";
pub(crate) const VERIFY_START: &str = "/api/accounts/login/oauth-verify-start";

/// The name of the provider with discovery.
pub(crate) const OIDC: &str = "oidc";
/// The name of the provider of plain OAuth 2.
pub(crate) const PLAIN: &str = "plain";

/// The settings of social sign-in through this provider, with these keys changed. The notices and
/// limits that the reference does not have are off.
pub(crate) fn social(provider: &Provider, changes: &Value) -> Value {
    let mut config = json!({
        "SECURITY_OAUTH_ENABLE": true, "SECURITY_OAUTH_BUILTIN_PROVIDERS": [],
        "SECURITY_POST_OAUTH_VERIFY_VIEW": "/post-verify",
        "SECURITY_VERIFY_ERROR_VIEW": "/verify-error",
        "SECURITY_FACTOR_NOTICES": false, "SECURITY_LIMITS": "off",
        "OAUTH_PROVIDERS": {
            OIDC: {
                "client_id": "vestibule", "client_secret": "the client's secret",
                "issuer": provider.issuer(), "allow_private": true,
            },
            PLAIN: {
                "client_id": "vestibule", "client_secret": "the client's secret",
                "authorize_url": provider.url("/authorize"),
                "access_token_url": provider.url("/token"),
                "userinfo_url": provider.url("/userinfo"), "scope": "email",
                "allow_private": true,
            },
        },
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

/// What the provider replies to the redirects of both servers.
pub(crate) fn approve(provider: &Provider, started: &Pair) -> (Approval, Approval) {
    let of = |answer: &Response| {
        let location = answer.first("location");
        let body = String::from_utf8_lossy(&answer.body);
        let location = location.unwrap_or_else(|| panic!("no redirect: {} {body}", answer.status));
        provider.approve(location)
    };
    (of(&started.ours), of(&started.theirs))
}

/// The paths of the callbacks.
pub(crate) fn callbacks(approvals: &(Approval, Approval)) -> (String, String) {
    (path(&approvals.0), path(&approvals.1))
}

/// The path and the query of the callback.
fn path(approval: &Approval) -> String {
    let location = approval.location();
    let after_host = location.splitn(4, '/').nth(3).expect("an address");
    format!("/{after_host}")
}

/// A browser's navigation to this path.
pub(crate) fn navigate(path: &str) -> Request {
    Request::new("GET", path).header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
}

impl Duo {
    /// Starts both with social sign-in through this provider and these keys changed.
    pub(crate) fn with_provider(name: &str, provider: &Provider, changes: &Value) -> Self {
        Self::start(name, &social(provider, changes))
    }

    /// Starts a flow: one exchange.
    pub(crate) fn start_flow(
        &mut self,
        browser: &mut Browser,
        start: &str,
        provider: &str,
    ) -> Pair {
        let path = format!("{start}/{provider}");
        self.send(&path, browser, |jar| {
            with_token(Request::post(&path, &json!({})), jar)
        })
    }

    /// A whole flow: two exchanges.
    pub(crate) fn flow(
        &mut self,
        name: &str,
        browser: &mut Browser,
        (provider, start, of): (&Provider, &str, &str),
    ) -> Pair {
        let started = self.start_flow(browser, start, of);
        let paths = callbacks(&approve(provider, &started));
        self.send_own(name, browser, &paths, |_, path| navigate(path))
    }
}
