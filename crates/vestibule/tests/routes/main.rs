//! The API as a client meets it: requests to the router, one module for each feature.

mod csrf;
mod faults;
mod login;
mod logout;
mod session;
mod shell;
mod support;
