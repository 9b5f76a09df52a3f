//! Every first factor x every setting of the second factor x every protected endpoint: after the
//! first factor alone nothing opens and nothing is handed out, after the second everything does.

mod every;
mod rows;

use std::sync::LazyLock;

use http::Method;
use serde_json::json;
use vestibule_formats::totp::SALT_BYTES;
use vestibule_store::{PasskeyUsage, UserPatch};
use vestibule_testkit::authenticator::Authenticator as PasskeyInSoftware;
use vestibule_testkit::provider::Provider;

use self::rows::{First, Outcome, Second, expected, seconds};
use crate::support::callers::text;
use crate::support::codes::{Authenticator, SETUP, TWO_FACTOR, VALIDATE};
use crate::support::passkeys::{SIGN_IN as PASSKEY_SIGN_IN, credential};
use crate::support::social::{filled, lines};
use crate::support::unified::{UNIFIED, totp, wallet};
use crate::support::{ANA, Answer, Browser, LIFE, PASSWORD, TestApp};

/// The provider, at which Ana signs in.
static HUB: LazyLock<Provider> = LazyLock::new(Provider::start);

const PREFIX: &str = "/api/accounts";
const NEW: &str = "new@example.com";
const OTHER_PHONE: &str = "+442079460959";

/// Every way to sign in is on, every sign-in asks for tokens and for a remember cookie, and links
/// and registrations sign in.
const EVERYTHING: &str = r#"
SECURITY_REFRESH_TOKEN = true
SECURITY_API_ENABLED_METHODS = ["session", "token", "basic"]
SECURITY_DEFAULT_REMEMBER_ME = true
SECURITY_AUTO_LOGIN_AFTER_CONFIRM = true
SECURITY_AUTO_LOGIN_AFTER_RESET = true
SECURITY_LOGIN_WITHOUT_CONFIRMATION = true
SECURITY_FRESHNESS = "1 hour"
SECURITY_WEBAUTHN = true
"#;

async fn app(first: First, second: Second) -> TestApp {
    let social = if first.is_provider() {
        lines(&HUB, &HUB)
    } else {
        String::new()
    };
    let lines = format!(
        "{LIFE}{UNIFIED}{TWO_FACTOR}{EVERYTHING}{social}{}\
         SECURITY_TWO_FACTOR_REQUIRED = {}\nSECURITY_US_MFA_REQUIRED = {:?}\n\
         SECURITY_TWO_FACTOR_SAME_CHANNEL = \"{}\"\nSECURITY_TWO_FACTOR_ALWAYS_VALIDATE = {}\n\
         SECURITY_TWO_FACTOR_LOGIN_VALIDITY = \"1 day\"\n",
        first.settings(),
        second.required,
        second.after,
        second.same_channel,
        !second.remembered,
    );
    TestApp::with(&lines).await
}

/// Makes Ana a user who can show the first factor, and has set up the second. Returns the passkey
/// that is the second.
async fn prepare(app: &TestApp, first: First, second: Second) -> Option<PasskeyInSoftware> {
    // Nothing that an earlier sign-in counted or used matters any more.
    app.wait(2 * 86_400);
    app.has(ANA, &["email", "authenticator", "sms"]).await;
    let is_confirmed = first.row().0 != "ConfirmationLink";
    app.remove_passkeys(ANA).await;
    let code = second.method.filter(|method| *method != "webauthn");
    let patch = UserPatch {
        confirmed_at: Some(is_confirmed.then(|| app.app().clock().now())),
        tf_primary_method: Some(code.map(str::to_owned)),
        tf_totp_secret: Some(code.map(|_| second_secret())),
        tf_phone_number: Some(code.map(|_| OTHER_PHONE.to_owned())),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
    let is_passkey = second.method == Some("webauthn");
    if is_passkey {
        Some(app.store_passkey(ANA, PasskeyUsage::Secondary).await)
    } else {
        None
    }
}

fn second_secret() -> String {
    wallet().seal(&totp("second"), &[9; SALT_BYTES])
}

/// A browser, which has the cookie of a remembered device if the settings say so.
async fn device(app: &TestApp, second: Second) -> Browser<'_> {
    let mut browser = app.browser();
    if second.remembered {
        assert_eq!(browser.unified(ANA, PASSWORD).await.status, 200);
        let answer = browser.post(VALIDATE, json!({"code": code(app)})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        browser.cookies.retain(|name, _| name == "tf_validity");
        assert_eq!(browser.cookies.len(), 1);
        app.wait(60);
    }
    browser
}

fn code(app: &TestApp) -> String {
    let code = totp("second").generate(app.app().unix_now());
    code.as_str().to_owned()
}

/// The operations that the document describes as protected.
fn protected(app: &TestApp) -> Vec<(Method, String)> {
    let mut operations = Vec::new();
    for (path, item) in app.document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // A sign-in that needs a second factor sets it up there.
            let sets_up = path == "/tf-setup";
            if operation["responses"].get("401").is_some() && !sets_up {
                let path = format!("{PREFIX}{}", filled(path));
                operations.push((method.to_uppercase().parse().unwrap(), path));
            }
        }
    }
    operations
}

