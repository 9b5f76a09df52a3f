//! What went wrong inside: logged in full, answered in general.

use http::StatusCode;
use vestibule_store::StoreError;

use super::reject::Rejection;
use crate::messages::Message;

/// The two ways in which a handler ends early.
#[derive(Debug)]
pub enum HandlerError {
    /// The caller did something that is not accepted.
    Rejected(Rejection),
    /// We could not do our part.
    Fault(Fault),
}

/// Something inside did not work.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// No room in the queue of the hashing threads.
    #[error("the password queue is full")]
    Busy,
    /// A stored hash that cannot be judged, a thread that is gone: a mistake of ours
    /// or of whoever wrote the row.
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
    /// The refusal as the wire sees it; a fault is logged here and loses its details.
    #[must_use]
    pub fn into_rejection(self) -> Rejection {
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
