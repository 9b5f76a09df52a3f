//! The client of an OpenID provider.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;
use vestibule_formats::jwk::JwkSet;
use vestibule_formats::jwt::UnverifiedJwt;

use super::cache::Cached;
use super::client_auth::ClientAuth;
use super::error::{ProtocolFault, ProviderError};
use super::exchange::TokenEndpoint;
use super::flow::{Callback, Flow};
use super::id_token::{self, Expected};
use super::identity::ProviderIdentity;
use super::issuer::Issuers;
use super::metadata::{self, Metadata};
use super::profile;
use super::transport::Transport;
use crate::http::fault::Fault;
use crate::settings::{ProviderEndpoint, ProviderSettings};

/// What the client knows of an OpenID provider.
#[derive(Debug)]
pub(super) struct OpenId {
    issuers: Issuers,
    discovery: ProviderEndpoint,
    metadata: Cached<Metadata>,
    keys: Cached<JwkSet>,
}

/// A callback, and the flow that it belongs to.
pub(super) struct Redemption<'a> {
    pub(super) settings: &'a ProviderSettings,
    pub(super) transport: &'a Transport,
    pub(super) auth: &'a ClientAuth,
    pub(super) callback: &'a Callback<'a>,
    pub(super) flow: &'a Flow<'a>,
    /// Seconds since 1970.
    pub(super) now: i64,
}

impl OpenId {
    /// # Errors
    /// If the issuer is not a URL.
    pub(super) fn new(
        issuer: &str,
        template: Option<&str>,
        allow_private: bool,
    ) -> Result<Self, Fault> {
        let discovery = metadata::location(issuer, allow_private)
            .ok_or_else(|| Fault::Internal("an issuer of a provider is not a URL".to_owned()))?;
        Ok(Self {
            issuers: Issuers::new(issuer, template),
            discovery,
            metadata: Cached::new(),
            keys: Cached::new(),
        })
    }

    /// The discovery document.
    pub(super) async fn metadata(
        &self,
        transport: &Transport,
        allow_private: bool,
        now: i64,
    ) -> Result<Arc<Metadata>, ProviderError> {
        self.metadata
            .get(now, async || {
                let document = transport.document(&self.discovery).await?;
                Ok(Metadata::parse(&document, &self.issuers, allow_private)?)
            })
            .await
    }

    /// The identity that the callback's code stands for.
    pub(super) async fn redeem(
        &self,
        redemption: &Redemption<'_>,
    ) -> Result<ProviderIdentity, ProviderError> {
        let Redemption {
            settings,
            transport,
            auth,
            callback,
            flow,
            now,
        } = *redemption;
        let allow_private = settings.allow_private;
        let metadata = self.metadata(transport, allow_private, now).await?;
        // A mix-up is detected before the code goes anywhere (RFC 9207, section 2.4).
        match callback.iss {
            Some(iss) if self.issuers.allow_parameter(iss) => {}
            None if !metadata.sends_issuer => {}
            _ => return Err(ProtocolFault::IssuerParameter.into()),
        }
        let tokens = TokenEndpoint {
            transport,
            endpoint: &metadata.token,
            client_id: &settings.client_id,
            auth,
            how: settings.token_auth.unwrap_or(metadata.token_auth),
        }
        .redeem(callback.code, flow, now)
        .await?;
        let access_token = tokens.access_token.expose_secret();
        let id_token = tokens.id_token.ok_or(ProtocolFault::IdTokenMissing)?;
        let token = id_token::parse(&id_token)?;
        self.verify(&token, transport, &metadata.keys, now).await?;
        let expected = Expected {
            issuers: &self.issuers,
            client_id: &settings.client_id,
            nonce: flow.nonce,
            access_token,
            now,
        };
        id_token::check(&token, &expected)?;
        let claims = token.claims;
        let issuer = text(&claims, "iss").unwrap_or_default().to_owned();
        // Some providers put only the subject into the ID token.
        let lacks_claim = claims.get(&settings.claims.identity).is_none();
        let claims = match &metadata.userinfo {
            Some(userinfo) if lacks_claim => {
                let mut profile = transport.profile(userinfo, access_token).await?;
                if !is_same_subject(&claims, &profile) {
                    return Err(ProtocolFault::SubjectMismatch.into());
                }
                // The key of the identity never comes from the profile.
                let subject = &settings.claims.subject;
                if let Some(value) = claims.get(subject) {
                    profile.insert(subject.clone(), value.clone());
                }
                profile
            }
            _ => claims,
        };
        Ok(profile::identity(settings, issuer, &claims)?)
    }

    /// Checks the signature. If the known keys do not fit, the provider may have new ones.
    async fn verify(
        &self,
        token: &UnverifiedJwt<'_>,
        transport: &Transport,
        endpoint: &ProviderEndpoint,
        now: i64,
    ) -> Result<(), ProviderError> {
        let fetch = async || {
            let document = transport.document(endpoint).await?;
            let keys = JwkSet::parse(&document).filter(|keys| !keys.is_empty());
            keys.ok_or(ProviderError::from(ProtocolFault::Malformed))
        };
        let keys = self.keys.get(now, fetch).await?;
        if id_token::verify(token, &keys).is_ok() {
            return Ok(());
        }
        let keys = match self.keys.refresh(now, fetch).await? {
            Some(keys) => keys,
            // Another request may have refreshed them meanwhile.
            None => self.keys.get(now, fetch).await?,
        };
        Ok(id_token::verify(token, &keys)?)
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

fn is_same_subject(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    match (text(one, "sub"), text(other, "sub")) {
        (Some(one), Some(other)) => one.as_bytes().ct_eq(other.as_bytes()).into(),
        _ => false,
    }
}
