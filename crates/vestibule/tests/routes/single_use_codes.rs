//! A code works once, also for requests that all found it valid before any of them used it. The
//! ledger of consumed secrets sees to that; for recovery codes, which are removed from the user's
//! row, the condition that the row is unchanged.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_formats::totp::SALT_BYTES;
use vestibule_store::sql::TableNames;
use vestibule_store::{MemoryStore, Store, UserPatch};

use crate::support::callers::text;
use crate::support::codes::{self, Authenticator, TWO_FACTOR, VALIDATE};
use crate::support::mails::destination;
use crate::support::sqlite::Folder;
use crate::support::unified::{self, SIGN_IN, UNIFIED, VERIFY, totp, wallet};
use crate::support::watched::{Removes, Watched};
use crate::support::{ANA, Browser, LIFE, TestApp};

const REQUESTS: usize = 64;
const FEW: usize = 8;

/// The limits would refuse most of the requests before they compare a code.
const SETTINGS: &str = "SECURITY_LIMITS = \"off\"\nSECURITY_US_MFA_REQUIRED = [\"email\"]\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// Completes a sign-in.
    SignIn,
    /// Is the first of two factors.
    FirstOfTwo,
    Link,
    Verify,
    SecondFactor,
    Recovery,
    UnifiedSetUp,
    SecondFactorSetUp,
    /// Is the first code of a second factor, which a sign-in requires.
    RequiredSetUp,
}

/// The codes that the ledger consumes.
const IN_LEDGER: [Code; 8] = [
    Code::SignIn,
    Code::FirstOfTwo,
    Code::Link,
    Code::Verify,
    Code::SecondFactor,
    Code::UnifiedSetUp,
    Code::SecondFactorSetUp,
    Code::RequiredSetUp,
];

/// What every request sends, each from a browser of its own.
struct Requests<'a> {
    browsers: Vec<Browser<'a>>,
    path: String,
    /// `None` opens a link.
    body: Option<Value>,
}

impl<'a> Requests<'a> {
    /// Requests from copies of one browser.
    fn of(browser: Browser<'a>, count: usize, path: &str, body: Value) -> Self {
        Self {
            browsers: vec![browser; count],
            path: path.to_owned(),
            body: Some(body),
        }
    }

    /// Sends them all at once. Returns how many had an effect.
    async fn send(mut self) -> usize {
        let (path, body) = (&self.path, &self.body);
        let requests = self.browsers.iter_mut().map(|browser| async move {
            let Some(body) = body else {
                let (view, query) = destination(&browser.get(path).await);
                return view == "/in" || query[0].0 == "tf_required";
            };
            let answer = browser.post(path, body.clone()).await;
            let status = answer.status.as_u16();
            assert!(matches!(status, 200 | 400), "{answer:?}");
            status == 200
        });
        let all = futures_util::future::join_all(requests);
        // A request that never reaches the store leaves the others waiting.
        let outcomes = tokio::time::timeout(Duration::from_secs(60), all).await;
        let outcomes = outcomes.expect("every request finds the code valid");
        outcomes.into_iter().filter(|effective| *effective).count()
    }
}

impl Code {
    async fn app(self, store: &Arc<Watched>) -> TestApp {
        let required = self == Self::RequiredSetUp;
        let lines = format!(
            "{LIFE}{UNIFIED}{TWO_FACTOR}{SETTINGS}SECURITY_TWO_FACTOR_REQUIRED = {required}\n"
        );
        let store = Arc::clone(store);
        let app = TestApp::built(&lines, |builder| builder.datastore(store)).await;
        app.has(ANA, &["email", "sms"]).await;
        if matches!(self, Self::FirstOfTwo | Self::SecondFactor | Self::Recovery) {
            let secret = wallet().seal(&totp("second"), &[9; SALT_BYTES]);
            let patch = UserPatch {
                tf_primary_method: Some(Some("authenticator".to_owned())),
                tf_totp_secret: Some(Some(secret)),
                mf_recovery_codes: Some(Some("aaaa-bbbb-cccc,dddd-eeee-ffff".to_owned())),
                ..UserPatch::default()
            };
            app.patched(ANA, patch).await;
        }
        app
    }

