//! `db`.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde_json::json;
use vestibule_formats::hash::{self, Memory, Scheme};
use vestibule_store::PasswordKind;
use vestibule_store::sql::{Finding, Upgrade};

use super::{Failure, Global, Output, terminal};
use crate::config_file::{Configuration, Purpose};
use crate::data_folder;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Creates the database and its tables, if they do not exist.
    Init,
    /// Reports what an existing database lacks. Exits with status 1 if it lacks anything.
    Check(Output),
    /// Adds what the database lacks. Never drops or rewrites anything.
    Upgrade,
}

pub(super) async fn run(global: &Global, command: &Command) -> Result<(), Failure> {
    let purpose = match command {
        Command::Check(_) => Purpose::Look,
        Command::Init | Command::Upgrade => Purpose::Arrange,
    };
    let configuration = Configuration::read_to(purpose, global.config.as_deref(), None)?;
    let (database, tables) = (configuration.database()?, configuration.tables());
    let folder = std::path::Path::new(data_folder::FOLDER);
    if let Some(path) = database.file()
        && path.starts_with(folder)
        && (purpose == Purpose::Arrange || path.exists())
    {
        data_folder::make(folder)?;
    }
    match command {
        Command::Init => report(&database.init(&tables).await?, "created"),
        Command::Upgrade => {
            report(&database.upgrade(&tables).await?, "added");
            complain_of(&database.check(&tables).await?, false)?;
        }
        Command::Check(output) => {
            let mut findings = database.check(&tables).await?;
            let kinds = database.password_kinds(&tables).await?;
            if !output.json {
                count(&kinds);
            }
            findings.extend(uncheckable(&kinds));
            complain_of(&findings, output.json)?;
        }
    }
    Ok(())
}

/// Prints how many password hashes of each scheme the database contains.
fn count(kinds: &[PasswordKind]) {
    let mut schemes: BTreeMap<&str, u64> = BTreeMap::new();
    for kind in kinds {
        let scheme = Scheme::identify(&kind.decoy).name();
        *schemes.entry(scheme).or_default() += kind.count;
    }
    if !schemes.is_empty() {
        let counts = schemes
            .iter()
            .map(|(scheme, count)| format!("{count} {scheme}"));
        let counts: Vec<String> = counts.collect();
        terminal::say(&format!("password hashes: {}", counts.join(", ")));
    }
}

/// The password hashes that cannot be checked, by scheme.
fn uncheckable(kinds: &[PasswordKind]) -> Vec<Finding> {
    let mut memory = Memory::default();
    let bad = kinds.iter().filter_map(|kind| {
        let why = hash::can_check(&kind.decoy, &mut memory).err()?;
        Some(Finding::Passwords {
            count: kind.count,
            why: why.to_string(),
        })
    });
    bad.collect()
}

fn report(upgrades: &[Upgrade], verb: &str) {
    if upgrades.is_empty() {
        terminal::say("nothing was missing");
    }
    for Upgrade(finding) in upgrades {
        terminal::say(&format!("{verb} {finding}"));
    }
}

fn complain_of(findings: &[Finding], json: bool) -> Result<(), Failure> {
    if json {
        let lacks =
            |finding: &Finding| json!({ "lacks": finding.to_string(), "fix": finding.advice() });
        terminal::say_json(&findings.iter().map(lacks).collect());
    } else {
        for finding in findings {
            terminal::say(&format!("{finding}: {}", finding.advice()));
        }
    }
    if findings.is_empty() {
        if !json {
            terminal::say("the database has everything that is needed");
        }
        return Ok(());
    }
    Err(format!(
        "the database lacks {} of the things that vestibule needs",
        findings.len()
    )
    .into())
}