/// Sends a request to every protected endpoint. Returns the number of those that were refused for
/// want of authentication, and of all.
async fn refused(browser: &Browser<'_>, operations: &[(Method, String)]) -> (usize, usize) {
    let mut refused = 0;
    for (method, path) in operations {
        let mut browser = browser.clone();
        let answer = if *method == Method::POST {
            browser.post(path, json!({})).await
        } else {
            browser.send(method.clone(), path, None, Vec::new()).await
        };
        match answer.status.as_u16() {
            401 => refused += 1,
            // A redirect to a provider, and an identity that is not linked.
            200 | 302 | 400 | 404 => assert!(!answer.text.contains("CSRF"), "{path}: {answer:?}"),
            _ => panic!("{method} {path}: {answer:?}"),
        }
    }
    (refused, operations.len())
}

/// The cookies that only a complete sign-in sets.
const OF_A_SIGN_IN: [&str; 4] = [
    "remember_token",
    "fs_refresh",
    "tf_validity",
    "vestibule_device",
];

/// Fails unless the answer and the browser hold nothing that authenticates.
async fn assert_nothing_opens(
    operations: &[(Method, String)],
    browser: &Browser<'_>,
    answer: &Answer,
    case: &str,
) {
    for cookie in OF_A_SIGN_IN {
        assert_eq!(answer.set_cookie(cookie), None, "{case}: {answer:?}");
    }
    for token in ["authentication_token", "refresh_token", "\"user\""] {
        assert!(!answer.text.contains(token), "{case}: {answer:?}");
    }
    let (refused, all) = refused(browser, operations).await;
    assert_eq!(refused, all, "{case}: an endpoint accepts one factor");
    let path = format!("{PREFIX}/refresh-token");
    let exchange = browser.clone().post(&path, json!({})).await;
    assert_eq!(exchange.status, 400, "{case}: {exchange:?}");
    let user = browser.session().get_str("_user_id");
    assert_eq!(user, None, "{case}");
}

/// Fails unless the browser, the tokens and the cookies of a sign-in each open what is protected.
async fn assert_everything_opens(
    (app, operations): (&TestApp, &[(Method, String)]),
    browser: &Browser<'_>,
    answer: &Answer,
    case: &str,
) {
    let csrf = browser.session().get_str("csrf_token").is_some();
    assert!(csrf, "{case}");
    let signed_in = browser.clone().with_csrf().await;
    let (refused, all) = refused(&signed_in, operations).await;
    assert_eq!((refused, all > 15), (0, true), "{case}: {answer:?}");
    let authz = format!("{PREFIX}/authz");
    let mut remembered = app.browser();
    let cookie = browser.cookies["remember_token"].clone();
    remembered.cookies.insert("remember_token".into(), cookie);
    assert_eq!(remembered.get(&authz).await.status, 200, "{case}");
    // A redirect hands out no tokens, and neither does the confirmation of an address.
    let is_confirmation = answer.text.contains("\"identity\"");
    if answer.status == 200 && !is_confirmation {
        let user = &answer.response()["user"];
        assert!(
            user["authentication_token"].is_string(),
            "{case}: {answer:?}"
        );
        let token = text(&user["authentication_token"]);
        assert_eq!(app.bearer(&token).get(&authz).await.status, 200, "{case}");
        let mut exchanging = app.browser();
        let cookie = browser.cookies["fs_refresh"].clone();
        exchanging.cookies.insert("fs_refresh".into(), cookie);
        let path = format!("{PREFIX}/refresh-token");
        let answer = exchanging.post(&path, json!({})).await;
        assert_eq!(answer.status, 200, "{case}: {answer:?}");
    }
}

/// Shows the second factor that is due. Returns the answer.
async fn show_second(
    app: &TestApp,
    browser: &mut Browser<'_>,
    due: Outcome,
    passkey: Option<PasskeyInSoftware>,
) -> Answer {
    if let Some(mut passkey) = passkey {
        let begun = browser.begin(PASSKEY_SIGN_IN, json!({})).await;
        let response = passkey.sign_in(&begun.options).unwrap();
        let path = format!("{}?include_auth_token", begun.path);
        return browser.post(&path, credential(&response)).await;
    }
    let code = match due {
        Outcome::Due("email") => app.mailed_code(ANA).await,
        Outcome::Due("sms") => app.texted_code(OTHER_PHONE).await,
        Outcome::SetUp => {
            let body = json!({"setup": "authenticator"});
            let answer = browser.post(SETUP, body).await;
            let key = text(&answer.response()["tf_authr_b32key"]);
            Authenticator::with_key(&key).code(app)
        }
        _ => code(app),
    };
    let path = format!("{VALIDATE}?include_auth_token");
    browser.post(&path, json!({"code": code})).await
}

