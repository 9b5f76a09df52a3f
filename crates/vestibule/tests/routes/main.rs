//! The API as a client meets it: requests to the router, one module for each feature.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod admin;
mod attacks_page;
mod authz;
mod authz_headers;
mod basic;
mod csrf;
mod csrf_matrix;
mod endpoints;
mod faults;
mod freshness;
mod log;
mod login;
mod logout;
mod one_caller;
mod refresh;
mod refresh_cookie;
mod refresh_race;
mod session;
mod shell;
mod state_changes;
mod support;
mod tokens;
mod verify;
