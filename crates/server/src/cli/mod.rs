//! The command line. Every command calls the library directly; none of them uses HTTP.

mod audit;
mod config;
mod connect;
mod openapi;
mod roles;
mod schema;
mod secrets;
mod serve;
mod terminal;
mod user_view;
mod users;

use std::fmt::Display;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
pub use terminal::complain;

use crate::serve::listen::Address;

/// Sign-in and accounts for single-page applications.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Arguments that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The configuration file. Default: vestibule.toml in the working directory, if it exists.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The user to whom a command applies.
#[derive(Debug, Args)]
struct Who {
    /// An identity attribute of the user, such as the email address, or the primary key, as id:7.
    id: String,
}

/// How a command shows its result.
#[derive(Debug, Args)]
struct Output {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API (the default without a command).
    Serve(Serve),
    /// Manages users.
    #[command(subcommand)]
    Users(users::Command),
    /// Manages roles, their permissions, and the roles of users.
    #[command(subcommand)]
    Roles(roles::Command),
    /// Checks the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Creates, checks and upgrades the database.
    #[command(subcommand)]
    Db(schema::Command),
    /// Checks the configuration, or imports one from Flask.
    #[command(subcommand)]
    Config(config::Command),
    /// Prints the OpenAPI document of the API that the configuration enables.
    Openapi,
    /// Generates secrets.
    #[command(subcommand)]
    Secrets(secrets::Command),
}

/// `serve`.
#[derive(Debug, Default, Args)]
pub struct Serve {
    /// The address to listen on.
    #[arg(
        long,
        value_name = "ADDR",
        help = "The address to listen on: 127.0.0.1:5000, [::1]:5000 or unix:/path/sock"
    )]
    pub listen: Option<Address>,
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure(pub String);

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs a command.
///
/// # Errors
/// When the command fails, with a message for standard error.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { global, command } = arguments;
    let command = command.unwrap_or(Command::Serve(Serve::default()));
    match command {
        Command::Secrets(secrets::Command::Generate) => {
            secrets::generate();
            Ok(())
        }
        Command::Config(command) => config::run(&global, &command),
        Command::Openapi => openapi::run(&global),
        Command::Serve(arguments) => runtime()?.block_on(serve::run(&global, arguments)),
        Command::Users(command) => runtime()?.block_on(users::run(&global, command)),
        Command::Roles(command) => runtime()?.block_on(roles::run(&global, command)),
        Command::Audit(command) => runtime()?.block_on(audit::run(&global, command)),
        Command::Db(command) => runtime()?.block_on(schema::run(&global, &command)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}
