//! The API as a client meets it: requests to the router, one module for each feature.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod admin;
mod csrf;
mod faults;
mod login;
mod logout;
mod session;
mod shell;
mod support;
