//! `db`.

use clap::Subcommand;
use vestibule_store::sql::sqlite::SqliteStore;
use vestibule_store::sql::{Finding, Upgrade};

use super::{Failure, Global, terminal};
use crate::config_file::Configuration;
use crate::data_folder;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes the database and its tables, as far as they are not there.
    Init,
    /// Says what an existing database lacks. Ends with status 1 if it lacks anything.
    Check,
    /// Adds what is missing. Never drops or rewrites anything.
    Upgrade,
}

pub(super) fn run(global: &Global, command: &Command) -> Result<(), Failure> {
    let configuration = Configuration::read(global.config.as_deref(), None)?;
    let path = configuration.database()?;
    let tables = configuration.tables();
    if path.starts_with(data_folder::FOLDER) {
        data_folder::make(std::path::Path::new(data_folder::FOLDER))?;
    }
    match command {
        Command::Init => report(&SqliteStore::init(&path, &tables)?, "made"),
        Command::Upgrade => {
            report(&SqliteStore::upgrade(&path, &tables)?, "added");
            complain_of(&SqliteStore::check(&path, &tables)?)?;
        }
        Command::Check => complain_of(&SqliteStore::check(&path, &tables)?)?,
    }
    Ok(())
}

fn report(upgrades: &[Upgrade], verb: &str) {
    if upgrades.is_empty() {
        terminal::say("nothing was missing");
    }
    for Upgrade(finding) in upgrades {
        terminal::say(&format!("{verb} {finding}"));
    }
}

fn complain_of(findings: &[Finding]) -> Result<(), Failure> {
    if findings.is_empty() {
        terminal::say("the database has everything that is needed");
        return Ok(());
    }
    for finding in findings {
        terminal::say(&format!("{finding}: {}", finding.advice()));
    }
    Err(format!("the database lacks {} things", findings.len()).into())
}
