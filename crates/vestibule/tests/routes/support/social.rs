//! Social providers of the application under test.

use http::Method;
use serde_json::{Value, json};
use vestibule::Builder;
use vestibule_testkit::provider::Provider;

use super::mails::destination;
use super::{ANA, Answer, Browser, TestApp};

/// Switches social sign-in on.
const SWITCHES: &str = r#"
SECURITY_OAUTH_ENABLE = true
SECURITY_LOGIN_ERROR_VIEW = "/login-error"
SECURITY_POST_LOGIN_VIEW = "/in"
SECURITY_POST_OAUTH_LOGIN_VIEW = "/post-oauth-login"
SECURITY_POST_OAUTH_LINK_VIEW = "/linked"
SECURITY_POST_OAUTH_VERIFY_VIEW = "/post-oauth-verify"
SECURITY_VERIFY_ERROR_VIEW = "/verify-error"
"#;

/// Social sign-in with a provider that is never asked.
pub(crate) const SOCIAL: &str = r#"
SECURITY_OAUTH_ENABLE = true
SECURITY_LOGIN_ERROR_VIEW = "/login-error"
SECURITY_POST_LOGIN_VIEW = "/in"
SECURITY_POST_OAUTH_LOGIN_VIEW = "/post-oauth-login"
SECURITY_POST_OAUTH_VERIFY_VIEW = "/post-oauth-verify"
SECURITY_VERIFY_ERROR_VIEW = "/verify-error"
OAUTH_PROVIDERS = { hub = { client_id = "vestibule", client_secret = "a secret of the client", authorize_url = "https://hub.example/authorize", access_token_url = "https://hub.example/token", userinfo_url = "https://hub.example/user" } }
"#;

pub(crate) const START: &str = "/api/accounts/login/oauthstart/hub";
pub(crate) const RESPONSE: &str = "/api/accounts/login/oauthresponse/hub";
pub(crate) const VERIFY_START: &str = "/api/accounts/login/oauth-verify-start/hub";
pub(crate) const IDENTITIES: &str = "/api/accounts/identities";

/// The path of an operation with values for its parameters.
pub(crate) fn filled(path: &str) -> String {
    path.replace("{token}", "a.b.c")
        .replace("{name}", "hub")
        .replace("{id}", "hub")
}

/// A table of a provider in software: plain OAuth 2.0, with `more` members.
fn table(provider: &Provider, more: &str) -> String {
    format!(
        "{{ client_id = \"vestibule\", client_secret = \"the client's secret\", allow_private = true, subject_claim = \"sub\", \
         authorize_url = {:?}, access_token_url = {:?}, userinfo_url = {:?}{more} }}",
        provider.url("/authorize"),
        provider.url("/token"),
        provider.url("/userinfo"),
    )
}

/// Social sign-in with two providers, `hub` and `forge`; `poster` is `hub` with answers as a form, and
/// `strong` is `hub` with a sign-in that counts as two factors.
pub(crate) fn lines(hub: &Provider, forge: &Provider) -> String {
    let tables = [
        ("hub", table(hub, "")),
        ("forge", table(forge, "")),
        ("poster", table(hub, ", form_post = true")),
        ("strong", table(hub, ", counts_as_second_factor = true")),
    ];
    let tables = tables.map(|(name, table)| format!("{name} = {table}"));
    format!("{SWITCHES}OAUTH_PROVIDERS = {{ {} }}\n", tables.join(", "))
}

/// An application with the providers of [`lines`].
pub(crate) struct Social {
    pub(crate) app: TestApp,
    pub(crate) hub: Provider,
    pub(crate) forge: Provider,
}

impl Social {
    pub(crate) async fn with(extra: &str) -> Self {
        Self::built(extra, |builder| builder).await
    }

    pub(crate) async fn built(extra: &str, more: impl FnOnce(Builder) -> Builder) -> Self {
        let (hub, forge) = (Provider::start(), Provider::start());
        let lines = format!("{}{extra}", lines(&hub, &forge));
        let app = TestApp::built(&lines, more).await;
        Self { app, hub, forge }
    }

    /// Sets the user who signs in at `hub` next.
    pub(crate) fn is_at_hub(&self, claims: Value) {
        self.hub.set(|hub| hub.claims = claims);
    }

