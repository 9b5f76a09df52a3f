//! The requirement that a refused request did not meet, as plain data beside the refusal.
//!
//! The response hooks of an application receive it.

use std::time::Duration;

use crate::settings::Mechanism;

/// The requirement of an endpoint that a request did not meet.
#[derive(Debug, Clone)]
pub(crate) enum Requirement {
    /// A caller who is authenticated by one of these mechanisms.
    Authentication(Vec<Mechanism>),
    /// A caller with these roles and permissions.
    Authorization(Access),
    /// A caller whose proof of identity is recent enough.
    Freshness { within: Duration, grace: Duration },
}

/// Conditions on roles and permissions, all of which have to hold. An empty list requires nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// The user has to have all of these roles.
    pub(crate) roles_required: Vec<String>,
    /// The user has to have at least one of these roles.
    pub(crate) roles_accepted: Vec<String>,
    /// The user has to have all of these permissions.
    pub(crate) permissions_required: Vec<String>,
    /// The user has to have at least one of these permissions.
    pub(crate) permissions_accepted: Vec<String>,
}
