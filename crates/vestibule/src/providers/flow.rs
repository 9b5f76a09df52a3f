//! What a flow sends to the provider, and what it gets back.

/// The start of a flow.
pub(crate) struct AuthorizationRequest<'a> {
    /// Where the provider sends the browser back to.
    pub(crate) redirect_uri: &'a str,
    /// The value that comes back with the answer.
    pub(crate) state: &'a str,
    /// The value that comes back in the ID token. Plain OAuth 2.0 providers do not get it.
    pub(crate) nonce: &'a str,
    /// The PKCE code verifier (RFC 7636, section 4.1): 43 to 128 unreserved characters. Only its
    /// SHA-256 is sent.
    pub(crate) verifier: &'a str,
}

/// The answer of the provider, as the browser delivers it.
pub(crate) struct Callback<'a> {
    /// The authorization code.
    pub(crate) code: &'a str,
    /// The issuer (RFC 9207).
    pub(crate) iss: Option<&'a str>,
}

/// The flow that a callback belongs to: the values that it was started with.
pub(crate) struct Flow<'a> {
    /// The redirect URI of the [`AuthorizationRequest`].
    pub(crate) redirect_uri: &'a str,
    /// Its nonce.
    pub(crate) nonce: &'a str,
    /// Its code verifier.
    pub(crate) verifier: &'a str,
}
