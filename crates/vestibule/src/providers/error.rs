//! Why a sign-in at a provider failed.

/// Why a sign-in at a provider failed. Contains no text of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProviderError {
    /// The provider, or the user at the provider, refused.
    #[error("the provider refused: {code}")]
    Denied {
        /// The error code of the provider if it is a standard one, otherwise `other`.
        code: &'static str,
    },
    /// The provider did not respond in time, or its address is not allowed.
    #[error("the provider cannot be reached")]
    Unreachable,
    /// The answer failed a check.
    #[error("the provider's answer is refused: {}", .0.name())]
    Protocol(ProtocolFault),
}

/// The check that an answer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProtocolFault {
    /// A response with an unexpected status.
    Status,
    /// A response that is too long or incomplete.
    Size,
    /// A response that is not the expected JSON.
    Malformed,
    /// The discovery document of another issuer, or without a required endpoint.
    Metadata,
    /// A code that is empty or too long.
    Code,
    /// The parameter `iss` names another issuer, or is missing although the provider sends it.
    IssuerParameter,
    /// A token answer without an access token, or of another type than `Bearer`.
    AccessToken,
    /// A token answer without an ID token.
    IdTokenMissing,
    /// An ID token that is not a JWT.
    IdTokenMalformed,
    /// An algorithm that is not allowed, or not that of the key.
    Algorithm,
    /// No key, or more than one, fits the ID token.
    UnknownKey,
    /// The signature does not match.
    Signature,
    /// The ID token of another issuer.
    Issuer,
    /// An ID token for another client.
    Audience,
    /// An ID token that was issued to another party.
    AuthorizedParty,
    /// An ID token that has expired, or without an expiry.
    Expired,
    /// An ID token from the future, or without the time of its issue.
    Future,
    /// The ID token of another flow.
    Nonce,
    /// An empty, missing or too long subject.
    Subject,
    /// The profile of another user than the ID token's.
    SubjectMismatch,
    /// An ID token that belongs to another access token.
    AccessTokenHash,
    /// The client's own key cannot sign.
    ClientKey,
}

/// The error codes of RFC 6749 (sections 4.1.2.1 and 5.2), of OpenID Connect Core (section
/// 3.1.2.6), and of Apple, Facebook and GitHub.
const CODES: [&str; 20] = [
    "access_denied",
    "account_selection_required",
    "bad_verification_code",
    "consent_required",
    "incorrect_client_credentials",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "redirect_uri_mismatch",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unverified_user_email",
    "user_cancelled_authorize",
    "user_cancelled_login",
];

impl ProviderError {
    /// The refusal with the error code that the provider sent.
    pub(crate) fn denied(code: &str) -> Self {
        let known = CODES.iter().find(|known| **known == code);
        Self::Denied {
            code: known.copied().unwrap_or("other"),
        }
    }

    /// A stable, short name for the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Denied { code } => code,
            Self::Unreachable => "unreachable",
            Self::Protocol(fault) => fault.name(),
        }
    }
}

impl ProtocolFault {
    /// A stable, short name for the log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Size => "size",
            Self::Malformed => "malformed",
            Self::Metadata => "metadata",
            Self::Code => "code",
            Self::IssuerParameter => "issuer_parameter",
            Self::AccessToken => "access_token",
            Self::IdTokenMissing => "id_token_missing",
            Self::IdTokenMalformed => "id_token_malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::AuthorizedParty => "authorized_party",
            Self::Expired => "expired",
            Self::Future => "future",
            Self::Nonce => "nonce",
            Self::Subject => "subject",
            Self::SubjectMismatch => "subject_mismatch",
            Self::AccessTokenHash => "access_token_hash",
            Self::ClientKey => "client_key",
        }
    }
}

impl From<ProtocolFault> for ProviderError {
    fn from(fault: ProtocolFault) -> Self {
        Self::Protocol(fault)
    }
}
