//! What an application learns about a refused request that it answers itself.

use std::time::Duration;

use crate::http::request_info::RequestHead;
use crate::http::requirement::Access;
use crate::settings::Mechanism;

/// A request of whoever has to sign in first.
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

    /// The mechanisms that would count.
    #[must_use]
    pub fn methods(&self) -> &'a [Mechanism] {
        self.methods
    }
}

/// A request of somebody who may not. All conditions have to hold; an empty one asks for nothing.
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

    /// Every one of these roles was asked for.
    #[must_use]
    pub fn roles_required(&self) -> &'a [String] {
        &self.access.roles_required
    }

    /// At least one of these roles was asked for.
    #[must_use]
    pub fn roles_accepted(&self) -> &'a [String] {
        &self.access.roles_accepted
    }

    /// Every one of these permissions was asked for.
    #[must_use]
    pub fn permissions_required(&self) -> &'a [String] {
        &self.access.permissions_required
    }

    /// At least one of these permissions was asked for.
    #[must_use]
    pub fn permissions_accepted(&self) -> &'a [String] {
        &self.access.permissions_accepted
    }
}

/// A request of somebody who has to show once more who they are.
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

    /// For how long whoever was fresh enough is not asked again.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.grace
    }
}
