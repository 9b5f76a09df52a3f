//! `audit`, and `users audit`.

use clap::Subcommand;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use vestibule::App;
use vestibule::admin;
use vestibule::program::audit::{self, End, Verdict};
use vestibule_store::AuditEntry;

use super::{Failure, Global, Output, Who, terminal};
use crate::config_file::Configuration;

/// How many entries one query reads.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Checks that every entry of the audit log is unchanged, and that none is missing.
    ///
    /// Exits with status 1 and names the first bad entry. If the log is intact, the last line is
    /// the number and the seal of the last entry.
    Verify {
        /// An entry that the log must contain: the last line of an earlier check. Store it where
        /// it is out of reach for those who can write to the database.
        #[arg(long, value_name = "NUMBER:SEAL", value_parser = end)]
        expect: Option<End>,
    },
}

fn end(word: &str) -> Result<End, String> {
    End::read(word)
        .ok_or_else(|| "not a last line that `vestibule audit verify` printed".to_owned())
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let configuration = Configuration::read(global.config.as_deref(), None)?;
    let vestibule = configuration.open(1).await?;
    match command {
        Command::Verify { expect } => verify(vestibule.app(), expect.as_ref()).await,
    }
}

async fn verify(app: &App, expect: Option<&End>) -> Result<(), Failure> {
    let progress = terminal::Progress::start("entries");
    let verdict = audit::verify(app, expect, |done, all| progress.at(done, all)).await?;
    progress.end();
    match verdict {
        Verdict::Whole {
            entries,
            end,
            sealed,
        } => {
            if !sealed {
                terminal::remark(
                    "an earlier version wrote the last entry and did not seal the end of the log: \
                     the next entry seals it",
                );
            }
            let entries = match entries {
                1 => "one entry, unchanged".to_owned(),
                entries => format!("{entries} entries, all unchanged"),
            };
            terminal::say(&format!("the audit log is intact: {entries}\n{end}"));
            Ok(())
        }
        Verdict::Broken { entry, why } => {
            Err(format!("the audit log is not intact: entry {entry}: {why}").into())
        }
    }
}

/// Prints the audit entries of a user, oldest first.
pub(super) async fn of_user(app: &App, who: &Who, output: &Output) -> Result<(), Failure> {
    let user = admin::find(app, &who.id).await?;
    let mut entries = Vec::new();
    let mut after = 0;
    loop {
        let page = app.store().audit(Some(user.id), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        entries.extend(page);
    }
    if output.json {
        let entries: Vec<Value> = entries.iter().map(as_json).collect();
        terminal::say_json(&entries.into());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = entries.iter().map(as_row).collect();
    let headings = ["ENTRY", "TIME", "EVENT", "ADDRESS", "REQUEST", "DETAIL"];
    terminal::table(&headings, &rows);
    Ok(())
}

fn moment(entry: &AuditEntry) -> String {
    entry.what.at.format(&Rfc3339).unwrap_or_default()
}

fn as_json(entry: &AuditEntry) -> Value {
    let what = &entry.what;
    let detail = what.detail.as_deref().map(|detail| {
        serde_json::from_str::<Value>(detail).unwrap_or_else(|_| Value::from(detail))
    });
    json!({
        "id": entry.id,
        "at": moment(entry),
        "kind": what.kind,
        "user_id": what.user_id.map(|id| id.0),
        "address": what.address,
        "request_id": what.request_id,
        "detail": detail,
    })
}

fn as_row(entry: &AuditEntry) -> Vec<String> {
    let or_dash = |text: &Option<String>| terminal::or_dash(text.clone().unwrap_or_default());
    let what = &entry.what;
    vec![
        entry.id.to_string(),
        moment(entry),
        what.kind.clone(),
        or_dash(&what.address),
        or_dash(&what.request_id),
        or_dash(&what.detail),
    ]
}
