//! The effect of each change to an account, a passkey or the settings on ceremonies that have
//! begun: the next request is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Value, json};
use vestibule::admin::{self, NewAccount};
use vestibule_store::{MemoryStore, Store, UserPatch};
use vestibule_testkit::authenticator::Authenticator;

use crate::support::passkeys::{Begun, ORIGIN, PASSKEYS, REGISTER, SIGN_IN, VERIFY, credential};
use crate::support::{ANA, Browser, TestApp};

const CONFIRM: &str = "\
SECURITY_CONFIRMABLE = true
SECURITY_POST_CONFIRM_VIEW = \"/confirmed\"
SECURITY_CONFIRM_ERROR_VIEW = \"/confirm-error\"
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Nothing,
    Disable,
    /// Another program changes only `active` in the shared table.
    DisableElsewhere,
    /// Deactivates the account and activates it again.
    Reactivate,
    /// The address is no longer confirmed.
    Unconfirm,
    /// Deletes the account, whose address then gets another.
    Recreate,
    Password,
    /// Revokes every credential but the password.
    ResetAccess,
    /// Removes every passkey.
    Passkeys,
    /// The server restarts without passkeys.
    SwitchedOff,
    /// The server restarts, and a passkey no longer begins a sign-in, nor does one that was
    /// registered for that make a session fresh.
    Usage,
}

/// The ceremonies that began before the change, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ceremony {
    SignIn,
    SecondFactor,
    Verify,
    Register,
}

const CEREMONIES: [Ceremony; 4] = [
    Ceremony::SignIn,
    Ceremony::SecondFactor,
    Ceremony::Verify,
    Ceremony::Register,
];

/// Whether each of [`CEREMONIES`] can be completed after the change.
const TABLE: [(Change, [bool; 4]); 11] = {
    const NO: bool = false;
    const YES: bool = true;
    [
        (Change::Nothing, [YES; 4]),
        (Change::Disable, [NO; 4]),
        (Change::DisableElsewhere, [NO; 4]),
        // A passkey is no session: it works again.
        (Change::Reactivate, [YES, NO, NO, NO]),
        // A session that exists stays, but does not become fresh.
        (Change::Unconfirm, [NO, NO, NO, YES]),
        (Change::Recreate, [NO; 4]),
        (Change::Password, [YES, NO, NO, NO]),
        (Change::ResetAccess, [NO; 4]),
        (Change::Passkeys, [NO, NO, NO, YES]),
        (Change::SwitchedOff, [NO; 4]),
        (Change::Usage, [NO, YES, NO, YES]),
    ]
};

/// A browser with the response to a ceremony.
struct Ready {
    cookies: BTreeMap<String, String>,
    headers: HeaderMap,
    path: String,
    body: Value,
}

impl Ready {
    fn of(browser: &Browser<'_>, begun: &Begun, response: &Value) -> Self {
        Self {
            cookies: browser.cookies.clone(),
            headers: browser.headers.clone(),
            path: begun.path.clone(),
            body: credential(response),
        }
    }

    /// Whether the server accepts the response.
    async fn works(self, app: &TestApp, case: &str) -> bool {
        let mut browser = app.browser();
        browser.cookies = self.cookies;
        browser.headers = self.headers;
        let answer = browser.post(&self.path, self.body).await;
        let is_known = answer.status == 200 || answer.status.is_client_error();
        assert!(is_known, "{case}: {answer:?}");
        answer.status == 200
    }
}

/// The responses to ceremonies of Ana, who has a passkey of each usage.
async fn ready(app: &TestApp) -> [Ready; 4] {
    let mut first = app.give_passkey(ANA, "first").await;
    let mut second = app.give_passkey(ANA, "secondary").await;

    let mut owner = app.browser();
    let answer = owner.show_passkey(&mut first, SIGN_IN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut owner = owner.with_csrf().await;

    let mut browser = app.browser();
    let begun = browser.begin(SIGN_IN, json!({})).await;
    let sign_in = Ready::of(&browser, &begun, &first.sign_in(&begun.options).unwrap());

    let (mut browser, _) = app.half_signed_in(ANA).await;
    let begun = browser.begin(SIGN_IN, json!({})).await;
    let second = Ready::of(&browser, &begun, &second.sign_in(&begun.options).unwrap());

    let begun = owner.begin(VERIFY, json!({})).await;
    let mut options = begun.options.clone();
    options["allowCredentials"] = json!([]);
    let verify = Ready::of(&owner, &begun, &first.sign_in(&options).unwrap());

    let begun = owner.begin(REGISTER, json!({"name": "new"})).await;
    let response = Authenticator::new(ORIGIN).register(&begun.options).unwrap();
    let register = Ready::of(&owner, &begun, &response);
    [sign_in, second, verify, register]
}

/// Carries a change out. Returns the lines that the server restarts with, if it does.
async fn carry_out(app: &TestApp, change: Change) -> Option<&'static str> {
    let user = app.stored(ANA).await;
    match change {
        Change::Nothing => {}
        Change::Disable => assert!(admin::set_active(app.app(), &user, false).await.unwrap()),
        Change::DisableElsewhere => {
            let patch = UserPatch {
                active: Some(false),
                ..UserPatch::default()
            };
            app.patched(ANA, patch).await;
        }
        Change::Reactivate => {
            assert!(admin::set_active(app.app(), &user, false).await.unwrap());
            let user = app.stored(ANA).await;
            assert!(admin::set_active(app.app(), &user, true).await.unwrap());
        }
        Change::Unconfirm => {
            let patch = UserPatch {
                confirmed_at: Some(None),
                ..UserPatch::default()
            };
            app.patched(ANA, patch).await;
        }
        Change::Recreate => {
            admin::delete(app.app(), &user).await.unwrap();
            app.user(ANA, |draft: NewAccount| draft).await;
        }
        Change::Password => {
            let changed = admin::change_password(app.app(), &user, "another one").await;
            changed.unwrap();
        }
        Change::ResetAccess => admin::reset_access(app.app(), &user).await.unwrap(),
        Change::Passkeys => app.remove_passkeys(ANA).await,
        Change::SwitchedOff => return Some("SECURITY_WEBAUTHN = false\n"),
        Change::Usage => {
            return Some(
                "SECURITY_WAN_ALLOW_AS_FIRST_FACTOR = false\n\
                 SECURITY_WAN_ALLOW_AS_VERIFY = [\"secondary\"]\n",
            );
        }
    }
    None
}

#[tokio::test]
async fn attack_state_change_every_change_applies_to_ceremonies_of_passkeys_at_once() {
    let settings = format!("{PASSKEYS}{CONFIRM}");
    for (change, expected) in TABLE {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let before = TestApp::built(&settings, |builder| builder.datastore(Arc::clone(&store)));
        let before = before.await;
        let ready = ready(&before).await;
        let after = match carry_out(&before, change).await {
            Some(lines) => TestApp::restarted(&format!("{settings}{lines}"), store),
            None => before,
        };
        for ((ceremony, ready), expected) in CEREMONIES.into_iter().zip(ready).zip(expected) {
            let case = format!("{ceremony:?} after {change:?}");
            assert_eq!(ready.works(&after, &case).await, expected, "{case}");
        }
    }
}
