//! Tests of the program as operators use it: commands, README, log, signals.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod commands;
mod commands_audit;
mod commands_roles;
mod commands_users;
mod config_check;
mod config_connect;
mod config_import;
mod database_address;
mod pages;
mod prepared_folder;
mod readme;
mod secrets;
mod serving;
mod slow_clients;
#[path = "../support/program.rs"]
mod support;

/// The documented configuration for single-page apps.
const SPA: &str = include_str!("../support/spa.toml");
