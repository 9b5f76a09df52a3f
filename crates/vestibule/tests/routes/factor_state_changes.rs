//! The effect of each change to an account on what a sign-in with codes has begun or handed out: a
//! pending sign-in, a remembered device, codes, links, recovery codes, and set-ups.

use serde_json::{Value, json};
use vestibule::admin::{self, NewAccount};
use vestibule_formats::totp::SALT_BYTES;
use vestibule_store::UserPatch;

use crate::support::callers::text;
use crate::support::codes::{self, Authenticator, TWO_FACTOR, VALIDATE};
use crate::support::mails::destination;
use crate::support::unified::{self, PHONE, SIGN_IN, UNIFIED, totp, wallet};
use crate::support::{ANA, Browser, LIFE, PASSWORD, TestApp};

const NEW_PASSWORD: &str = "another one";
const RECOVERY: &str = "/api/accounts/mf-recovery";
const CODES: &str = "/api/accounts/mf-recovery-codes";

/// Sign-ins at `/us-signin` are complete with one factor, those at `/login` are not.
const SETTINGS: &str = r#"
SECURITY_US_MFA_REQUIRED = []
SECURITY_TWO_FACTOR_ALWAYS_VALIDATE = false
SECURITY_TWO_FACTOR_LOGIN_VALIDITY = "1 day"
"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Nothing,
    Disable,
    /// Deactivates the account and activates it again.
    Reactivate,
    /// Deletes the account, whose address then gets another.
    Recreate,
    Password,
    /// Revokes every credential but the password.
    ResetAccess,
    /// The user replaces the second factor.
    SecondFactor,
    /// The user removes the second factor and sets another up.
    SecondFactorRemoved,
    /// The user removes the methods of unified sign-in and sets one up again.
    Methods,
}

/// What was begun or handed out before the change, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Pending,
    Device,
    TextedCode,
    CodeLink,
    RecoveryCode,
    UnifiedSetUp,
    SecondFactorSetUp,
}

const HELD: [Held; 7] = [
    Held::Pending,
    Held::Device,
    Held::TextedCode,
    Held::CodeLink,
    Held::RecoveryCode,
    Held::UnifiedSetUp,
    // The last one, since it replaces the second factor.
    Held::SecondFactorSetUp,
];

/// Whether each of [`HELD`] works after the change. As in the reference, a new second factor leaves
/// recovery codes and remembered devices as they are.
const TABLE: [(Change, [bool; 7]); 9] = {
    const NO: bool = false;
    const YES: bool = true;
    [
        (Change::Nothing, [YES; 7]),
        (Change::Disable, [NO; 7]),
        (Change::Reactivate, [NO, NO, YES, NO, YES, NO, NO]),
        (Change::Recreate, [NO; 7]),
        (Change::Password, [NO, NO, YES, NO, YES, NO, NO]),
        (Change::ResetAccess, [NO; 7]),
        (Change::SecondFactor, [NO, YES, YES, YES, YES, YES, YES]),
        (
            Change::SecondFactorRemoved,
            [NO, YES, YES, YES, YES, YES, YES],
        ),
        (Change::Methods, [YES, YES, NO, NO, YES, YES, YES]),
    ]
};

async fn app() -> TestApp {
    let lines = format!("{LIFE}{UNIFIED}{TWO_FACTOR}{SETTINGS}");
    let app = TestApp::with(&lines).await;
    app.has(ANA, &["email", "authenticator", "sms"]).await;
    give_second_factor(&app, "second").await;
    app
}

async fn give_second_factor(app: &TestApp, key: &str) {
    let secret = wallet().seal(&totp(key), &[9; SALT_BYTES]);
    let patch = UserPatch {
        tf_primary_method: Some(Some("authenticator".to_owned())),
        tf_totp_secret: Some(Some(secret)),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
}

fn second_code(app: &TestApp) -> Value {
    let code = totp("second").generate(app.app().unix_now());
    json!({"code": code.as_str()})
}

/// A session of Ana's that sends the CSRF token, if she can sign in.
async fn session<'a>(app: &'a TestApp, password: &str) -> Option<Browser<'a>> {
    let mut browser = app.browser();
    let answer = browser.unified(ANA, password).await;
    if answer.status != 200 {
        return None;
    }
    assert!(browser.is_authorised().await);
    let csrf = answer.csrf_token();
    Some(browser.header("x-xsrf-token", &csrf))
}

/// A set-up that waits for its first code.
struct SetUp {
    path: String,
    app: Authenticator,
}

impl SetUp {
    async fn begin(browser: &mut Browser<'_>, path: &str, prefix: &str) -> Self {
        let (choice, state) = match prefix {
            "" => ("chosen_method", "state"),
            _ => ("setup", "tf_state_token"),
        };
        let answer = browser.post(path, json!({choice: "authenticator"})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let response = answer.response();
        let key = text(&response[format!("{prefix}authr_b32key")]);
        Self {
            path: format!("{path}/{}", text(&response[state])),
            app: Authenticator::with_key(&key),
        }
    }
}

/// What was begun or handed out before the change.
struct Before<'a> {
    pending: Browser<'a>,
    device: Browser<'a>,
    texted: String,
    link: String,
    recovery: String,
    unified: SetUp,
    second: SetUp,
}

