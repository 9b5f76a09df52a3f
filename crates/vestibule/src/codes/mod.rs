//! One-time codes: the secrets that they are made from, comparing them, and sending them by mail
//! or SMS. Used by unified sign-in and the second factor alike.
//!
//! A code is consumed by an entry in the ledger, in the transaction of whatever it authorises. The
//! entry names the secret and the time step, so that a code works once, whichever endpoint takes
//! it.

pub(crate) mod check;
pub(crate) mod enrolment;
pub(crate) mod methods;
pub(crate) mod notice;
pub(crate) mod recovery;
pub(crate) mod secret;
pub(crate) mod sent;

pub(crate) use check::{CodeToCheck, check, check_limited, next};
pub(crate) use secret::CodeSecrets;
