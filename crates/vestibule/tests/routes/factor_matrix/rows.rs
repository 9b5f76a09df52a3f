//! The first factors, the settings of the second, and what follows from both.

use serde_json::{Value, json};
use vestibule_store::PasskeyUsage;

use super::{HUB, NEW, PREFIX};
use crate::support::passkeys::{SIGN_IN as PASSKEY_SIGN_IN, credential};
use crate::support::social::{START, back};
use crate::support::unified::SIGN_IN;
use crate::support::{ANA, Answer, Browser, PASSWORD, TestApp};

const NEW_PASSWORD: &str = "correct horse";

/// What a sign-in begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Password,
    UnifiedPassword,
    MailedCode,
    TextedCode,
    AppCode,
    CodeLink,
    PostedCodeLink,
    SignInLink,
    PostedSignInLink,
    ConfirmationLink,
    PostedConfirmationLink,
    ResetLink,
    NewAccount,
    Passkey,
    VerifiedPasskey,
    Provider,
    MultiFactorProvider,
}

pub(super) const FIRST: [First; 17] = [
    First::Password,
    First::UnifiedPassword,
    First::MailedCode,
    First::TextedCode,
    First::AppCode,
    First::CodeLink,
    First::PostedCodeLink,
    First::SignInLink,
    First::PostedSignInLink,
    First::ConfirmationLink,
    First::PostedConfirmationLink,
    First::ResetLink,
    First::NewAccount,
    First::Passkey,
    First::VerifiedPasskey,
    First::Provider,
    First::MultiFactorProvider,
];

impl First {
    /// The factor in `session/proof.rs`, and the operation that completes it.
    pub(super) fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Password => ("Password", "POST /login"),
            Self::UnifiedPassword => ("UnifiedPassword", "POST /us-signin"),
            Self::MailedCode => ("Code(Email)", "POST /us-signin"),
            Self::TextedCode => ("Code(Sms)", "POST /us-signin"),
            Self::AppCode => ("Code(Authenticator)", "POST /us-signin"),
            Self::CodeLink => ("CodeLink", "GET /us-verify-link"),
            Self::PostedCodeLink => ("CodeLink", "POST /us-verify-link"),
            Self::SignInLink => ("SignInLink", "GET /login/{token}"),
            Self::PostedSignInLink => ("SignInLink", "POST /login/{token}"),
            Self::ConfirmationLink => ("ConfirmationLink", "GET /confirm/{token}"),
            Self::PostedConfirmationLink => ("ConfirmationLink", "POST /confirm/{token}"),
            Self::ResetLink => ("ResetLink", "POST /reset/{token}"),
            Self::NewAccount => ("NewAccount", "POST /register"),
            Self::Passkey => ("Passkey", "POST /wan-signin/{token}"),
            Self::VerifiedPasskey => ("VerifiedPasskey", "POST /wan-signin/{token}"),
            Self::Provider => ("Provider", "GET /login/oauthresponse/{name}"),
            Self::MultiFactorProvider => ("MultiFactorProvider", "GET /login/oauthresponse/{name}"),
        }
    }

    pub(super) fn is_provider(self) -> bool {
        matches!(self, Self::Provider | Self::MultiFactorProvider)
    }

    /// The name in `SECURITY_US_MFA_REQUIRED` that decides whether a second factor follows.
    fn unified(self) -> Option<&'static str> {
        match self {
            Self::UnifiedPassword => Some("password"),
            Self::MailedCode | Self::CodeLink | Self::PostedCodeLink => Some("email"),
            Self::TextedCode => Some("sms"),
            Self::AppCode => Some("authenticator"),
            _ => None,
        }
    }

    /// The second factor that reaches the user in the same way.
    fn channel(self) -> &'static str {
        match self {
            Self::Password | Self::UnifiedPassword | Self::NewAccount => "password",
            Self::TextedCode => "sms",
            Self::AppCode => "authenticator",
            Self::Passkey | Self::VerifiedPasskey => "webauthn",
            Self::Provider | Self::MultiFactorProvider => "provider",
            _ => "email",
        }
    }

    pub(super) fn settings(self) -> &'static str {
        match self {
            Self::SignInLink => "SECURITY_PASSWORDLESS = true\n",
            Self::PostedSignInLink => {
                "SECURITY_PASSWORDLESS = true\nSECURITY_LINKS_CONSUMED_BY = \"post\"\n"
            }
            Self::PostedCodeLink | Self::PostedConfirmationLink => {
                "SECURITY_LINKS_CONSUMED_BY = \"post\"\n"
            }
            _ => "",
        }
    }

    /// Shows the factor, and asks for tokens.
    pub(super) async fn show(self, app: &TestApp, browser: &mut Browser<'_>) -> Answer {
        let unified = |passcode: String| json!({"identity": ANA, "passcode": passcode});
        let reset = json!({"password": NEW_PASSWORD, "password_confirm": NEW_PASSWORD});
        let (path, body) = match self {
            Self::Password => (
                format!("{PREFIX}/login"),
                json!({"email": ANA, "password": PASSWORD}),
            ),
            Self::UnifiedPassword => (SIGN_IN.to_owned(), unified(PASSWORD.to_owned())),
            Self::MailedCode => {
                app.browser().send_code(ANA, "email").await;
                let code = app.mailed_code(ANA).await;
                (SIGN_IN.to_owned(), unified(code))
            }
            Self::TextedCode => (SIGN_IN.to_owned(), unified(app.now("sms"))),
            Self::AppCode => (SIGN_IN.to_owned(), unified(app.now("authenticator"))),
            Self::CodeLink | Self::PostedCodeLink => {
                app.browser().send_code(ANA, "email").await;
                let link = app.link(ANA).await;
                let (path, query) = link.split_once('?').unwrap();
                let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
                let pairs = pairs.map(|(name, value)| (name, json!(value)));
                let body = Value::Object(pairs.collect());
                if self == Self::CodeLink {
                    (link.clone(), Value::Null)
                } else {
                    (path.to_owned(), body)
                }
            }
            Self::SignInLink | Self::PostedSignInLink => self.mailed(app, "login").await,
            Self::ConfirmationLink | Self::PostedConfirmationLink => {
                self.mailed(app, "confirm").await
            }
            Self::Provider => (at_provider(browser, "hub").await, Value::Null),
            Self::MultiFactorProvider => (at_provider(browser, "strong").await, Value::Null),
            Self::ResetLink => (self.mailed(app, "reset").await.0, reset),
            Self::Passkey | Self::VerifiedPasskey => {
                let mut passkey = app.store_passkey(ANA, PasskeyUsage::First).await;
                passkey.user_verified = self == Self::VerifiedPasskey;
                // The clone discards the session of the first step, which holds nothing.
                let begun = browser.clone().begin(PASSKEY_SIGN_IN, json!({})).await;
                let response = passkey.sign_in(&begun.options).unwrap();
                (begun.path, credential(&response))
            }
            Self::NewAccount => (
                format!("{PREFIX}/register"),
                json!({"email": NEW, "username": "newbie", "password": PASSWORD,
                    "password_confirm": PASSWORD}),
            ),
        };
        if body == Value::Null {
            return browser.get(&path).await;
        }
        browser
            .post(&format!("{path}?include_auth_token"), body)
            .await
    }

    /// The link that a request mails, and the body to post to it.
    async fn mailed(self, app: &TestApp, to: &str) -> (String, Value) {
        let path = format!("{PREFIX}/{to}");
        let answer = app.browser().post(&path, json!({"email": ANA})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let is_opened = matches!(self, Self::SignInLink | Self::ConfirmationLink);
        let body = if is_opened { Value::Null } else { json!({}) };
        (app.link(ANA).await, body)
    }
}