async fn try_out(app: &TestApp, first: First, second: Second) -> Outcome {
    let case = format!("{first:?} {second:?}");
    let passkey = prepare(app, first, second).await;
    let operations = protected(app);
    assert!(operations.len() > 15, "{operations:?}");
    let mut browser = device(app, second).await;
    let answer = first.show(app, &mut browser).await;
    let outcome = expected(first, second);
    match outcome {
        Outcome::SignedIn => {
            assert_everything_opens((app, &operations), &browser, &answer, &case).await;
        }
        Outcome::Refused => {
            assert_nothing_opens(&operations, &browser, &answer, &case).await;
            let state = browser.get(VALIDATE).await;
            let verdict = (400, "TWO_FACTOR_PERMISSION_DENIED".to_owned());
            assert_eq!(state.verdict(), verdict, "{case}");
        }
        Outcome::Due(_) | Outcome::SetUp => {
            let state = match outcome {
                Outcome::SetUp => SETUP,
                Outcome::Due("webauthn") => PASSKEY_SIGN_IN,
                _ => VALIDATE,
            };
            let state = browser.get(state).await;
            assert_eq!(state.status, 200, "{case}: {answer:?} {state:?}");
            let mut browser = browser.header("x-xsrf-token", &state.csrf_token());
            assert_nothing_opens(&operations, &browser, &answer, &case).await;
            let answer = show_second(app, &mut browser, outcome, passkey).await;
            assert_eq!(answer.status, 200, "{case}: {answer:?}");
            assert_everything_opens((app, &operations), &browser, &answer, &case).await;
        }
    }
    outcome
}

/// Tries first factors of the same settings out with every setting of the second. Returns how often
/// a code or a set-up was due.
async fn try_all(all: &[First]) -> usize {
    let mut due = 0;
    for second in seconds() {
        let app = app(all[0], second).await;
        for first in all {
            assert_eq!(first.settings(), all[0].settings());
            let outcome = try_out(&app, *first, second).await;
            due += usize::from(matches!(outcome, Outcome::Due(_) | Outcome::SetUp));
        }
    }
    due
}

#[tokio::test]
async fn attack_second_factor_bypass_a_password_or_a_code_opens_nothing() {
    let all = [
        First::Password,
        First::UnifiedPassword,
        First::MailedCode,
        First::TextedCode,
        First::AppCode,
    ];
    assert_eq!(try_all(&all).await, 46);
}

#[tokio::test]
async fn attack_second_factor_bypass_a_link_or_a_new_account_opens_nothing() {
    let all = [
        First::CodeLink,
        First::ConfirmationLink,
        First::NewAccount,
        // The last one, since it changes the password.
        First::ResetLink,
    ];
    assert_eq!(try_all(&all).await, 31);
}

#[tokio::test]
async fn attack_second_factor_bypass_a_passkey_is_one_factor_unless_it_verified_the_user() {
    assert_eq!(try_all(&[First::Passkey, First::VerifiedPasskey]).await, 10);
}

#[tokio::test]
async fn attack_second_factor_bypass_a_posted_link_opens_nothing() {
    let all = [First::PostedCodeLink, First::PostedConfirmationLink];
    assert_eq!(try_all(&all).await, 19);
}

#[tokio::test]
async fn attack_second_factor_bypass_a_link_that_signs_in_opens_nothing() {
    assert_eq!(try_all(&[First::SignInLink]).await, 10);
    assert_eq!(try_all(&[First::PostedSignInLink]).await, 10);
}

#[tokio::test]
async fn attack_second_factor_bypass_a_provider_opens_nothing() {
    assert_eq!(try_all(&[First::Provider]).await, 11);
    // It counts as two factors.
    assert_eq!(try_all(&[First::MultiFactorProvider]).await, 0);
}

#[tokio::test]
async fn attack_second_factor_bypass_basic_authentication_is_one_factor() {
    for second in seconds() {
        let app = app(First::Password, second).await;
        prepare(&app, First::Password, second).await;
        let passes = second.method.is_none() && !second.required;
        let browser = device(&app, second).await;
        // A program that sends a password is no remembered device, whatever cookies it sends.
        for cookies in [browser.cookies.clone(), Default::default()] {
            let mut basic = app.basic(ANA, PASSWORD);
            basic.cookies = cookies;
            let path = format!("{PREFIX}/authz?methods=basic");
            let status = if passes { 200 } else { 401 };
            let answer = basic.get(&path).await;
            assert_eq!(answer.status, status, "{second:?}: {answer:?}");
        }
    }
}
