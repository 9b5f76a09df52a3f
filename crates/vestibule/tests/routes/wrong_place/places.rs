//! The places that take a secret from a client.

use serde_json::json;

use super::issued::{BO, Secrets};
use crate::support::callers::TOKEN_HEADER;
use crate::support::codes::{self, VALIDATE};
use crate::support::mails::destination;
use crate::support::social::RESPONSE;
use crate::support::unified::{self, VERIFY};
use crate::support::{ANA, Answer, PASSWORD};

const PREFIX: &str = "/api/accounts";
const AUTHZ: &str = "/api/accounts/authz";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    ConfirmLink,
    /// Opening the link changes nothing.
    ResetLink,
    Reset,
    SignInLink,
    ChangeEmailLink,
    CodeLink,
    UnifiedSignIn,
    UnifiedVerify,
    Validate,
    Recovery,
    UnifiedSetUp,
    UnifiedSetUpCode,
    SecondFactorSetUp,
    SecondFactorSetUpCode,
    ValidityCookie,
    DeviceCookie,
    SessionCookie,
    /// The session cookie of a sign-in that awaits its second factor.
    PendingCookie,
    RememberCookie,
    CsrfHeader,
    TokenHeader,
    TokenQuery,
    TokenBody,
    RefreshBody,
    Password,
    PasskeyRegistration,
    PasskeySignIn,
    PasskeyVerification,
    SocialResponse,
    SocialVerifyResponse,
}

pub(super) const PLACES: [Place; 30] = [
    Place::Password,
    Place::ConfirmLink,
    Place::ResetLink,
    Place::Reset,
    Place::SignInLink,
    Place::ChangeEmailLink,
    Place::CodeLink,
    Place::UnifiedSignIn,
    Place::UnifiedVerify,
    Place::Validate,
    Place::Recovery,
    Place::UnifiedSetUp,
    Place::UnifiedSetUpCode,
    Place::SecondFactorSetUp,
    Place::SecondFactorSetUpCode,
    Place::ValidityCookie,
    Place::DeviceCookie,
    Place::SessionCookie,
    Place::PendingCookie,
    Place::RememberCookie,
    Place::CsrfHeader,
    Place::TokenHeader,
    Place::TokenQuery,
    Place::TokenBody,
    Place::RefreshBody,
    Place::PasskeyRegistration,
    Place::PasskeySignIn,
    Place::PasskeyVerification,
    Place::SocialResponse,
    Place::SocialVerifyResponse,
];

/// A text in a path or a query.
fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Whether a link led to this view.
fn leads_to(answer: &Answer, view: &str) -> bool {
    destination(answer).0 == view
}

/// Whether a request succeeded. A refusal is never a failure of the server.
fn succeeded(answer: &Answer) -> bool {
    let status = answer.status.as_u16();
    assert!(matches!(status, 200 | 400 | 401), "{answer:?}");
    status == 200
}

