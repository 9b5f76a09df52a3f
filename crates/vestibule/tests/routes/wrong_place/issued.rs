//! One of every secret that the server hands out, all of them valid at the same time.

use std::sync::LazyLock;

use serde_json::{Value, json};
use vestibule::admin::NewAccount;
use vestibule_formats::totp::SALT_BYTES;
use vestibule_store::{PasskeyUsage, UserPatch};
use vestibule_testkit::authenticator::Authenticator as PasskeyInSoftware;
use vestibule_testkit::provider::Provider;

use crate::support::callers::text;
use crate::support::codes::{self, Authenticator, TWO_FACTOR, VALIDATE};
use crate::support::mails::token_of;
use crate::support::passkeys::{self, Begun, ORIGIN, credential};
use crate::support::social::{START, VERIFY_START, back, lines, parameter};
use crate::support::unified::{self, PHONE, UNIFIED, totp, wallet};
use crate::support::{ANA, Browser, LIFE, PASSWORD, TestApp};

const PREFIX: &str = "/api/accounts";

/// The provider at which Ana and Bo sign in.
static HUB: LazyLock<Provider> = LazyLock::new(Provider::start);

/// Users without a second factor, whose links change their rows.
const NEW: &str = "new@example.com";
const FORGETFUL: &str = "forgetful@example.com";
const MOVING: &str = "moving@example.com";
const MOVED: &str = "moved@example.com";
pub(super) const BO: &str = "bo@example.com";

/// Every feature is on, and nothing is limited.
const EVERYTHING: &str = r#"
SECURITY_PASSWORDLESS = true
SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = ""
SECURITY_API_ENABLED_METHODS = ["session", "token", "basic"]
SECURITY_US_MFA_REQUIRED = ["password"]
SECURITY_TWO_FACTOR_ALWAYS_VALIDATE = false
SECURITY_TWO_FACTOR_LOGIN_VALIDITY = "1 day"
SECURITY_LOGIN_WITHOUT_CONFIRMATION = true
SECURITY_NEW_DEVICE_NOTICE = true
SECURITY_LIMITS = "off"
SECURITY_WEBAUTHN = true
"#;

/// A kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issued {
    Password,
    Confirm,
    Reset,
    SignInLink,
    ChangeEmail,
    MailedCode,
    TextedCode,
    SecondFactorCode,
    RecoveryCode,
    UnifiedSetUp,
    UnifiedSetUpCode,
    SecondFactorSetUp,
    SecondFactorSetUpCode,
    RememberedDevice,
    KnownDevice,
    Session,
    PendingSession,
    Remember,
    Csrf,
    AuthToken,
    RefreshToken,
    PasskeyRegistration,
    PasskeySignIn,
    PasskeyVerification,
    SocialState,
    SocialVerifyState,
}

/// Every kind. Those that replace a factor are last.
pub(super) const ISSUED: [Issued; 26] = [
    Issued::Password,
    Issued::Confirm,
    Issued::Reset,
    Issued::SignInLink,
    Issued::ChangeEmail,
    Issued::MailedCode,
    Issued::TextedCode,
    Issued::SecondFactorCode,
    Issued::RecoveryCode,
    Issued::RememberedDevice,
    Issued::KnownDevice,
    Issued::Session,
    Issued::PendingSession,
    Issued::Remember,
    Issued::Csrf,
    Issued::AuthToken,
    Issued::RefreshToken,
    Issued::PasskeySignIn,
    Issued::PasskeyVerification,
    Issued::PasskeyRegistration,
    Issued::SocialState,
    Issued::SocialVerifyState,
    Issued::UnifiedSetUp,
    Issued::UnifiedSetUpCode,
    Issued::SecondFactorSetUp,
    Issued::SecondFactorSetUpCode,
];

