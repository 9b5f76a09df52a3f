//! What an exchange left in the user table, in a form that two servers can be compared by.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// Email, then column, then value.
pub(crate) type Users = BTreeMap<String, BTreeMap<String, String>>;

/// A database of one test: a file, or with `VESTIBULE_ORACLE_DATABASE=postgres` one on the
/// server that `TEST_POSTGRES` names. It goes away with the last who uses it.
#[derive(Clone, Debug)]
pub(crate) struct Database(Arc<Place>);

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Postgres { name: String, psql: Mutex<Psql> },
}

/// psql, kept open: to start it for every look would take longer than the exchanges.
#[derive(Debug)]
struct Psql {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test command says on which database the comparison runs"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether the comparison runs on PostgreSQL.
pub(crate) fn on_postgres() -> bool {
    variable("VESTIBULE_ORACLE_DATABASE").as_deref() == Some("postgres")
}

/// The server's address, without a database.
fn server() -> String {
    let usual = "postgresql://postgres@127.0.0.1:5432/postgres".to_owned();
    let address = variable("TEST_POSTGRES").unwrap_or(usual);
    let (base, _) = address.rsplit_once('/').expect("the address of a database");
    base.to_owned()
}

/// The address of a database on the server, for SQLAlchemy and for us.
pub(crate) fn postgres_uri(name: &str) -> String {
    format!("{}/{name}", server()).replacen("postgresql://", "postgresql+psycopg://", 1)
}

/// Runs a statement outside of every test's database.
pub(crate) fn administer(statement: &str) -> String {
    let output = Command::new("psql")
        .args(["-XAtq", &format!("{}/postgres", server()), "-c", statement])
        .output()
        .expect("psql is installed");
    assert!(
        output.status.success(),
        "{statement}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Nothing runs when a run of tests ends, so its last database is dropped by the next run.
pub(crate) fn drop_what_ended_runs_left() {
    let left =
        administer("SELECT datname FROM pg_database WHERE datname LIKE 'vestibule_oracle_%'");
    for name in left.lines() {
        let process = name.split('_').nth(2).unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

impl Database {
    pub(crate) fn file(path: PathBuf) -> Self {
        Self(Arc::new(Place::File(path)))
    }

    /// A copy of another database on the server.
    pub(crate) fn copy_of(template: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // The server copies one at a time, and only while nobody uses the original.
        static ONE: Mutex<()> = Mutex::new(());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vestibule_oracle_{}_{number}", std::process::id());
        {
            let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
            administer(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        }
        let psql = Mutex::new(Psql::start(&format!("{}/{name}", server())));
        Self(Arc::new(Place::Postgres { name, psql }))
    }

    /// As `SQLALCHEMY_DATABASE_URI` says it.
    pub(crate) fn uri(&self) -> String {
        match &*self.0 {
            Place::File(path) => format!("sqlite:///{}", path.display()),
            Place::Postgres { name, .. } => postgres_uri(name),
        }
    }

    /// Reads all users as they stand.
    pub(crate) fn users(&self) -> Users {
        match &*self.0 {
            Place::File(path) => users_in(path),
            Place::Postgres { psql, .. } => psql
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .ask("SELECT row_to_json(u) FROM \"user\" u ORDER BY id")
                .iter()
                .map(|line| row_of(line))
                .collect(),
        }
    }

    /// Changes a column behind the servers' backs, as an administrator would.
    pub(crate) fn set(&self, email: &str, column: &str, value: &str) {
        match &*self.0 {
            Place::File(path) => set_in(path, email, column, value),
            Place::Postgres { psql, .. } => {
                let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
                let changed = psql
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .ask(&format!(
                        "UPDATE \"user\" SET {column} = {} WHERE email = {} RETURNING 1",
                        quoted(value),
                        quoted(email)
                    ));
                assert_eq!(changed, ["1"], "{email} is in the database");
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Postgres { name, .. } = self {
            administer(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

impl Psql {
    fn start(uri: &str) -> Self {
        let mut process = Command::new("psql")
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", uri])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql is installed");
        let input = process.stdin.take().expect("a piped input");
        let output = BufReader::new(process.stdout.take().expect("a piped output"));
        Self {
            process,
            input,
            output,
        }
    }

    /// The lines that a statement answers with.
    fn ask(&mut self, statement: &str) -> Vec<String> {
        const END: &str = "-- that was all";
        writeln!(self.input, "{statement};\n\\echo {END}").expect("psql listens");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("psql answers");
            assert!(read > 0, "psql stopped at {statement}");
            let line = line.trim_end_matches('\n');
            if line == END {
                return lines;
            }
            lines.push(line.to_owned());
        }
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn row_of(line: &str) -> (String, BTreeMap<String, String>) {
    let row: BTreeMap<String, Value> = serde_json::from_str(line).expect("a row");
    let record: BTreeMap<String, String> = row
        .into_iter()
        .map(|(column, value)| {
            let text = match value {
                Value::Null => "NULL".to_owned(),
                Value::Bool(flag) => u8::from(flag).to_string(),
                // JSON leaves out the last zeros of a moment.
                Value::String(text) if column.ends_with("_at") || column.ends_with("_datetime") => {
                    let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
                    format!("{seconds}.{fraction:0<6}")
                }
                Value::String(text) => text,
                other => other.to_string(),
            };
            (column, text)
        })
        .collect();
    (record["email"].clone(), record)
}

fn users_in(path: &Path) -> Users {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("the database opens");
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .expect("a time to wait");
    let mut statement = connection
        .prepare("SELECT * FROM user ORDER BY id")
        .expect("a user table");
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).expect("a query");
    let mut users = Users::new();
    while let Some(row) = rows.next().expect("a row") {
        let record: BTreeMap<String, String> = columns
            .iter()
            .enumerate()
            .map(|(index, name)| (name.clone(), shown(row.get_ref(index).expect("a column"))))
            .collect();
        users.insert(record["email"].clone(), record);
    }
    users
}

fn set_in(path: &Path, email: &str, column: &str, value: &str) {
    let connection = Connection::open(path).expect("the database opens");
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .expect("a time to wait");
    let changed = connection
        .execute(
            &format!("UPDATE user SET {column} = ?1 WHERE email = ?2"),
            (value, email),
        )
        .expect("an update");
    assert_eq!(changed, 1, "{email} is in the database");
}

/// The columns that differ from `before`, with what may differ between two honest
/// servers (the moment, the salt) taken out.
pub(crate) fn changes(before: &Users, after: &Users) -> BTreeMap<String, String> {
    let mut changes = BTreeMap::new();
    for (email, record) in after {
        for (column, value) in record {
            let old = before.get(email).and_then(|old| old.get(column));
            if old != Some(value) {
                let old = old.map_or("", String::as_str);
                changes.insert(format!("{email}.{column}"), comparable(column, old, value));
            }
        }
    }
    for email in before.keys().filter(|email| !after.contains_key(*email)) {
        changes.insert(email.clone(), "deleted".into());
    }
    changes
}

fn comparable(column: &str, old: &str, value: &str) -> String {
    if let Ok(number) = value.parse::<i64>() {
        // Counters by how far they went: an exchange is judged by itself.
        return format!("{:+}", number - old.parse().unwrap_or(0));
    }
    if column.ends_with("_at") || column.ends_with("_datetime") {
        // The reference lets SQLite fill in when a row was made, to the second.
        let made = old.is_empty() && column.ends_with("_datetime");
        let value = if made {
            value.split('.').next().unwrap_or(value)
        } else {
            value
        };
        // Dates keep their shape, so that another precision or separator shows.
        return value
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
    }
    if column == "password" {
        // Scheme and parameters, without salt and digest.
        let parts: Vec<&str> = value.split('$').collect();
        return parts[..parts.len().saturating_sub(2)].join("$");
    }
    super::compare::hide_fresh(value)
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{bytes:?}"),
    }
}
