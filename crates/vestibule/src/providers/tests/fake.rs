//! A fake provider: an HTTP server with scripted answers, and its signing keys.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use serde_json::{Value, json};
use time::OffsetDateTime;
use vestibule_formats::jwt;
use vestibule_store::Identity;

use crate::clock::Clock;
use crate::outbound::Limits;
use crate::providers::{
    AuthorizationRequest, Callback, Flow, Provider, ProviderError, ProviderIdentity, transport,
};
use crate::settings::{
    ClientCredentials, ProviderClaims, ProviderEndpoint, ProviderProtocol, ProviderSettings,
};

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const CLIENT: &str = "client-1";
pub(super) const SECRET: &str = "s3cret:with/odd chars";
pub(super) const NONCE: &str = "nonce-of-this-flow";
pub(super) const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier";
pub(super) const REDIRECT: &str = "https://app.example/login/oauthresponse/fake";
pub(super) const ACCESS_TOKEN: &str = "opaque-access-token";

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub(super) struct StoppedClock(AtomicI64);

impl Clock for StoppedClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// An answer of the fake provider.
#[derive(Clone)]
pub(super) enum Reply {
    Json(Value),
    Text(u16, String),
    Redirect(String),
    Silent,
}

/// A request that the fake provider got.
#[derive(Clone)]
pub(super) struct Heard {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

#[derive(Default)]
struct Script {
    replies: HashMap<&'static str, Reply>,
    heard: Vec<Heard>,
}

pub(super) struct Fake {
    pub(super) base: String,
    script: Arc<Mutex<Script>>,
    task: tokio::task::JoinHandle<()>,
    clock: Arc<StoppedClock>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(script: Arc<Mutex<Script>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    let reply = {
        let mut script = script.lock().unwrap();
        script.heard.push(Heard {
            path: path.clone(),
            headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        });
        script.replies.get(path.as_str()).cloned()
    };
    let response = Response::builder();
    match reply {
        None => response.status(404).body(Body::empty()),
        Some(Reply::Json(value)) => response.body(Body::from(value.to_string())),
        Some(Reply::Text(status, text)) => response.status(status).body(Body::from(text)),
        Some(Reply::Redirect(target)) => response
            .status(302)
            .header(header::LOCATION, target)
            .body(Body::empty()),
        Some(Reply::Silent) => std::future::pending().await,
    }
    .unwrap()
}

impl Fake {
    /// An OpenID provider whose key `k1` is `key`.
    pub(super) async fn start(key: &Signer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        let app = Router::new().fallback(move |request| answer(Arc::clone(&shared), request));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let clock = Arc::new(StoppedClock(AtomicI64::new(NOW)));
        let fake = Self {
            base,
            script,
            task,
            clock,
        };
        fake.reply(DISCOVERY, Reply::Json(fake.discovery()));
        fake.reply("/keys", Reply::Json(json!({"keys": [key.jwk("k1")]})));
        fake
    }

    pub(super) fn discovery(&self) -> Value {
        let base = &self.base;
        json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "userinfo_endpoint": format!("{base}/userinfo"),
            "jwks_uri": format!("{base}/keys"),
        })
    }

    pub(super) fn reply(&self, path: &'static str, reply: Reply) {
        self.script.lock().unwrap().replies.insert(path, reply);
    }

    /// Changes one member of the discovery document.
    pub(super) fn discover(&self, member: &str, value: Value) {
        let mut document = self.discovery();
        document[member] = value;
        self.reply(DISCOVERY, Reply::Json(document));
    }

    /// The requests to a path.
    pub(super) fn heard(&self, path: &str) -> Vec<Heard> {
        let script = self.script.lock().unwrap();
        let heard = script.heard.iter().filter(|heard| heard.path == path);
        heard.cloned().collect()
    }

    pub(super) fn set_clock(&self, now: i64) {
        self.clock.0.store(now, Ordering::Relaxed);
    }

    pub(super) fn settings(&self) -> ProviderSettings {
        ProviderSettings {
            name: "fake".to_owned(),
            client_id: CLIENT.to_owned(),
            credentials: ClientCredentials::Secret(SECRET.into()),
            token_auth: None,
            protocol: ProviderProtocol::OpenId {
                issuer: self.base.clone(),
                issuer_template: None,
            },
            scope: "openid email".to_owned(),
            identity_attribute: Identity::Email,
            claims: ProviderClaims {
                identity: "email".to_owned(),
                subject: "sub".to_owned(),
                verified: "email_verified".to_owned(),
                verified_by_default: None,
                name: "name".to_owned(),
            },
            form_post: false,
            counts_as_second_factor: false,
            allow_private: true,
        }
    }

