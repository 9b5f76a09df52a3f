//! What the tests of passkeys share: their configuration, a passkey at each server, and requests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_testkit::authenticator::{Authenticator, Stage};

use super::duo::{Browser, Duo, Pair};
use super::http::{Request, Response};
use super::jar::{Jar, with_token};

pub(crate) const REGISTER: &str = "/api/accounts/wan-register";
pub(crate) const SIGN_IN: &str = "/api/accounts/wan-signin";
pub(crate) const VERIFY: &str = "/api/accounts/wan-verify";
pub(crate) const DELETE: &str = "/api/accounts/wan-delete";

/// The settings of passkeys, with these keys changed. The notices and limits that the reference does
/// not have are off.
pub(crate) fn passkeys(changes: &Value) -> Value {
    let mut config = json!({
        "SECURITY_WEBAUTHN": true, "SECURITY_WAN_RP_NAME": "Shop",
        "SECURITY_FACTOR_NOTICES": false, "SECURITY_LIMITS": "off",
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

/// The origin of a server, whose relying party is `localhost`.
pub(crate) fn origin(port: u16) -> String {
    format!("http://localhost:{port}")
}

/// A credential ID as JSON carries it.
pub(crate) fn encoded(id: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// The options in a reply.
pub(crate) fn options(answer: &Response) -> Value {
    let mut body = answer.json().expect("JSON");
    let options = body["response"]["credential_options"].take();
    assert!(options.is_object(), "no options: {} {body}", answer.status);
    options
}

/// The state token in a reply.
pub(crate) fn state(answer: &Response) -> String {
    super::factors::member(answer, "wan_state")
}

/// An authenticator at each server. Both behave alike.
#[derive(Debug)]
pub(crate) struct Passkeys {
    pub(crate) ours: Authenticator,
    pub(crate) theirs: Authenticator,
}

/// What a pair of authenticators does in one ceremony.
type Ceremony<'a> = dyn FnMut(&mut Authenticator, &Value, &mut dyn FnMut(Stage<'_>)) -> Value + 'a;

impl Passkeys {
    pub(crate) fn new(duo: &Duo) -> Self {
        Self {
            ours: Authenticator::new(&origin(duo.ours.port)),
            theirs: Authenticator::new(&origin(duo.theirs.port)),
        }
    }

    /// Without user verification and without resident credentials, as an old security key.
    pub(crate) fn plain(duo: &Duo) -> Self {
        let mut keys = Self::new(duo);
        keys.both(|key| {
            key.user_verified = false;
            key.resident = Some(false);
        });
        keys
    }

    /// Applies the same change to both.
    pub(crate) fn both(&mut self, change: impl Fn(&mut Authenticator)) {
        change(&mut self.ours);
        change(&mut self.theirs);
    }

    /// Each server's path of the second step and the new credential for it.
    pub(crate) fn create(&mut self, begun: &Pair) -> (String, String) {
        self.create_with(begun, &mut |_| {})
    }

    /// Like [`Self::create`], with changes on the way. The outputs of extensions are also sent as
    /// the reference's own pages do.
    pub(crate) fn create_with(
        &mut self,
        begun: &Pair,
        change: &mut dyn FnMut(Stage<'_>),
    ) -> (String, String) {
        let mut change = |stage: Stage<'_>| {
            change(match stage {
                Stage::Reply(reply) => {
                    let outputs = reply["clientExtensionResults"].to_string();
                    reply["extensions"] = json!(outputs);
                    Stage::Reply(reply)
                }
                other => other,
            });
        };
        self.each(REGISTER, begun, &mut change, &mut |key, options, change| {
            key.register_with(options, change).expect("a registration")
        })
    }

    /// Each server's path of the second step at this endpoint and the assertion for it.
    pub(crate) fn get(&mut self, endpoint: &str, begun: &Pair) -> (String, String) {
        self.get_with(endpoint, begun, &mut |_| {})
    }

    /// Like [`Self::get`], with changes on the way.
    pub(crate) fn get_with(
        &mut self,
        endpoint: &str,
        begun: &Pair,
        change: &mut dyn FnMut(Stage<'_>),
    ) -> (String, String) {
        self.each(endpoint, begun, change, &mut |key, options, change| {
            key.sign_in_with(options, change).expect("an assertion")
        })
    }

    /// Like [`Self::get_with`], with the newest credential even if the options do not allow it.
    pub(crate) fn force(
        &mut self,
        endpoint: &str,
        begun: &Pair,
        change: &mut dyn FnMut(Stage<'_>),
    ) -> (String, String) {
        self.each(endpoint, begun, change, &mut |key, options, change| {
            key.use_credential(key.credentials.len() - 1, options, change)
        })
    }

    fn each(
        &mut self,
        endpoint: &str,
        begun: &Pair,
        change: &mut dyn FnMut(Stage<'_>),
        ceremony: &mut Ceremony<'_>,
    ) -> (String, String) {
        let mut own = |key: &mut Authenticator, answer: &Response| {
            let reply = ceremony(key, &options(answer), change);
            format!("{endpoint}/{}\n{reply}", state(answer))
        };
        (
            own(&mut self.ours, &begun.ours),
            own(&mut self.theirs, &begun.theirs),
        )
    }
}

/// The second step with a value from [`Passkeys::create`] or [`Passkeys::get`].
pub(crate) fn second_step(own: &str, jar: &Jar) -> Request {
    second_step_with(own, jar, &json!({}))
}

/// The second step with more members in the body. A `null` removes one.
pub(crate) fn second_step_with(own: &str, jar: &Jar, members: &Value) -> Request {
    let (path, credential) = own.split_once('\n').expect("a path and a credential");
    let mut body = json!({"credential": credential});
    for (name, value) in members.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    post(path, &body, jar)
}

/// A request with a JSON body and the CSRF token of the jar.
pub(crate) fn post(path: &str, body: &Value, jar: &Jar) -> Request {
    with_token(Request::post(path, body), jar)
}

impl Duo {
    /// Starts both with passkeys and these keys changed.
    pub(crate) fn with_passkeys(name: &str, changes: &Value) -> Self {
        Self::start(name, &passkeys(changes))
    }

    /// Begins a registration: one exchange.
    pub(crate) fn begin_passkey(&mut self, browser: &mut Browser, body: &Value) -> Pair {
        let name = format!("begin to register {body}");
        self.send(&name, browser, |jar| post(REGISTER, body, jar))
    }

    /// Registers a passkey of a signed-in user: two exchanges.
    pub(crate) fn add_passkey(
        &mut self,
        browser: &mut Browser,
        keys: &mut Passkeys,
        name: &str,
        usage: &str,
    ) {
        let begun = self.begin_passkey(browser, &json!({"name": name, "usage": usage}));
        let own = keys.create(&begun);
        self.send_own(&format!("register {name}"), browser, &own, |jar, own| {
            second_step(own, jar)
        });
    }

    /// Begins a sign-in: one exchange.
    pub(crate) fn begin_passkey_sign_in(&mut self, browser: &mut Browser, body: &Value) -> Pair {
        let name = format!("begin to sign in {body}");
        self.send(&name, browser, |_| Request::post(SIGN_IN, body))
    }

    /// Begins a verification: one exchange.
    pub(crate) fn begin_passkey_verification(&mut self, browser: &mut Browser) -> Pair {
        self.send("begin to verify", browser, |jar| {
            post(VERIFY, &json!({}), jar)
        })
    }
}
