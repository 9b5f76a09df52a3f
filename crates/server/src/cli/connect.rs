//! `config check --connect`: what the configuration names outside of this program, tried without
//! changing anything.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule::mail::{rehearsal, transport};
use vestibule::settings::{MailRoute, Settings};
use vestibule_store::sql::{Database, Finding, TableNames};

use super::terminal;
use crate::config_file::{database_of, tables_of};
use crate::data_folder;

/// How long each of them may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that was tried.
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

    /// Whether it works.
    pub(super) fn works(&self) -> bool {
        self.outcome.is_ok()
    }

    fn detail(&self) -> &str {
        match &self.outcome {
            Ok(detail) | Err(detail) => detail,
        }
    }

    /// For programs.
    pub(super) fn as_json(&self) -> Value {
        json!({ "check": self.what, "ok": self.works(), "detail": self.detail() })
    }
}

/// Tries the database, the mail server and every mail.
pub(super) async fn try_all(settings: &Settings) -> Vec<Tried> {
    let mut tried = vec![Tried::new("database", database(settings).await)];
    let way = transport::probe(&settings.mail, PATIENCE).await;
    tried.extend(
        way.into_iter()
            .map(|step| Tried::new(step.what, step.outcome)),
    );
    let kept = match settings.mail.route {
        MailRoute::DevMailbox => Some("mails are kept for the developer: MAIL_SERVER is not set"),
        MailRoute::Nowhere => Some("mails are thrown away: MAIL_SUPPRESS_SEND or MAIL_BACKEND"),
        MailRoute::Smtp(_) | MailRoute::Sendmail(_) => None,
    };
    tried.extend(kept.map(|why| Tried::new("mail server", Ok(why.to_owned()))));
    for mail in rehearsal::all(settings) {
        let outcome = match mail.problem {
            None => Ok(format!("written in {}", mail.languages.join(", "))),
            Some(problem) => Err(problem.to_string()),
        };
        tried.push(Tried::new(&format!("mail {}", mail.template), outcome));
    }
    tried
}

/// Shows what was tried, in columns.
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

/// What the database is like. Nothing is made.
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
                "{database} does not answer within {} seconds; see SQLALCHEMY_DATABASE_URI, and whether the server is up",
                PATIENCE.as_secs()
            )
        })?
        .map_err(|error| format!("{database}: {error}; see SQLALCHEMY_DATABASE_URI"))?;
    state(&database, &tables, &findings)
}

/// In one line what `db check` says.
fn state(database: &Database, tables: &TableNames, findings: &[Finding]) -> Result<String, String> {
    let Some(first) = findings.first() else {
        return Ok(format!("{database} has everything that is needed"));
    };
    // A file that is there gets no tables at the start.
    if database.file().is_none() && findings.contains(&Finding::Table(tables.user.clone())) {
        return Ok(format!("{database} answers; the start makes the tables"));
    }
    let more = match findings.len() - 1 {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    Err(format!(
        "{database} lacks {first}{more}; see `vestibule db check`, and run `vestibule db upgrade`"
    ))
}

/// A database file that is not there is made at the start, if its folder is.
fn missing_file(path: &Path) -> Result<String, String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if folder.is_dir() || folder == Path::new(data_folder::FOLDER) {
        Ok(format!("{} is made at the start", path.display()))
    } else {
        Err(format!(
            "{}: there is no folder {}; make it, or change SQLALCHEMY_DATABASE_URI",
            path.display(),
            folder.display()
        ))
    }
}