/// Signs in at a provider, and returns the path to which it sends the browser back.
async fn at_provider(browser: &mut Browser<'_>, name: &str) -> String {
    let answer = browser.begin_flow(&START.replace("hub", name)).await;
    back(&HUB, &answer)
}

/// The settings of the second factor, and what the user has set up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Second {
    pub(super) method: Option<&'static str>,
    pub(super) required: bool,
    /// `SECURITY_US_MFA_REQUIRED`.
    pub(super) after: &'static [&'static str],
    pub(super) same_channel: &'static str,
    /// Whether the device has a cookie of an earlier sign-in with both factors.
    pub(super) remembered: bool,
}

pub(super) const EVERY_METHOD: &[&str] = &["password", "email", "sms", "authenticator"];

pub(super) fn seconds() -> Vec<Second> {
    let second = |method| Second {
        method,
        required: false,
        after: EVERY_METHOD,
        same_channel: "allow",
        remembered: false,
    };
    let refusing = |method| Second {
        same_channel: "refuse",
        ..second(Some(method))
    };
    let authenticator = second(Some("authenticator"));
    vec![
        second(None),
        second(Some("email")),
        second(Some("sms")),
        authenticator,
        Second {
            required: true,
            ..second(None)
        },
        Second {
            after: &["password", "email"],
            ..authenticator
        },
        Second {
            after: &[],
            ..authenticator
        },
        refusing("email"),
        refusing("sms"),
        refusing("authenticator"),
        second(Some("webauthn")),
        refusing("webauthn"),
        Second {
            remembered: true,
            ..authenticator
        },
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    SignedIn,
    /// A code of this method or a passkey is due.
    Due(&'static str),
    /// The user has to set a second factor up.
    SetUp,
    Refused,
}

pub(super) fn expected(first: First, second: Second) -> Outcome {
    // A new account has no second factor yet.
    let method = second.method.filter(|_| first != First::NewAccount);
    let is_exempt = |name| !second.after.contains(&name);
    // A new password ends what the old one opened, remembered devices included.
    let is_remembered = second.remembered && first != First::ResetLink;
    let is_enough = matches!(first, First::MultiFactorProvider | First::VerifiedPasskey);
    if first.unified().is_some_and(is_exempt) || is_remembered || is_enough {
        return Outcome::SignedIn;
    }
    match method {
        None if second.required => Outcome::SetUp,
        None => Outcome::SignedIn,
        Some(method) if second.same_channel == "refuse" && first.channel() == method => {
            Outcome::Refused
        }
        Some(method) => Outcome::Due(method),
    }
}
