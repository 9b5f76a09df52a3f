//! Who the user is at the provider.

use vestibule_store::Identity;

/// The identity of a user at a provider. Its texts come from the provider and are untrusted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProviderIdentity {
    /// The issuer of the ID token, or the origin of the authorization endpoint of a plain OAuth
    /// 2.0 provider. Together with the subject, it is the stable key of the identity.
    pub(crate) issuer: String,
    /// The stable ID of the user: not empty, and at most 255 bytes.
    pub(crate) subject: String,
    /// What the claim is compared with.
    pub(crate) attribute: Identity,
    /// The value of the configured identity claim, not normalised.
    pub(crate) claim: Option<String>,
    /// The address.
    pub(crate) address: Option<String>,
    /// Whether the provider has verified the address; `None` if it does not say.
    pub(crate) address_verified: Option<bool>,
    /// The display name, without control characters.
    pub(crate) name: Option<String>,
}

impl std::fmt::Debug for ProviderIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderIdentity")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
