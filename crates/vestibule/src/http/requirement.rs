//! The requirement that a refused request did not meet, as plain data beside the refusal.
//!
//! Applications that answer such requests themselves are told about it.

use std::time::Duration;

use crate::settings::Mechanism;

/// What an endpoint asked for in vain.
#[derive(Debug, Clone)]
pub(crate) enum Requirement {
    /// A caller who is authenticated by one of these mechanisms.
    Authentication(Vec<Mechanism>),
    /// A caller with these roles and permissions.
    Authorization(Access),
    /// A caller whose proof of identity is recent enough.
    Freshness { within: Duration, grace: Duration },
}

/// Conditions on roles and permissions; all of them have to hold. An empty list asks for
/// nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// Every one of these roles.
    pub(crate) roles_required: Vec<String>,
    /// At least one of these roles.
    pub(crate) roles_accepted: Vec<String>,
    /// Every one of these permissions.
    pub(crate) permissions_required: Vec<String>,
    /// At least one of these permissions.
    pub(crate) permissions_accepted: Vec<String>,
}