    /// Sets the user who signs in at `hub` next, with a verified address.
    pub(crate) fn has_at_hub(&self, subject: &str, email: &str) {
        self.is_at_hub(json!({"sub": subject, "email": email, "email_verified": true}));
    }

    /// Begins a sign-in, and returns the path to which `hub` sends the browser back.
    pub(crate) async fn begun(&self, browser: &mut Browser<'_>) -> String {
        let answer = browser.begin_flow(START).await;
        self.back(&answer)
    }

    /// The path to which `hub` sends the browser back after this redirect.
    pub(crate) fn back(&self, answer: &Answer) -> String {
        back(&self.hub, answer)
    }

    /// Signs in with `hub`.
    pub(crate) async fn sign_in(&self, browser: &mut Browser<'_>) -> Answer {
        let path = self.begun(browser).await;
        browser.get(&path).await
    }

    /// Links the identity at `hub` to Ana's account. The browser is hers.
    pub(crate) async fn linked(&self, subject: &str) -> Browser<'_> {
        let mut ana = self.app.signed_in().await.with_csrf().await;
        self.link(&mut ana, subject).await;
        ana
    }

    /// Links an identity at `hub` to the account of this browser.
    pub(crate) async fn link(&self, browser: &mut Browser<'_>, subject: &str) {
        self.has_at_hub(subject, &format!("{subject}@hub.example"));
        let answer = browser.begin_flow(&format!("{IDENTITIES}/hub")).await;
        let answer = browser.get(&self.back(&answer)).await;
        let (view, query) = destination(&answer);
        assert_eq!(view, "/linked", "{query:?}");
        assert!(query.contains(&("linked".to_owned(), "hub".to_owned())));
    }
}

/// The path to which a provider sends the browser back after this redirect.
pub(crate) fn back(provider: &Provider, answer: &Answer) -> String {
    let location = target(answer);
    assert!(location.starts_with(&provider.issuer()), "{location}");
    let back = provider.approve(&location).location();
    let path = back.strip_prefix("http://localhost:5000");
    path.unwrap_or_else(|| panic!("{back}")).to_owned()
}

/// The address that an answer redirects to.
pub(crate) fn target(answer: &Answer) -> String {
    assert_eq!(answer.status, 302, "{answer:?}");
    answer.headers["location"].to_str().unwrap().to_owned()
}

/// The value of a parameter in a path.
pub(crate) fn parameter(path: &str, name: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.find(|(own, _)| own == name).map(|(_, value)| value)
}

/// The path with another value of a parameter.
pub(crate) fn with_parameter(path: &str, name: &str, value: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    let others = pairs.filter(|(own, _)| own != name);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(others).append_pair(name, value);
    format!("{path}?{}", query.finish())
}

/// The view for errors that an answer redirects to, and the code of the error.
pub(crate) fn refusal(answer: &Answer) -> (String, String) {
    let (view, query) = destination(answer);
    let of = |name: &str| query.iter().find(|(own, _)| own == name);
    assert!(of("error").is_some(), "{view} {query:?}");
    let code = of("error_code").unwrap_or_else(|| panic!("{view} {query:?}"));
    (view, code.1.clone())
}

/// The refusal of a sign-in with this code.
pub(crate) fn refused(code: &str) -> (String, String) {
    ("/login-error".to_owned(), code.to_owned())
}

impl Browser<'_> {
    /// Submits an empty form, as a page with a button does.
    pub(crate) async fn begin_flow(&mut self, path: &str) -> Answer {
        let kind = Some("application/x-www-form-urlencoded");
        self.send(Method::POST, path, kind, Vec::new()).await
    }

    /// The address of the user that the browser is signed in as.
    pub(crate) async fn signed_in_as(&mut self) -> Option<String> {
        let answer = self.get("/api/accounts/authz").await;
        answer.named().map(str::to_owned)
    }

    /// Fails unless an answer signed Ana in.
    pub(crate) async fn is_ana(&mut self, answer: &Answer) {
        let (view, query) = destination(answer);
        assert_eq!(view, "/post-oauth-login", "{query:?}");
        let of_ana = |name: &str| (name.to_owned(), ANA.to_owned());
        assert_eq!(query[..2], [of_ana("email"), of_ana("identity")]);
        assert_eq!(self.signed_in_as().await.as_deref(), Some(ANA));
    }
}