    /// Requests that all use one code.
    async fn requests(self, app: &TestApp, count: usize) -> Requests<'_> {
        let sign_in = |method| json!({"identity": ANA, "passcode": app.now(method)});
        match self {
            Self::SignIn => Requests::of(app.browser(), count, SIGN_IN, sign_in("sms")),
            Self::FirstOfTwo => Requests::of(app.browser(), count, SIGN_IN, sign_in("email")),
            Self::Link => {
                app.browser().send_code(ANA, "email").await;
                Requests {
                    browsers: vec![app.browser(); count],
                    path: app.link(ANA).await,
                    body: None,
                }
            }
            Self::Verify => {
                let body = json!({"passcode": app.now("sms")});
                Requests::of(app.with_session().await, count, VERIFY, body)
            }
            Self::SecondFactor | Self::Recovery => {
                let mut browsers = Vec::new();
                for _ in 0..count {
                    browsers.push(app.half_signed_in(ANA).await.0);
                }
                let code = totp("second").generate(app.app().unix_now());
                let (path, code) = match self {
                    Self::Recovery => ("/api/accounts/mf-recovery", "aaaa-bbbb-cccc"),
                    _ => (VALIDATE, code.as_str()),
                };
                Requests {
                    browsers,
                    path: path.to_owned(),
                    body: Some(json!({"code": code})),
                }
            }
            Self::UnifiedSetUp => {
                let mut browser = app.with_session().await;
                let body = json!({"chosen_method": "authenticator"});
                let response = browser.post(unified::SETUP, body).await.response();
                let path = format!("{}/{}", unified::SETUP, text(&response["state"]));
                let code = Authenticator::with_key(&text(&response["authr_b32key"])).code(app);
                Requests::of(browser, count, &path, json!({"passcode": code}))
            }
            Self::SecondFactorSetUp | Self::RequiredSetUp => {
                let mut browser = match self {
                    Self::RequiredSetUp => app.half_signed_in(ANA).await.0,
                    _ => app.with_session().await,
                };
                let body = json!({"setup": "authenticator"});
                let response = browser.post(codes::SETUP, body).await.response();
                let path = match response["tf_state_token"].as_str() {
                    Some(state) => format!("{}/{state}", codes::SETUP),
                    None => VALIDATE.to_owned(),
                };
                let key = text(&response["tf_authr_b32key"]);
                let code = Authenticator::with_key(&key).code(app);
                Requests::of(browser, count, &path, json!({"code": code}))
            }
        }
    }

    /// Uses one code with many requests at once, on both stores. Returns how many had an effect.
    async fn at_once(self, removes: Removes, count: usize) -> [usize; 2] {
        let folder = Folder::new();
        let stores: [Arc<dyn Store>; 2] = [
            Arc::new(MemoryStore::default()),
            folder.store(&TableNames::default()),
        ];
        let mut effective = [0, 0];
        for (inner, effective) in stores.into_iter().zip(&mut effective) {
            let store = Arc::new(Watched::without(inner, removes, count));
            let app = self.app(&store).await;
            *effective = self.requests(&app, count).await.send().await;
            assert_eq!(store.consuming(), count, "{self:?}");
        }
        effective
    }
}

#[tokio::test]
async fn attack_single_use_one_of_64_requests_uses_a_code_that_signs_in() {
    for code in [Code::SignIn, Code::FirstOfTwo, Code::Link, Code::Verify] {
        let effective = code.at_once(Removes::Nothing, REQUESTS).await;
        assert_eq!(effective, [1, 1], "{code:?}");
    }
}

#[tokio::test]
async fn attack_single_use_one_of_64_requests_uses_a_second_factor_or_a_recovery_code() {
    for code in [Code::SecondFactor, Code::Recovery] {
        let effective = code.at_once(Removes::Nothing, REQUESTS).await;
        assert_eq!(effective, [1, 1], "{code:?}");
    }
}

#[tokio::test]
async fn attack_single_use_one_of_64_requests_completes_a_set_up() {
    for code in [
        Code::UnifiedSetUp,
        Code::SecondFactorSetUp,
        Code::RequiredSetUp,
    ] {
        let effective = code.at_once(Removes::Nothing, REQUESTS).await;
        assert_eq!(effective, [1, 1], "{code:?}");
    }
}

#[tokio::test]
async fn attack_single_use_the_ledger_alone_lets_one_request_use_a_code() {
    for code in IN_LEDGER {
        let effective = code.at_once(Removes::Conditions, FEW).await;
        assert_eq!(effective, [1, 1], "{code:?}");
    }
}

/// Shows that the requests of these tests meet, so that nothing but the store refuses them.
#[tokio::test]
async fn without_the_conditions_of_the_store_every_request_would_use_a_code() {
    for (code, removes) in [
        (Code::SignIn, Removes::Secrets),
        (Code::FirstOfTwo, Removes::Secrets),
        (Code::Link, Removes::Secrets),
        (Code::Verify, Removes::Secrets),
        (Code::SecondFactor, Removes::Secrets),
        (Code::SecondFactorSetUp, Removes::Secrets),
        (Code::Recovery, Removes::Conditions),
    ] {
        let effective = code.at_once(removes, FEW).await;
        assert_eq!(effective, [FEW, FEW], "{code:?}");
    }
}
