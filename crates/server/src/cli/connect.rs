//! `config check --connect`: tests the services that the configuration names, without changing
//! anything.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule::program::{MailRoute, Settings};
use vestibule::program::{rehearsal, transport};
use vestibule_store::sql::{Database, Finding, TableNames};

use super::terminal;
use crate::config_file::{database_of, tables_of};
use crate::data_folder;

/// How long each check may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The result of one check.
pub(super) struct Tried {
    what: String,
    outcome: Result<String, String>,
}

impl Tried {
    fn new(what: &str, outcome: Result<String, String>) -> Self {
        Self {
            what: what.to_owned(),
            outcome,
        }
    }

    /// Whether the check succeeded.
    pub(super) fn works(&self) -> bool {
        self.outcome.is_ok()
    }

    fn detail(&self) -> &str {
        match &self.outcome {
            Ok(detail) | Err(detail) => detail,
        }
    }

    /// The result as JSON.
    pub(super) fn as_json(&self) -> Value {
        json!({ "check": self.what, "ok": self.works(), "detail": self.detail() })
    }
}

/// Tests the database and the mail server, and renders every mail.
pub(super) async fn try_all(settings: &Settings) -> Vec<Tried> {
    let mut tried = vec![Tried::new("database", database(settings).await)];
    let way = transport::probe(&settings.mail, PATIENCE).await;
    tried.extend(
        way.into_iter()
            .map(|step| Tried::new(step.what, step.outcome)),
    );
    let kept = match settings.mail.route {
        MailRoute::DevMailbox => Some("mails go to the dev mailbox: MAIL_SERVER is not set"),
        MailRoute::Nowhere => Some("mails are discarded: see MAIL_SUPPRESS_SEND and MAIL_BACKEND"),
        MailRoute::Smtp(_) | MailRoute::Sendmail(_) => None,
    };
    tried.extend(kept.map(|why| Tried::new("mail server", Ok(why.to_owned()))));
    for mail in rehearsal::all(settings) {
        let outcome = match mail.problem {
            None => Ok(format!("rendered in {}", mail.languages.join(", "))),
            Some(problem) => Err(problem.to_string()),
        };
        tried.push(Tried::new(&format!("mail {}", mail.template), outcome));
    }
    tried
}

/// Prints the results as a table.
pub(super) fn show(tried: &[Tried]) {
    let rows: Vec<Vec<String>> = tried
        .iter()
        .map(|one| {
            let result = if one.works() { "ok" } else { "failed" };
            vec![one.what.clone(), result.to_owned(), one.detail().to_owned()]
        })
        .collect();
    terminal::table(&["CHECK", "RESULT", "DETAIL"], &rows);
}

/// Checks the database, without creating anything.
async fn database(settings: &Settings) -> Result<String, String> {
    let database = database_of(settings)?;
    if let Some(path) = database.file()
        && !path.exists()
    {
        return missing_file(path);
    }
    let tables = tables_of(settings);
    let checking = database.check(&tables);
    let findings = tokio::time::timeout(PATIENCE, checking)
        .await
        .map_err(|_| {
            format!(
                "{database} does not answer within {} seconds; check SQLALCHEMY_DATABASE_URI, and that the database server is running",
                PATIENCE.as_secs()
            )
        })?
        .map_err(|error| format!("{database}: {error}; check SQLALCHEMY_DATABASE_URI"))?;
    state(&database, &tables, &findings)
}

/// Summarises the findings of `db check` in one line.
fn state(database: &Database, tables: &TableNames, findings: &[Finding]) -> Result<String, String> {
    let Some(first) = findings.first() else {
        return Ok(format!("{database} has everything that is needed"));
    };
    // At the start, the server creates tables in a database on a server, but not in an existing
    // file.
    if database.file().is_none() && findings.contains(&Finding::Table(tables.user.clone())) {
        return Ok(format!(
            "{database} answers; the server creates the tables when it starts"
        ));
    }
    let more = match findings.len() - 1 {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    Err(format!(
        "{database} lacks {first}{more}; `vestibule db check` lists everything, `vestibule db upgrade` adds it"
    ))
}

/// The result for a database file that does not exist: the start creates it, if its folder exists.
fn missing_file(path: &Path) -> Result<String, String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if folder.is_dir() || folder == Path::new(data_folder::FOLDER) {
        Ok(format!(
            "the server creates {} when it starts",
            path.display()
        ))
    } else {
        Err(format!(
            "{}: the folder {} does not exist; create it, or change SQLALCHEMY_DATABASE_URI",
            path.display(),
            folder.display()
        ))
    }
}
