//! `secrets generate`.

use clap::Subcommand;
use vestibule::program::rng::SystemRandom;

use super::terminal;
use crate::data_folder;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prints new `SECRET_KEY`, `SECURITY_PASSWORD_SALT` and `SECURITY_TOTP_SECRETS` lines.
    Generate,
}

pub(super) fn generate() {
    terminal::say(data_folder::fresh_secrets(&SystemRandom).trim_end());
}
