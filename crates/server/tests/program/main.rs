//! The program as people use it: the commands, the README, the log, the signals.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod commands;
mod commands_audit;
mod commands_roles;
mod commands_users;
mod config_check;
mod config_connect;
mod config_import;
mod readme;
mod secrets;
mod serving;
#[path = "../support/program.rs"]
mod support;