pub(super) async fn app() -> TestApp {
    HUB.set(|hub| hub.codes_work_once = false);
    let social = lines(&HUB, &HUB);
    let app = TestApp::with(&format!("{LIFE}{UNIFIED}{TWO_FACTOR}{EVERYTHING}{social}")).await;
    app.has(ANA, &["email", "authenticator", "sms"]).await;
    let secret = wallet().seal(&totp("second"), &[9; SALT_BYTES]);
    let patch = UserPatch {
        tf_primary_method: Some(Some("authenticator".to_owned())),
        tf_totp_secret: Some(Some(secret)),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
    for email in [NEW, FORGETFUL, MOVING, BO] {
        let confirmed = email != NEW;
        app.user(email, |draft| NewAccount { confirmed, ..draft })
            .await;
    }
    app
}

/// A set-up that waits for its first code.
#[derive(Debug, Clone)]
pub(super) struct SetUp {
    pub(super) state: String,
    pub(super) code: String,
}

impl SetUp {
    async fn begin(app: &TestApp, owner: &Browser<'_>, prefix: &str) -> Self {
        let (path, choice, state) = match prefix {
            "" => (unified::SETUP, "chosen_method", "state"),
            _ => (codes::SETUP, "setup", "tf_state_token"),
        };
        // The clone discards the cookie, so that the session does not hold the set-up.
        let mut owner = owner.clone();
        let answer = owner.post(path, json!({choice: "authenticator"})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let response = answer.response();
        let key = text(&response[format!("{prefix}authr_b32key")]);
        Self {
            state: text(&response[state]),
            code: Authenticator::with_key(&key).code(app),
        }
    }
}

/// One secret of each kind, and what presenting them needs.
pub(super) struct Secrets<'a> {
    pub(super) app: &'a TestApp,
    /// Ana's session, which sends the CSRF token.
    pub(super) owner: Browser<'a>,
    /// A browser in which Ana has shown the first factor.
    pub(super) pending: Browser<'a>,
    /// Set-ups of Ana's, with a state and a code that are not tried elsewhere.
    pub(super) unified: SetUp,
    pub(super) second: SetUp,
    /// The responses to the ceremonies, by their states.
    pub(super) responses: Vec<(String, Value)>,
    /// A browser in which Bo signs in at the provider.
    pub(super) social: Browser<'a>,
    /// Codes of the provider: for Bo's sign-in, and for Ana to verify.
    pub(super) provider_codes: [String; 2],
    /// What a link with a code names her by.
    pub(super) uniquifier: String,
    all: Vec<(Issued, String)>,
}

impl<'a> Secrets<'a> {
    pub(super) fn of(&self, kind: Issued) -> &str {
        let (_, secret) = self.all.iter().find(|(other, _)| *other == kind).unwrap();
        secret
    }

    /// The code that completes a set-up with this state.
    pub(super) fn code_for(&self, state: &str) -> &str {
        if state == self.of(Issued::SecondFactorSetUp) {
            &self.second.code
        } else {
            &self.unified.code
        }
    }

    /// An authenticator's response to the ceremony with this state, or to any other.
    pub(super) fn response_to(&self, state: &str) -> Value {
        let known = self.responses.iter().find(|(known, _)| known == state);
        let (_, response) = known.unwrap_or(&self.responses[1]);
        credential(response)
    }

    pub(super) async fn issue(app: &'a TestApp) -> Self {
        let device = remembered_device(app).await;
        app.wait(60);
        // An authenticator app needs no second factor here.
        let mut owner = app.browser();
        let body = json!({"identity": ANA, "passcode": app.now("authenticator"), "remember": true});
        let path = format!("{}?include_auth_token", unified::SIGN_IN);
        let answer = owner.post(&path, body).await;
        let user = answer.response()["user"].clone();
        let csrf = answer.csrf_token();
        let mut owner = owner.header("x-xsrf-token", &csrf);
        let verifying = at_provider(&mut owner, VERIFY_START, ANA).await;
        let mut social = app.browser();
        let signing_in = at_provider(&mut social, START, BO).await;
        let codes_path = format!("{PREFIX}/mf-recovery-codes");
        let recovery = owner.clone().post(&codes_path, json!({})).await.response();
        let mut pending = app.browser();
        let answer = pending.unified(ANA, PASSWORD).await;
        assert_eq!(answer.response()["tf_required"], true, "{answer:?}");
        let unified = SetUp::begin(app, &owner, "").await;
        let second = SetUp::begin(app, &owner, "tf_").await;
        let tried = [
            SetUp::begin(app, &owner, "").await,
            SetUp::begin(app, &owner, "tf_").await,
        ];
        app.browser().send_code(ANA, "sms").await;
        let texted = app.texted_code(PHONE).await;
        app.browser().send_code(ANA, "email").await;
        let mailed = app.mailed_code(ANA).await;
        let responses = ceremonies(app, &owner).await;
        let states = responses.clone().map(|(state, _)| state);
        let [registration, sign_in, verification] = states;
        let all = vec![
            (Issued::PasskeyRegistration, registration),
            (Issued::PasskeySignIn, sign_in),
            (Issued::PasskeyVerification, verification),
            (Issued::Password, PASSWORD.to_owned()),
            (Issued::Confirm, mailed_link(app, "confirm", NEW).await),
            (Issued::Reset, mailed_link(app, "reset", FORGETFUL).await),
            (Issued::SignInLink, mailed_link(app, "login", BO).await),
            (Issued::ChangeEmail, change_link(app).await),
            (Issued::MailedCode, mailed),
            (Issued::TextedCode, texted),
            (Issued::SecondFactorCode, second_code(app)),
            (Issued::RecoveryCode, text(&recovery["recovery_codes"][0])),
            (Issued::RememberedDevice, device),
            (Issued::KnownDevice, known_device(app).await),
            (Issued::Session, owner.cookies["session"].clone()),
            (Issued::PendingSession, pending.cookies["session"].clone()),
            (Issued::Remember, owner.cookies["remember_token"].clone()),
            (Issued::Csrf, csrf),
            (Issued::AuthToken, text(&user["authentication_token"])),
            (Issued::RefreshToken, text(&user["refresh_token"])),
            (Issued::SocialState, signing_in.0),
            (Issued::SocialVerifyState, verifying.0),
            // A set-up is completed by a state and its code, so each is tried with another's.
            (Issued::UnifiedSetUp, unified.state.clone()),
            (Issued::UnifiedSetUpCode, tried[0].code.clone()),
            (Issued::SecondFactorSetUp, second.state.clone()),
            (Issued::SecondFactorSetUpCode, tried[1].code.clone()),
        ];
        let [unified_tried, second_tried] = tried;
        Self {
            app,
            owner,
            pending,
            unified: SetUp {
                state: unified_tried.state,
                code: unified.code,
            },
            second: SetUp {
                state: second_tried.state,
                code: second.code,
            },
            responses: responses.to_vec(),
            social,
            provider_codes: [signing_in.1, verifying.1],
            uniquifier: app.stored(ANA).await.fs_uniquifier,
            all,
        }
    }
}

/// The states of a registration, a sign-in and a verification of Ana's, with the responses.
async fn ceremonies(app: &TestApp, owner: &Browser<'_>) -> [(String, Value); 3] {
    let mut owner = owner.clone();
    let mut passkey = app.store_passkey(ANA, PasskeyUsage::First).await;
    let body = json!({"name": "new", "usage": "first"});
    let register = owner.begin(passkeys::REGISTER, body).await;
    let sign_in = app.browser().begin(passkeys::SIGN_IN, json!({})).await;
    let verify = owner.begin(passkeys::VERIFY, json!({})).await;
    let state = |begun: &Begun| {
        let (_, state) = begun.path.rsplit_once('/').unwrap();
        state.to_owned()
    };
    let new = PasskeyInSoftware::new(ORIGIN).register(&register.options);
    [
        (state(&register), new.unwrap()),
        (state(&sign_in), passkey.sign_in(&sign_in.options).unwrap()),
        (state(&verify), passkey.sign_in(&verify.options).unwrap()),
    ]
}

/// Begins a flow, and signs the user with this address in at the provider. Returns the state and the
/// code.
async fn at_provider(browser: &mut Browser<'_>, start: &str, email: &str) -> (String, String) {
    HUB.set(|hub| {
        hub.claims = json!({"sub": email, "email": email, "email_verified": true});
    });
    let answer = browser.begin_flow(start).await;
    let path = back(&HUB, &answer);
    let of = |name| parameter(&path, name).unwrap();
    (of("state"), of("code"))
}

fn second_code(app: &TestApp) -> String {
    let code = totp("second").generate(app.app().unix_now());
    code.as_str().to_owned()
}

/// The cookie that spares Ana the second factor.
async fn remembered_device(app: &TestApp) -> String {
    let mut browser = app.browser();
    let body = json!({"identity": ANA, "passcode": PASSWORD, "remember": true});
    browser.post(unified::SIGN_IN, body).await;
    let body = json!({"code": second_code(app)});
    let answer = browser.post(VALIDATE, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    browser.cookies["tf_validity"].clone()
}

/// The cookie of a browser in which Bo signed in before.
async fn known_device(app: &TestApp) -> String {
    let mut browser = app.browser();
    assert_eq!(browser.unified(BO, PASSWORD).await.status, 200);
    browser.cookies["vestibule_device"].clone()
}

async fn mailed_link(app: &TestApp, to: &str, email: &str) -> String {
    let path = format!("{PREFIX}/{to}");
    let body: Value = json!({"email": email});
    let answer = app.browser().post(&path, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    token_of(&app.link(email).await).to_owned()
}

async fn change_link(app: &TestApp) -> String {
    let mut browser = app.browser();
    let csrf = browser.unified(MOVING, PASSWORD).await.csrf_token();
    let mut browser = browser.header("x-xsrf-token", &csrf);
    let path = format!("{PREFIX}/change-email");
    let answer = browser.post(&path, json!({"email": MOVED})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    token_of(&app.link(MOVED).await).to_owned()
}
