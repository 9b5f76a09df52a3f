//! Internal failures: logged in full, answered in general terms.

use http::StatusCode;
use vestibule_store::StoreError;

use super::reject::Rejection;
use crate::messages::Message;

/// The two ways in which a handler ends early.
#[derive(Debug)]
pub(crate) enum HandlerError {
    /// The request is refused.
    Rejected(Rejection),
    /// The server failed.
    Fault(Fault),
}

/// An internal failure.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store failed.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// The queue of the hashing threads is full.
    #[error("the password queue is full")]
    Busy,
    /// A stored hash that cannot be read, or a thread that is gone: an error in our code or in the
    /// code that wrote the row.
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    fn into_rejection(self) -> Rejection {
        match self {
            Self::Busy => {
                tracing::warn!("the password queue is full: responding with 503");
                Rejection::new(StatusCode::SERVICE_UNAVAILABLE, Message::Busy).retry_after(2)
            }
            Self::Store(StoreError::Unavailable(cause)) => {
                tracing::error!(%cause, "the database does not answer");
                Rejection::new(StatusCode::SERVICE_UNAVAILABLE, Message::Unavailable).retry_after(5)
            }
            other => {
                tracing::error!(cause = %other, "fault");
                Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, Message::InternalError)
            }
        }
    }
}

impl HandlerError {
    /// Turns the error into the response. A fault is logged here, and its details are dropped.
    #[must_use]
    pub(crate) fn into_rejection(self) -> Rejection {
        match self {
            Self::Rejected(rejection) => rejection,
            Self::Fault(fault) => fault.into_rejection(),
        }
    }
}

impl From<Rejection> for HandlerError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<F: Into<Fault>> From<F> for HandlerError {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}
