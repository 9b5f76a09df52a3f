//! Why a response of an authenticator is refused.

/// A response that does not have the format of `RegistrationResponseJSON` or
/// `AuthenticationResponseJSON` (Web Authentication Level 3, section 5.1.8 and 5.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedResponse {
    /// Longer than [`MAX_RESPONSE`](super::MAX_RESPONSE).
    #[error("the response is too long")]
    TooLong,
    /// Not a JSON object, or an object that has a member twice.
    #[error("the response is not a JSON object")]
    NotAnObject,
    /// A required member is missing or has the wrong type.
    #[error("the member {0} is missing or has the wrong type")]
    Member(&'static str),
    /// A member is not base64url.
    #[error("the member {0} is not base64url")]
    Base64(&'static str),
}

/// A response that does not prove what it claims. One variant per step of Web Authentication Level 3,
/// sections 7.1 and 7.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// `id` is not `rawId`, or the credential ID in the authenticator data is another one.
    #[error("the credential ID is inconsistent")]
    CredentialId,
    /// `clientDataJSON` is not UTF-8, not a JSON object, or lacks a member.
    #[error("the client data is malformed")]
    ClientData,
    /// The client data belongs to the other ceremony.
    #[error("the client data is for another ceremony")]
    Type,
    /// The challenge is not the expected one.
    #[error("the challenge is not the expected one")]
    Challenge,
    /// The origin is not an expected one.
    #[error("the origin is not an expected one")]
    Origin,
    /// The response was made in a frame inside a page of another origin.
    #[error("the response comes from a cross-origin frame")]
    CrossOrigin,
    /// The page that contains the frame has an unexpected origin.
    #[error("the top-level origin is not an expected one")]
    TopOrigin,
    /// The attestation object is not CBOR, or lacks a member.
    #[error("the attestation object is malformed")]
    AttestationObject,
    /// The authenticator data is malformed.
    #[error("the authenticator data is malformed")]
    AuthenticatorData,
    /// The authenticator data belongs to another relying party.
    #[error("the relying party ID is not the expected one")]
    RpId,
    /// The user did not touch the authenticator.
    #[error("the user was not present")]
    UserPresence,
    /// The authenticator did not verify the user.
    #[error("the user was not verified")]
    UserVerification,
    /// The credential is backed up, but not eligible for a backup.
    #[error("the backup flags contradict each other")]
    BackupFlags,
    /// The authenticator data of a registration has no credential.
    #[error("the credential is missing")]
    CredentialData,
    /// The public key is malformed, not on its curve, or too weak.
    #[error("the public key is malformed or too weak")]
    PublicKey,
    /// The algorithm of the public key is not an allowed one.
    #[error("the algorithm is not allowed")]
    Algorithm,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The signature counter did not increase: the authenticator may be a copy.
    #[error("the signature counter did not increase")]
    SignCount,
    /// The attestation statement is refused.
    #[error("the attestation is invalid: {0}")]
    Attestation(#[from] AttestationError),
}

/// Why an attestation statement is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// The format is not registered, or cannot be verified any more.
    #[error("its format is not supported")]
    Format,
    /// A field is missing, unexpected or has the wrong type.
    #[error("the statement is malformed")]
    Statement,
    /// The statement's algorithm is unknown, or does not fit the key.
    #[error("its algorithm is not supported")]
    Algorithm,
    /// A certificate cannot be read.
    #[error("a certificate is malformed")]
    Certificate,
    /// A certificate does not meet the requirements of the format.
    #[error("a certificate does not meet the requirements of the format")]
    CertificateProfile,
    /// The certificates do not lead to a trusted root, or are not valid now.
    #[error("the certificate chain is not trusted")]
    Chain,
    /// The signature over the statement is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The attested key is not the credential's key.
    #[error("the attested key is another one")]
    Key,
    /// The statement was made for other data.
    #[error("the statement was made for other data")]
    Nonce,
    /// The AAGUID contradicts the format or the certificate.
    #[error("the AAGUID is inconsistent")]
    Aaguid,
    /// The key was imported, or may be used for other purposes or by other applications.
    #[error("the key is not restricted to its purpose")]
    KeyUse,
}
