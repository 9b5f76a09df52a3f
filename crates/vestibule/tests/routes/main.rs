//! The API from a client's point of view: requests to the router, with one module for each feature.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod admin;
mod attacks_page;
mod authz;
mod authz_cookies;
mod authz_headers;
mod basic;
mod bodies;
mod change_email;
mod change_password;
mod change_username;
mod confirm;
mod csrf;
mod csrf_matrix;
mod csrf_origin;
mod dev_mailbox;
mod endpoints;
mod enumeration;
mod events;
mod faults;
mod freshness;
mod identities;
mod links;
mod log;
mod login;
mod logout;
mod middleware;
mod one_caller;
mod outbox;
mod passwordless;
mod pre_hijacking;
mod recover;
mod recover_username;
mod redirects;
mod refresh;
mod refresh_cookie;
mod refresh_race;
mod refuse_sign_in;
mod register;
mod session;
mod state_changes;
mod support;
mod tokens;
mod trust;
mod verify;
