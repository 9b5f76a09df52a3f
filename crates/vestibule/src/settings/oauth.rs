//! Settings of social sign-in.

use super::accounts::path;
use super::login::view_or_root;
use super::reader::Reader;

/// How the user of an identity at a provider is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linking {
    /// By the link of the identity, or else by the claim that the provider sends, such as the
    /// address.
    Address,
    /// Only by the link of the identity, which the user made while signed in.
    Linked,
}

/// Settings of social sign-in: `SECURITY_OAUTH_*`.
#[derive(Debug, Clone)]
pub struct OauthSettings {
    /// Whether users can sign in with a provider.
    pub enabled: bool,
    /// The path of `/login/oauthstart`, after the prefix.
    pub start_url: String,
    /// The path of `/login/oauthresponse`, after the prefix.
    pub response_url: String,
    /// The path of `/login/oauth-verify-start`, after the prefix.
    pub verify_start_url: String,
    /// The path of `/login/oauth-verify-response`, after the prefix.
    pub verify_response_url: String,
    /// How the user of an identity is found.
    pub linking: Linking,
    /// Whether a verified address without an account makes one.
    pub auto_register: bool,
    /// The view after a provider has signed in.
    pub post_login_view: String,
    /// The view for a sign-in or a link that failed.
    pub login_error_view: String,
    /// The view after a provider has verified the caller.
    pub post_verify_view: String,
    /// The view for a verification that failed.
    pub verify_error_view: String,
    /// The view after an identity was linked.
    pub post_link_view: String,
    /// The view for a user who is signed in already.
    pub signed_in_view: String,
}

/// The path of the caller's identities, after the prefix.
pub(crate) const IDENTITIES_URL: &str = "/identities";

impl OauthSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let enabled = reader.flag("SECURITY_OAUTH_ENABLE");
        let words = [("address", Linking::Address), ("linked", Linking::Linked)];
        let linking = reader.word("SECURITY_OAUTH_LINKING", &words);
        let post_login_view = view_or_root(reader, "SECURITY_POST_OAUTH_LOGIN_VIEW");
        let link_view = reader.optional_text("SECURITY_POST_OAUTH_LINK_VIEW");
        Self {
            enabled,
            start_url: path(reader, "SECURITY_OAUTH_START_URL"),
            response_url: path(reader, "SECURITY_OAUTH_RESPONSE_URL"),
            verify_start_url: path(reader, "SECURITY_OAUTH_VERIFY_START_URL"),
            verify_response_url: path(reader, "SECURITY_OAUTH_VERIFY_RESPONSE_URL"),
            linking: linking.unwrap_or(Linking::Address),
            auto_register: auto_register(reader, enabled),
            post_link_view: link_view.unwrap_or_else(|| post_login_view.clone()),
            post_login_view,
            login_error_view: view_or_root(reader, "SECURITY_LOGIN_ERROR_VIEW"),
            post_verify_view: view_or_root(reader, "SECURITY_POST_OAUTH_VERIFY_VIEW"),
            verify_error_view: view_or_root(reader, "SECURITY_VERIFY_ERROR_VIEW"),
            signed_in_view: view_or_root(reader, "SECURITY_POST_LOGIN_VIEW"),
        }
    }
}

/// An account that a provider's address makes has no username.
fn auto_register(reader: &mut Reader<'_>, enabled: bool) -> bool {
    const KEY: &str = "SECURITY_OAUTH_AUTO_REGISTER";
    let wanted = reader.flag(KEY);
    let needs_username =
        reader.flag("SECURITY_USERNAME_ENABLE") && reader.flag("SECURITY_USERNAME_REQUIRED");
    if enabled && wanted && needs_username {
        reader.problem(
            KEY,
            "is on, but a provider does not tell the username that SECURITY_USERNAME_REQUIRED asks for",
            "switch one of them off",
        );
    }
    wanted
}
