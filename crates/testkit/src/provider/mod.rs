//! An OAuth 2 and OpenID Connect provider on 127.0.0.1, in software.
//!
//! [`Provider::start`] serves discovery, JWKS, the authorization, token and userinfo endpoints, and
//! an API such as GitHub's. [`Provider::set`] changes how it behaves from then on: whom it signs
//! in, and every way in which it may deviate from a correct provider. [`Provider::received`] tells
//! what clients asked.
//!
//! A browser at the authorization endpoint gets a redirect back at once. A test without a browser
//! calls [`Provider::approve`] with the address that the server under test redirects to.
//!
//! ```
//! use serde_json::json;
//! use vestibule_testkit::provider::{Endpoint, Fault, Provider, Signing};
//!
//! let provider = Provider::start();
//! provider.set(|it| {
//!     it.claims = json!({"sub": "248289761001", "email": "ana@example.com", "email_verified": true});
//! });
//! let back = provider.approve(&format!(
//!     "{}/authorize?response_type=code&client_id=vestibule&state=S&scope=openid\
//!      &redirect_uri=http%3A%2F%2Flocalhost%2Fback",
//!     provider.issuer(),
//! ));
//! assert!(back.location().starts_with("http://localhost/back?"));
//! assert_eq!(back.param("state"), Some("S"));
//!
//! // Attacks and failures:
//! provider.set(|it| {
//!     it.id_token = json!({"aud": "another-client"});
//!     it.signing = Signing::Hs256WithPublicKey;
//!     it.faults.insert(Endpoint::Discovery, Fault::Redirect("http://127.0.0.1:1/".into()));
//! });
//! ```

mod answers;
mod http;
mod id_token;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use serde_json::{Value, json};

pub use self::http::Received;
use crate::encoding::base64url;
use crate::keys::{Algorithm, Key};

/// The endpoints of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
    Discovery,
    /// `/jwks`.
    Jwks,
    /// `/authorize`.
    Authorization,
    /// `/token`.
    Token,
    /// `/userinfo`.
    Userinfo,
    /// The paths in [`Behaviour::api`].
    Api,
    /// Any other path.
    Unknown,
}

/// What goes wrong at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another reply: its status, media type and body.
    Reply(u16, &'static str, String),
    /// The right reply, but only after this time.
    Slow(Duration),
    /// The right reply, one byte after the other, each after this time.
    Dripping(Duration),
    /// The right reply, followed by as many spaces, without `Content-Length`.
    Huge(usize),
    /// A redirect to this address.
    Redirect(String),
    /// The right reply, whose second half is missing.
    Truncated,
    /// The connection is closed without a reply.
    Closed,
}

/// How ID tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// With the current key of the algorithm, which the JWKS contain.
    Right(Algorithm),
    /// Not at all: `alg: none` and an empty signature.
    None,
    /// With HMAC, whose secret is the public RSA key in PEM.
    Hs256WithPublicKey,
    /// With HMAC, whose secret is the client's.
    Hs256WithClientSecret,
    /// With a key that the JWKS do not contain, under its own key ID.
    UnknownKid,
    /// With a key that the JWKS do not contain, under the key ID of one that they do.
    StolenKid,
    /// With the current RSA key, without a key ID.
    NoKid,
    /// With the current RSA key; the claims are changed afterwards.
    Tampered,
    /// With the current RSA key, which the header contains as `jwk`, under an unknown key ID.
    EmbeddedKey,
}

/// How a provider behaves. Every field may change between two requests.
#[derive(Debug)]
pub struct Behaviour {
    /// The client that may use it.
    pub client_id: String,
    /// The client's secret. `None`: any client authentication is accepted, and none.
    pub client_secret: Option<String>,
    /// Claims about the user whom the next authorization signs in, in ID tokens and at
    /// `/userinfo`.
    pub claims: Value,
    /// Claims that differ in ID tokens; `null` removes one.
    pub id_token: Value,
    /// Claims that differ at `/userinfo`; `null` removes one.
    pub userinfo: Value,
    /// Whether the token endpoint returns an ID token at all.
    pub with_id_token: bool,
    /// How ID tokens are signed.
    pub signing: Signing,
    /// `iat` of ID tokens, in seconds from now.
    pub issued_in: i64,
    /// `exp` of ID tokens, in seconds from now.
    pub expires_in: i64,
    /// The parameter `iss` of authorization responses (RFC 9207).
    pub iss: Option<String>,
    /// Parameters that differ in authorization responses, such as `error`; `null` removes one.
    pub authorization: Value,
    /// Members that differ in the discovery document; `null` removes one.
    pub discovery: Value,
    /// Members that differ in token responses; `null` removes one.
    pub token: Value,
    /// Whether a code works once.
    pub codes_work_once: bool,
    /// Whether requests without a PKCE challenge are refused.
    pub requires_pkce: bool,
    /// Whether token responses are forms unless JSON is requested, as GitHub's are.
    pub token_as_form: bool,
    /// What an API replies by path, to requests with an access token.
    pub api: BTreeMap<String, Value>,
    /// What goes wrong.
    pub faults: BTreeMap<Endpoint, Fault>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            client_id: "vestibule".into(),
            client_secret: Some("the client's secret".into()),
            claims: json!({
                "sub": "248289761001", "email": "ana@example.com", "email_verified": true,
                "name": "Ana",
            }),
            id_token: json!({}),
            userinfo: json!({}),
            with_id_token: true,
            signing: Signing::Right(Algorithm::Rs256),
            issued_in: 0,
            expires_in: 300,
            iss: None,
            authorization: json!({}),
            discovery: json!({}),
            token: json!({}),
            codes_work_once: true,
            requires_pkce: false,
            token_as_form: false,
            api: BTreeMap::from([
                (
                    "/user".into(),
                    json!({"id": 1, "login": "ana", "email": "ana@example.com"}),
                ),
                (
                    "/user/emails".into(),
                    json!([{"email": "ana@example.com", "primary": true, "verified": true,
                            "visibility": "public"}]),
                ),
            ]),
            faults: BTreeMap::new(),
        }
    }
}

