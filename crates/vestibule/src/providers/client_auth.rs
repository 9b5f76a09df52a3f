//! How the client authenticates at a token endpoint (RFC 6749, section 2.3.1).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use vestibule_formats::jwt;

use super::error::ProtocolFault;
use crate::http::fault::Fault;
use crate::settings::{ClientCredentials, ProviderSettings, TokenAuth};

/// The audience of the JWT that Apple takes for a client secret.
const APPLE: &str = "https://appleid.apple.com";

/// How long such a JWT is valid, in seconds.
const LIFETIME: i64 = 300;

/// The client's credentials, ready to use.
pub(super) enum ClientAuth {
    Secret(SecretString),
    Apple(Box<AppleKey>),
}

/// The key that signs client secrets for Apple.
pub(super) struct AppleKey {
    team_id: String,
    key_id: String,
    key: EcdsaKeyPair,
}

impl ClientAuth {
    /// Reads the credentials.
    ///
    /// # Errors
    /// If the private key is not a P-256 key as PKCS #8 in PEM.
    pub(super) fn new(settings: &ProviderSettings) -> Result<Self, Fault> {
        match &settings.credentials {
            ClientCredentials::Secret(secret) => Ok(Self::Secret(secret.clone())),
            ClientCredentials::Apple {
                team_id,
                key_id,
                private_key,
            } => {
                let key = ecdsa_key(private_key).ok_or_else(|| {
                    Fault::Internal(format!(
                        "the private key of the provider {} is not a P-256 key as PKCS #8 in PEM",
                        settings.name
                    ))
                })?;
                Ok(Self::Apple(Box::new(AppleKey {
                    team_id: team_id.clone(),
                    key_id: key_id.clone(),
                    key,
                })))
            }
        }
    }

    /// Adds the credentials to a form, or returns the value of the header `Authorization`.
    ///
    /// # Errors
    /// If the private key cannot sign.
    pub(super) fn authenticate(
        &self,
        client_id: &str,
        how: TokenAuth,
        form: &mut Serializer<'_, String>,
        now: i64,
    ) -> Result<Option<String>, ProtocolFault> {
        let signed;
        let secret = match self {
            Self::Secret(secret) => secret.expose_secret(),
            Self::Apple(key) => {
                signed = key.client_secret(client_id, now)?;
                &signed
            }
        };
        match how {
            TokenAuth::Basic => {
                let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encode(client_id), encode(secret));
                Ok(Some(format!("Basic {}", STANDARD.encode(pair))))
            }
            TokenAuth::Post => {
                form.append_pair("client_id", client_id);
                form.append_pair("client_secret", secret);
                Ok(None)
            }
        }
    }
}

impl std::fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAuth").finish_non_exhaustive()
    }
}

fn ecdsa_key(pem: &SecretString) -> Option<EcdsaKeyPair> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes()).ok()?;
    let der = der.secret_pkcs8_der();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()
}

impl AppleKey {
    /// A JWT that is valid for five minutes.
    fn client_secret(&self, client_id: &str, now: i64) -> Result<String, ProtocolFault> {
        let header = json!({"alg": "ES256", "kid": self.key_id});
        let claims = json!({
            "iss": self.team_id,
            "iat": now,
            "exp": now + LIFETIME,
            "aud": APPLE,
            "sub": client_id,
        });
        let message = jwt::signing_input(&header, &claims);
        // The library draws the random number of the signature itself, whatever source it is given.
        let signature = self
            .key
            .sign(&SystemRandom::new(), message.as_bytes())
            .map_err(|_| ProtocolFault::ClientKey)?;
        Ok(jwt::with_signature(&message, signature.as_ref()))
    }
}
