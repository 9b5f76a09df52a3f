//! Settings of the providers of social sign-in.
//!
//! A provider is a built-in one (`SECURITY_OAUTH_BUILTIN_PROVIDERS`), or a table of
//! `OAUTH_PROVIDERS`. A table whose name is that of a preset, or that names one, sets only what
//! differs from the preset.

mod endpoint;
mod microsoft;
mod presets;
mod read;
mod table;
#[cfg(test)]
mod tests;

use secrecy::SecretString;
use vestibule_store::Identity;

pub use endpoint::ProviderEndpoint;
pub(super) use read::read;

/// A provider of social sign-in.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// The name in the paths of the endpoints.
    pub name: String,
    /// The client's ID at the provider.
    pub client_id: String,
    /// How the client authenticates at the provider's token endpoint.
    pub credentials: ClientCredentials,
    /// Where the client sends its credentials; `None` if the provider's metadata decides.
    pub token_auth: Option<TokenAuth>,
    /// The protocol, and the provider's addresses.
    pub protocol: ProviderProtocol,
    /// The scope, space-separated.
    pub scope: String,
    /// What the claim of the user is compared with.
    pub identity_attribute: Identity,
    /// The claims that the provider answers with.
    pub claims: ProviderClaims,
    /// Whether the provider sends its answer as a form (`response_mode=form_post`).
    pub form_post: bool,
    /// Whether a sign-in at the provider counts as two factors.
    pub counts_as_second_factor: bool,
    /// Whether the provider may be a private address, and may use plain HTTP.
    pub allow_private: bool,
}

/// How the client authenticates at the token endpoint.
#[derive(Debug, Clone)]
pub enum ClientCredentials {
    /// A client secret.
    Secret(SecretString),
    /// Sign in with Apple: the secret is a JWT that the client signs with its own key.
    Apple {
        /// The ID of the team, which is the issuer of the JWT.
        team_id: String,
        /// The ID of the key.
        key_id: String,
        /// The key, as PKCS #8 in PEM.
        private_key: SecretString,
    },
}

/// Where the client sends its credentials (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAuth {
    /// In the header `Authorization`.
    Basic,
    /// In the body.
    Post,
}

/// The protocol of a provider, and its addresses.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one value for each provider, made at the start"
)]
pub enum ProviderProtocol {
    /// OpenID Connect: the addresses come from the issuer's discovery document.
    OpenId {
        /// The issuer.
        issuer: String,
        /// The issuer in ID tokens, if it differs with the user's tenant: `{tenantid}` stands for
        /// the claim `tid`.
        issuer_template: Option<String>,
    },
    /// OAuth 2.0 with an endpoint that answers with the user's profile.
    OAuth2 {
        /// The authorization endpoint.
        authorize: ProviderEndpoint,
        /// The token endpoint.
        token: ProviderEndpoint,
        /// The endpoint of the user's profile.
        userinfo: ProviderEndpoint,
        /// GitHub's list of the user's addresses, with their verification.
        addresses: Option<ProviderEndpoint>,
    },
}

/// The names of the claims that a sign-in uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderClaims {
    /// The claim that finds the user's account.
    pub identity: String,
    /// The stable ID of the user at the provider.
    pub subject: String,
    /// Whether the address is verified.
    pub verified: String,
    /// Whether an address without that claim is verified; `None` if that is unknown.
    pub verified_by_default: Option<bool>,
    /// The display name.
    pub name: String,
}