/// An authorization response on its way back to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The client's redirect URI.
    pub redirect_uri: String,
    /// The parameters.
    pub params: Vec<(String, String)>,
    /// Whether the client asked for `response_mode=form_post`.
    pub form_post: bool,
}

impl Approval {
    /// A parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The parameters as a form, which `response_mode=form_post` posts to the redirect URI.
    #[must_use]
    pub fn form(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.params).finish()
    }

    /// The address to which the browser is redirected.
    #[must_use]
    pub fn location(&self) -> String {
        let separator = if self.redirect_uri.contains('?') {
            '&'
        } else {
            '?'
        };
        format!("{}{separator}{}", self.redirect_uri, self.form())
    }
}

/// A code that was issued, and what it is bound to.
#[derive(Clone, Debug)]
struct Grant {
    redirect_uri: String,
    nonce: Option<String>,
    challenge: Option<String>,
    openid: bool,
    claims: Value,
    used: bool,
}

/// The signing keys and their IDs.
#[derive(Debug)]
struct Keys {
    generation: u32,
    rsa: Key,
    ec: Key,
}

impl Keys {
    fn generate(generation: u32) -> Self {
        Self {
            generation,
            rsa: Key::generate(Algorithm::Rs256),
            ec: Key::generate(Algorithm::Es256),
        }
    }

    fn kid(&self, algorithm: Algorithm) -> String {
        format!("{}-{}", algorithm.jose(), self.generation)
    }
}

#[derive(Debug)]
struct State {
    issuer: String,
    behaviour: Behaviour,
    keys: Keys,
    grants: BTreeMap<String, Grant>,
    /// Access tokens and the claims of their users.
    tokens: BTreeMap<String, Value>,
    received: Vec<(Endpoint, Received)>,
}

/// A running provider. It stops when it is dropped.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Provider {
    /// Starts a provider on a free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State {
            issuer: format!("http://{address}"),
            behaviour: Behaviour::default(),
            keys: Keys::generate(1),
            grants: BTreeMap::new(),
            tokens: BTreeMap::new(),
            received: Vec::new(),
        }));
        let stopped = Arc::new(AtomicBool::new(false));
        let (shared, ended) = (Arc::clone(&state), Arc::clone(&stopped));
        let thread = std::thread::spawn(move || http::serve(&listener, &shared, &ended));
        Self {
            address,
            state,
            stopped,
            thread: Some(thread),
        }
    }

    /// The issuer: its address.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// Changes how it behaves from now on.
    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut lock(&self.state).behaviour);
    }

    /// Replaces the signing keys. Tokens are signed with the new ones, and only they are published.
    pub fn rotate_keys(&self) {
        let generation = lock(&self.state).keys.generation + 1;
        let keys = Keys::generate(generation);
        lock(&self.state).keys = keys;
    }

    /// The authorization endpoint's reply to a browser that follows this address.
    #[must_use]
    pub fn approve(&self, address: &str) -> Approval {
        let (_, query) = address.split_once('?').unwrap_or((address, ""));
        let query = query.split('#').next().unwrap_or_default();
        let request = Received::get("/authorize", query);
        let mut state = lock(&self.state);
        state
            .received
            .push((Endpoint::Authorization, request.clone()));
        answers::approve(&mut state, &request)
    }

    /// The requests that an endpoint received so far.
    #[must_use]
    pub fn received(&self, endpoint: Endpoint) -> Vec<Received> {
        let state = lock(&self.state);
        let of = state.received.iter().filter(|(own, _)| *own == endpoint);
        of.map(|(_, request)| request.clone()).collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread, which waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Replaces members of an object; `null` removes one.
fn merge(into: &mut Value, changes: &Value) {
    let Some(into) = into.as_object_mut() else {
        return;
    };
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            into.remove(name);
        } else {
            into.insert(name.clone(), value.clone());
        }
    }
}

/// A random text.
fn fresh() -> String {
    let mut bytes = [0; 24];
    rand::fill(&mut bytes).expect("randomness");
    base64url(bytes)
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a provider is another machine, with a clock of its own"
)]
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("a clock after 1970").as_secs()).expect("a near future")
}
