//! Requests to a provider.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, StatusCode, header};
use serde_json::{Map, Value};
use vestibule_formats::strict_json;

use super::error::{ProtocolFault, ProviderError};
use crate::http::fault::Fault;
use crate::outbound::{Answer, Limits, Outbound, Targets};
use crate::settings::ProviderEndpoint;

/// What a request to a provider may cost.
pub(super) const LIMITS: Limits = Limits {
    patience: Duration::from_secs(10),
    answer_bytes: 256 * 1024,
    at_a_time: 32,
};

const JSON: (HeaderName, &str) = (header::ACCEPT, "application/json");

/// The HTTP client of one provider.
#[derive(Debug)]
pub(super) struct Transport(Outbound);

/// The answer of a token endpoint, whatever its status.
pub(super) struct RawAnswer {
    pub(super) is_success: bool,
    pub(super) body: Bytes,
}

impl Transport {
    /// A client. Only with `allow_private`, it connects to addresses of private networks.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn new(allow_private: bool, limits: Limits) -> Result<Self, Fault> {
        let targets = if allow_private {
            Targets::Any
        } else {
            Targets::Public
        };
        Ok(Self(Outbound::new(limits)?.limited_to(targets)))
    }

    /// The document at a URL.
    pub(super) async fn document(&self, at: &ProviderEndpoint) -> Result<Bytes, ProviderError> {
        let answer = self.0.fetch(&at.origin, &at.path, &[JSON]).await;
        successful(answer.map_err(|_| ProviderError::Unreachable)?)
    }

    /// The JSON that an endpoint answers to the holder of an access token.
    pub(super) async fn json_for(
        &self,
        at: &ProviderEndpoint,
        access_token: &str,
    ) -> Result<Value, ProviderError> {
        let bearer = format!("Bearer {access_token}");
        let headers = [JSON, (header::AUTHORIZATION, bearer.as_str())];
        let answer = self.0.fetch(&at.origin, &at.path, &headers).await;
        let body = successful(answer.map_err(|_| ProviderError::Unreachable)?)?;
        strict_json::parse(&body).ok_or(ProtocolFault::Malformed.into())
    }

    /// The profile that an endpoint answers to the holder of an access token.
    pub(super) async fn profile(
        &self,
        at: &ProviderEndpoint,
        access_token: &str,
    ) -> Result<Map<String, Value>, ProviderError> {
        match self.json_for(at, access_token).await? {
            Value::Object(profile) => Ok(profile),
            _ => Err(ProtocolFault::Malformed.into()),
        }
    }

    /// Sends a form.
    pub(super) async fn form(
        &self,
        at: &ProviderEndpoint,
        authorization: Option<&str>,
        form: String,
    ) -> Result<RawAnswer, ProviderError> {
        const FORM: (HeaderName, &str) =
            (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let mut headers = vec![JSON, FORM];
        headers.extend(authorization.map(|value| (header::AUTHORIZATION, value)));
        let answer = self
            .0
            .post(&at.origin, &at.path, &headers, Bytes::from(form))
            .await
            .map_err(|_| ProviderError::Unreachable)?;
        Ok(RawAnswer {
            is_success: answer.status == StatusCode::OK,
            body: answer.body.ok_or(ProtocolFault::Size)?,
        })
    }
}

fn successful(answer: Answer) -> Result<Bytes, ProviderError> {
    if answer.status != StatusCode::OK {
        return Err(ProtocolFault::Status.into());
    }
    answer.body.ok_or(ProtocolFault::Size.into())
}