impl Place {
    /// Presents a secret, and returns whether it was accepted.
    pub(super) async fn accepts(self, secrets: &Secrets<'_>, secret: &str) -> bool {
        let app = secrets.app;
        let mut browser = app.browser();
        // Clones discard the cookies of their replies.
        let (mut owner, mut pending) = (secrets.owner.clone(), secrets.pending.clone());
        let path = |path: &str| format!("{PREFIX}/{path}/{}", escaped(secret));
        let id = &secrets.uniquifier;
        match self {
            Self::ConfirmLink => leads_to(&browser.get(&path("confirm")).await, "/confirmed"),
            Self::ResetLink => leads_to(&browser.get(&path("reset")).await, "/reset-password"),
            Self::SignInLink => leads_to(&browser.get(&path("login")).await, "/in"),
            Self::ChangeEmailLink => {
                let answer = browser.get(&path("change-email")).await;
                leads_to(&answer, "/email-changed")
            }
            Self::CodeLink => {
                let code = escaped(secret);
                let path = format!("{PREFIX}/us-verify-link?id={id}&code={code}");
                leads_to(&browser.get(&path).await, "/in")
            }
            Self::Reset => {
                let body =
                    json!({"password": "correct horse", "password_confirm": "correct horse"});
                succeeded(&browser.post(&path("reset"), body).await)
            }
            Self::UnifiedSignIn => succeeded(&browser.unified(ANA, secret).await),
            Self::UnifiedVerify => {
                succeeded(&owner.post(VERIFY, json!({"passcode": secret})).await)
            }
            Self::Validate => succeeded(&pending.post(VALIDATE, json!({"code": secret})).await),
            Self::Recovery => {
                let path = format!("{PREFIX}/mf-recovery");
                succeeded(&pending.post(&path, json!({"code": secret})).await)
            }
            Self::UnifiedSetUp => {
                let body = json!({"passcode": secrets.code_for(secret)});
                succeeded(&owner.post(&path("us-setup"), body).await)
            }
            Self::UnifiedSetUpCode => {
                let path = format!("{}/{}", unified::SETUP, secrets.unified.state);
                succeeded(&owner.post(&path, json!({"passcode": secret})).await)
            }
            Self::SecondFactorSetUp => {
                let body = json!({"code": secrets.code_for(secret)});
                succeeded(&owner.post(&path("tf-setup"), body).await)
            }
            Self::SecondFactorSetUpCode => {
                let path = format!("{}/{}", codes::SETUP, secrets.second.state);
                succeeded(&owner.post(&path, json!({"code": secret})).await)
            }
            Self::CsrfHeader => {
                let mut owner = owner.header("x-xsrf-token", secret);
                succeeded(&owner.post(VERIFY, json!({"passcode": PASSWORD})).await)
            }
            Self::Password => {
                let path = format!("{PREFIX}/verify");
                succeeded(&owner.post(&path, json!({"password": secret})).await)
            }
            Self::TokenHeader => {
                let mut browser = browser.header(TOKEN_HEADER, secret);
                succeeded(&browser.get(AUTHZ).await)
            }
            Self::TokenQuery => {
                let path = format!("{AUTHZ}?auth_token={}", escaped(secret));
                succeeded(&browser.get(&path).await)
            }
            Self::TokenBody => {
                let body = json!({"auth_token": secret, "passcode": PASSWORD});
                succeeded(&browser.post(VERIFY, body).await)
            }
            Self::SocialResponse => {
                let code = &secrets.provider_codes[0];
                let path = format!("{RESPONSE}?code={code}&state={}", escaped(secret));
                let answer = secrets.social.clone().get(&path).await;
                leads_to(&answer, "/post-oauth-login")
            }
            Self::SocialVerifyResponse => {
                let code = &secrets.provider_codes[1];
                let path = RESPONSE.replace("oauthresponse", "oauth-verify-response");
                let path = format!("{path}?code={code}&state={}", escaped(secret));
                leads_to(&owner.get(&path).await, "/post-oauth-verify")
            }
            Self::RefreshBody => {
                let path = format!("{PREFIX}/refresh-token");
                let body = json!({"refresh_token": secret});
                succeeded(&browser.post(&path, body).await)
            }
            Self::PasskeyRegistration => {
                let body = secrets.response_to(secret);
                succeeded(&owner.post(&path("wan-register"), body).await)
            }
            Self::PasskeySignIn => {
                let body = secrets.response_to(secret);
                succeeded(&browser.post(&path("wan-signin"), body).await)
            }
            Self::PasskeyVerification => {
                let body = secrets.response_to(secret);
                succeeded(&owner.post(&path("wan-verify"), body).await)
            }
            cookie => cookie.accepts_cookie(secrets, secret).await,
        }
    }

    async fn accepts_cookie(self, secrets: &Secrets<'_>, secret: &str) -> bool {
        let app = secrets.app;
        let mut browser = app.browser();
        let name = match self {
            Self::ValidityCookie => "tf_validity",
            Self::DeviceCookie => "vestibule_device",
            Self::RememberCookie => "remember_token",
            _ => "session",
        };
        browser.cookies.insert(name.to_owned(), secret.to_owned());
        match self {
            Self::ValidityCookie => {
                let answer = browser.unified(ANA, PASSWORD).await;
                answer.response()["tf_required"] == false
            }
            Self::DeviceCookie => {
                // A sign-in from a browser that is not known causes a mail.
                let before = app.mails(BO).await.len();
                assert_eq!(browser.unified(BO, PASSWORD).await.status, 200);
                app.mails(BO).await.len() == before
            }
            Self::PendingCookie => browser.get(VALIDATE).await.status == 200,
            _ => browser.is_authorised().await,
        }
    }
}