impl<'a> Before<'a> {
    async fn of(app: &'a TestApp) -> Self {
        let mut owner = session(app, PASSWORD).await.unwrap();
        let codes = owner.post(CODES, json!({})).await.response();
        let mut device = app.browser();
        let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
        device.post("/api/accounts/login", body).await;
        let answer = device.post(VALIDATE, second_code(app)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        device.cookies.retain(|name, _| name == "tf_validity");
        app.wait(30);
        let unified = SetUp::begin(&mut owner, unified::SETUP, "").await;
        let second = SetUp::begin(&mut owner, codes::SETUP, "tf_").await;
        app.browser().send_code(ANA, "email").await;
        app.browser().send_code(ANA, "sms").await;
        Self {
            pending: app.half_signed_in(ANA).await.0,
            device,
            texted: app.texted_code(PHONE).await,
            link: app.link(ANA).await,
            recovery: text(&codes["recovery_codes"][0]),
            unified,
            second,
        }
    }

    /// Whether it still works.
    async fn works(&mut self, app: &TestApp, held: Held, password: &str) -> bool {
        match held {
            Held::Pending => {
                let answer = self.pending.post(VALIDATE, second_code(app)).await;
                answer.status == 200
            }
            Held::Device => {
                let answer = self.device.sign_in(ANA, password).await;
                if answer.status == 200 && !self.device.is_signed_in().await {
                    assert_eq!(answer.response()["tf_required"], true);
                    return false;
                }
                answer.status == 200
            }
            Held::TextedCode => {
                let mut browser = app.browser();
                let answer = browser.unified(ANA, self.texted.as_str()).await;
                assert_eq!(browser.is_authorised().await, answer.status == 200);
                answer.status == 200
            }
            Held::CodeLink => {
                let mut browser = app.browser();
                let view = destination(&browser.get(&self.link).await).0;
                assert_eq!(browser.is_authorised().await, view == "/in");
                view == "/in"
            }
            Held::RecoveryCode => {
                let mut browser = app.browser();
                let answer = browser.sign_in(ANA, password).await;
                if answer.status != 200 {
                    return false;
                }
                assert_eq!(answer.response()["tf_required"], true, "{answer:?}");
                let body = json!({"code": self.recovery});
                browser.post(RECOVERY, body).await.status == 200
            }
            Held::UnifiedSetUp => complete(app, &self.unified, "passcode", password).await,
            Held::SecondFactorSetUp => complete(app, &self.second, "code", password).await,
        }
    }
}

/// Completes a set-up in a new session.
async fn complete(app: &TestApp, set_up: &SetUp, field: &str, password: &str) -> bool {
    let Some(mut browser) = session(app, password).await else {
        return false;
    };
    let body = json!({field: set_up.app.code(app)});
    let answer = browser.post(&set_up.path, body).await;
    let is_known = answer.status == 200 || answer.verdict() == (400, "API_ERROR".into());
    assert!(is_known, "{answer:?}");
    answer.status == 200
}

/// Carries a change out. Returns the password after it.
async fn carry_out(app: &TestApp, change: Change) -> &'static str {
    let user = app.stored(ANA).await;
    match change {
        Change::Nothing => {}
        Change::Disable => assert!(admin::set_active(app.app(), &user, false).await.unwrap()),
        Change::Reactivate => {
            assert!(admin::set_active(app.app(), &user, false).await.unwrap());
            let user = app.stored(ANA).await;
            assert!(admin::set_active(app.app(), &user, true).await.unwrap());
        }
        Change::Recreate => {
            admin::delete(app.app(), &user).await.unwrap();
            app.user(ANA, |draft: NewAccount| draft).await;
            // Even with the same second factor.
            give_second_factor(app, "second").await;
        }
        Change::Password => {
            let changed = admin::change_password(app.app(), &user, NEW_PASSWORD).await;
            changed.unwrap();
            return NEW_PASSWORD;
        }
        Change::ResetAccess => {
            admin::reset_access(app.app(), &user).await.unwrap();
            give_second_factor(app, "second").await;
        }
        Change::SecondFactor | Change::SecondFactorRemoved => {
            let mut owner = session(app, PASSWORD).await.unwrap();
            if change == Change::SecondFactorRemoved {
                let body = json!({"setup": "disable"});
                assert_eq!(owner.post(codes::SETUP, body).await.status, 200);
            }
            owner.set_up_authenticator(app).await;
        }
        Change::Methods => {
            let mut owner = session(app, PASSWORD).await.unwrap();
            let body = json!({"delete_method": ["email", "sms"]});
            let answer = owner.post(unified::SETUP, body).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let body = json!({"chosen_method": "sms", "phone": PHONE});
            let answer = owner.post(unified::SETUP, body).await;
            let path = format!("{}/{}", unified::SETUP, text(&answer.response()["state"]));
            let body = json!({"passcode": app.texted_code(PHONE).await});
            assert_eq!(owner.post(&path, body).await.status, 200);
        }
    }
    PASSWORD
}

#[tokio::test]
async fn attack_state_change_every_change_applies_to_codes_devices_and_set_ups_at_once() {
    for (change, expected) in TABLE {
        let app = app().await;
        let mut before = Before::of(&app).await;
        let password = carry_out(&app, change).await;
        for (held, expected) in HELD.into_iter().zip(expected) {
            let works = before.works(&app, held, password).await;
            assert_eq!(works, expected, "{held:?} after {change:?}");
        }
    }
}

#[tokio::test]
async fn attack_state_change_a_change_ends_what_a_refused_user_had_begun() {
    // A row is changed by another program, which knows nothing of uniquifiers.
    let app = app().await;
    let mut before = Before::of(&app).await;
    let patch = UserPatch {
        active: Some(false),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
    for held in HELD {
        assert!(!before.works(&app, held, PASSWORD).await, "{held:?}");
    }
    let mut browser = app.browser();
    let body = json!({"identity": PHONE, "passcode": before.texted});
    let answer = browser.post(SIGN_IN, body).await;
    assert_eq!(answer.verdict(), (400, "DISABLED_ACCOUNT".into()));
}