    /// The settings of a plain OAuth 2.0 provider at this server.
    pub(super) fn plain_settings(&self) -> ProviderSettings {
        let mut settings = self.settings();
        let at =
            |path: &str| ProviderEndpoint::parse(&format!("{}{path}", self.base), true).unwrap();
        settings.protocol = ProviderProtocol::OAuth2 {
            authorize: at("/authorize?flavour=plain"),
            token: at("/token"),
            userinfo: at("/userinfo"),
            addresses: None,
        };
        settings.claims.subject = "id".to_owned();
        settings
    }

    pub(super) fn client_of(&self, settings: &ProviderSettings) -> Provider {
        let limits = Limits {
            patience: Duration::from_millis(500),
            ..transport::LIMITS
        };
        Provider::new(settings, Arc::clone(&self.clock) as Arc<dyn Clock>, limits).unwrap()
    }

    pub(super) fn client(&self) -> Provider {
        self.client_of(&self.settings())
    }

    pub(super) fn claims(&self) -> Value {
        json!({
            "iss": self.base,
            "aud": CLIENT,
            "sub": "user-1",
            "iat": NOW,
            "exp": NOW + 300,
            "nonce": NONCE,
            "email": "ana@example.com",
            "email_verified": true,
            "name": "Ana",
        })
    }

    /// Lets the token endpoint answer with this ID token.
    pub(super) fn issue(&self, id_token: &str) {
        self.reply(
            "/token",
            Reply::Json(json!({
                "access_token": ACCESS_TOKEN,
                "token_type": "Bearer",
                "id_token": id_token,
            })),
        );
    }
}

pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Redeems a code with a client, at this time.
pub(super) async fn redeem_at(
    client: &Provider,
    now: i64,
) -> Result<ProviderIdentity, ProviderError> {
    let callback = Callback {
        code: "code-1",
        iss: None,
    };
    client.redeem(&callback, &flow(), now).await
}

pub(super) async fn redeem(client: &Provider) -> Result<ProviderIdentity, ProviderError> {
    redeem_at(client, NOW).await
}

pub(super) fn flow() -> Flow<'static> {
    Flow {
        redirect_uri: REDIRECT,
        nonce: NONCE,
        verifier: VERIFIER,
    }
}

pub(super) fn request() -> AuthorizationRequest<'static> {
    AuthorizationRequest {
        redirect_uri: REDIRECT,
        state: "state-1",
        nonce: NONCE,
        verifier: VERIFIER,
    }
}

/// A key that signs ID tokens.
pub(super) enum Signer {
    Rsa(Box<rsa::KeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn rsa() -> Self {
        Self::Rsa(Box::new(rsa::KeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(super) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(super) fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub(super) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(super) fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = |curve: &str, key: &EcdsaKeyPair| {
            let (x, y) =
                key.public_key().as_ref()[1..].split_at((key.public_key().as_ref().len() - 1) / 2);
            json!({"kty": "EC", "crv": curve, "kid": id, "x": text(x), "y": text(y)})
        };
        match self {
            Self::Rsa(key) => {
                // RSAPublicKey (RFC 8017): the modulus of 2048 bits, then the exponent 65537.
                let der = key.public_key().as_ref();
                json!({"kty": "RSA", "kid": id, "n": text(&der[9..265]), "e": "AQAB", "use": "sig"})
            }
            Self::P256(key) => point("P-256", key),
            Self::P384(key) => point("P-384", key),
            Self::Ed25519(key) => json!({
                "kty": "OKP", "crv": "Ed25519", "kid": id, "x": text(key.public_key().as_ref()),
            }),
        }
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let padding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(key) | Self::P384(key) => {
                key.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this header, signed with the algorithm that it names.
    pub(super) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = jwt::signing_input(header, claims);
        let algorithm = header["alg"].as_str().unwrap_or_default();
        jwt::with_signature(&message, &self.sign(algorithm, message.as_bytes()))
    }

    /// A token of the key `k1`.
    pub(super) fn token(&self, claims: &Value) -> String {
        let algorithm = match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
            Self::Ed25519(_) => "EdDSA",
        };
        self.token_with(
            &json!({"alg": algorithm, "kid": "k1", "typ": "JWT"}),
            claims,
        )
    }
}
