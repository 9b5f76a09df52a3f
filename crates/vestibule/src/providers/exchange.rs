//! Redeeming an authorization code at the token endpoint (RFC 6749, section 4.1.3).

use form_urlencoded::Serializer;

use super::client_auth::ClientAuth;
use super::error::{ProtocolFault, ProviderError};
use super::flow::Flow;
use super::token_answer::TokenAnswer;
use super::transport::Transport;
use crate::settings::{ProviderEndpoint, TokenAuth};

/// The longest code, in bytes.
const LONGEST_CODE: usize = 4096;

/// The token endpoint of a provider, and how the client authenticates there.
pub(super) struct TokenEndpoint<'a> {
    pub(super) transport: &'a Transport,
    pub(super) endpoint: &'a ProviderEndpoint,
    pub(super) client_id: &'a str,
    pub(super) auth: &'a ClientAuth,
    pub(super) how: TokenAuth,
}

impl TokenEndpoint<'_> {
    /// Redeems a code; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// If the code is empty or too long, or the provider does not answer with tokens.
    pub(super) async fn redeem(
        &self,
        code: &str,
        flow: &Flow<'_>,
        now: i64,
    ) -> Result<TokenAnswer, ProviderError> {
        if code.is_empty() || code.len() > LONGEST_CODE {
            return Err(ProtocolFault::Code.into());
        }
        let (authorization, form) = {
            let mut form = Serializer::new(String::new());
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", flow.redirect_uri)
                .append_pair("code_verifier", flow.verifier);
            let auth = self.auth;
            let authorization = auth.authenticate(self.client_id, self.how, &mut form, now)?;
            (authorization, form.finish())
        };
        let answer = self
            .transport
            .form(self.endpoint, authorization.as_deref(), form)
            .await?;
        TokenAnswer::read(&answer)
    }
}
