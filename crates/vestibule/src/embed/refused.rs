//! The context of refused requests, for an application that replies to them itself.

use std::time::Duration;

use crate::http::request_info::RequestHead;
use crate::http::requirement::Access;
use crate::settings::Mechanism;

/// A request that was refused because its caller is not authenticated.
#[derive(Debug, Clone, Copy)]
pub struct Unauthenticated<'a> {
    pub(crate) request: &'a RequestHead,
    pub(crate) methods: &'a [Mechanism],
}

impl<'a> Unauthenticated<'a> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &'a RequestHead {
        self.request
    }

    /// The mechanisms that the route accepts.
    #[must_use]
    pub fn methods(&self) -> &'a [Mechanism] {
        self.methods
    }
}

/// A request that was refused because its caller lacks roles or permissions.
///
/// All conditions have to hold. An empty list requires nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unauthorized<'a> {
    pub(crate) request: &'a RequestHead,
    pub(crate) access: &'a Access,
}

impl<'a> Unauthorized<'a> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &'a RequestHead {
        self.request
    }

    /// The roles that are all required.
    #[must_use]
    pub fn roles_required(&self) -> &'a [String] {
        &self.access.roles_required
    }

    /// The roles of which at least one is required.
    #[must_use]
    pub fn roles_accepted(&self) -> &'a [String] {
        &self.access.roles_accepted
    }

    /// The permissions that are all required.
    #[must_use]
    pub fn permissions_required(&self) -> &'a [String] {
        &self.access.permissions_required
    }

    /// The permissions of which at least one is required.
    #[must_use]
    pub fn permissions_accepted(&self) -> &'a [String] {
        &self.access.permissions_accepted
    }
}

/// A request that was refused because its caller's proof of identity is too old.
#[derive(Debug, Clone, Copy)]
pub struct Reauthentication<'a> {
    pub(crate) request: &'a RequestHead,
    pub(crate) within: Duration,
    pub(crate) grace: Duration,
}

impl<'a> Reauthentication<'a> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &'a RequestHead {
        self.request
    }

    /// How old the proof of identity may be.
    #[must_use]
    pub fn within(&self) -> Duration {
        self.within
    }

    /// The grace period, in which a caller with a fresh proof needs no other.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.grace
    }
}
