//! What an exchange changed in the tables of users and passkeys, in a form that two servers can be
//! compared by.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::console::Console;
use super::masks;
use crate::server::{Engine, Schema};

/// Email, then column, then value. A passkey has its user's ID and its own name instead of an email.
pub(crate) type Users = BTreeMap<String, BTreeMap<String, String>>;

/// The database of one test: a file or, with `VESTIBULE_ORACLE_DATABASE`, a database on a server.
/// A database on a server is dropped with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Database(Arc<Place>);

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Server {
        uri: String,
        console: Box<Mutex<Console>>,
    },
}

/// The database server that the comparison runs on; none for `SQLite`.
#[expect(
    clippy::disallowed_methods,
    reason = "the test command chooses the database for the comparison"
)]
pub(crate) fn chosen_engine() -> Option<Engine> {
    match std::env::var("VESTIBULE_ORACLE_DATABASE").ok()?.as_str() {
        "postgres" => Some(Engine::Postgres),
        "mysql" => Some(Engine::Mysql),
        other => panic!("VESTIBULE_ORACLE_DATABASE is {other:?}"),
    }
}

/// The URI of a database on a server, in a form that SQLAlchemy and vestibule both accept.
pub(crate) fn uri_of(schema: &Schema) -> String {
    let (dialect, driver) = match schema.engine {
        Engine::Postgres => ("postgresql://", "postgresql+psycopg://"),
        Engine::Mysql => ("mysql://", "mysql+pymysql://"),
    };
    schema.uri.replacen(dialect, driver, 1)
}

/// Drops the databases of test runs that have ended. Statics are never dropped, so the template
/// database of a run outlives it.
pub(crate) fn drop_what_ended_runs_left(any: &Schema) {
    let names = match any.engine {
        Engine::Postgres => "SELECT datname FROM pg_database",
        Engine::Mysql => "SHOW DATABASES",
    };
    let names = any.administer(names);
    for name in names
        .lines()
        .filter(|name| name.starts_with("vestibule_test_"))
    {
        let process = name.split('_').nth(2).unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            any.administer(&format!("DROP DATABASE IF EXISTS {name}"));
        }
    }
}

impl Database {
    pub(crate) fn file(path: PathBuf) -> Self {
        Self(Arc::new(Place::File(path)))
    }

    /// Copies a database on a server.
    pub(crate) fn copy_of(template: &Schema) -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let schema = {
            let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
            template.copy()
        };
        Self(Arc::new(Place::Server {
            uri: uri_of(&schema),
            console: Box::new(Mutex::new(Console::open(schema))),
        }))
    }

    /// The value for `SQLALCHEMY_DATABASE_URI`.
    pub(crate) fn uri(&self) -> String {
        match &*self.0 {
            Place::File(path) => format!("sqlite:///{}", path.display()),
            Place::Server { uri, .. } => uri.clone(),
        }
    }

    /// Reads all users and passkeys.
    pub(crate) fn users(&self) -> Users {
        match &*self.0 {
            Place::File(path) => users_in(path),
            Place::Server { console, .. } => lock(console).users(),
        }
    }

    /// Changes a column directly in the database, as an administrator would.
    pub(crate) fn set(&self, email: &str, column: &str, value: &str) {
        match &*self.0 {
            Place::File(path) => set_in(path, email, column, value),
            Place::Server { console, .. } => lock(console).set(email, column, value),
        }
    }

    /// Sets a column to NULL directly in the database.
    pub(crate) fn clear(&self, email: &str, column: &str) {
        match &*self.0 {
            Place::File(path) => {
                let change = format!("UPDATE user SET {column} = NULL WHERE email = ?1");
                update(path, &change, &[email]);
            }
            Place::Server { console, .. } => lock(console).clear(email, column),
        }
    }
}

fn lock(console: &Mutex<Console>) -> std::sync::MutexGuard<'_, Console> {
    console.lock().unwrap_or_else(PoisonError::into_inner)
}

fn users_in(path: &Path) -> Users {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("the database opens");
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .expect("a busy timeout");
    let mut users = Users::new();
    for record in records(&connection, "SELECT * FROM user ORDER BY id", &[]) {
        users.insert(record["email"].clone(), record);
    }
    for record in records(&connection, &passkeys(), &PASSKEY_COLUMNS) {
        users.insert(passkey(&record), record);
    }
    users
}

/// The columns of passkeys.
pub(crate) const PASSKEY_COLUMNS: [&str; 13] = [
    "id",
    "user_id",
    "name",
    "credential_id",
    "public_key",
    "sign_count",
    "transports",
    "backup_state",
    "device_type",
    "extensions",
    "create_datetime",
    "lastuse_datetime",
    "usage",
];

/// Selects [`PASSKEY_COLUMNS`], with bytes in hexadecimal digits.
pub(crate) fn passkeys() -> String {
    let columns = PASSKEY_COLUMNS.map(|name| match name {
        "credential_id" | "public_key" => format!("HEX({name})"),
        name => format!("\"{name}\""),
    });
    format!("SELECT {} FROM web_authn ORDER BY id", columns.join(", "))
}

/// What a passkey is called among the users.
pub(crate) fn passkey(record: &BTreeMap<String, String>) -> String {
    format!("passkey {} of user {}", record["name"], record["user_id"])
}

/// The rows of a query by column. Without names the columns have those of the table.
fn records(connection: &Connection, query: &str, names: &[&str]) -> Vec<BTreeMap<String, String>> {
    let mut statement = connection.prepare(query).expect("a table");
    let own: Vec<&str> = statement.column_names().collect();
    let names = if names.is_empty() { &own[..] } else { names };
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut rows = statement.query([]).expect("a query");
    let mut records = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let cell = |index| shown(row.get_ref(index).expect("a column"));
        let cells = names.iter().enumerate();
        records.push(
            cells
                .map(|(index, name)| (name.clone(), cell(index)))
                .collect(),
        );
    }
    records
}

fn set_in(path: &Path, email: &str, column: &str, value: &str) {
    let change = format!("UPDATE user SET {column} = ?1 WHERE email = ?2");
    update(path, &change, &[value, email]);
}

/// Changes one row.
fn update(path: &Path, change: &str, values: &[&str]) {
    let connection = Connection::open(path).expect("the database opens");
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .expect("a busy timeout");
    let changed = connection
        .execute(change, rusqlite::params_from_iter(values))
        .expect("an update");
    assert_eq!(changed, 1, "{change} {values:?}");
}

/// The columns that differ from `before`, without what may differ between two correct servers
/// (times, salts).
pub(crate) fn changes(before: &Users, after: &Users) -> BTreeMap<String, String> {
    let mut changes = BTreeMap::new();
    for (email, record) in after {
        for (column, value) in record {
            let old = before.get(email).and_then(|old| old.get(column));
            if old != Some(value) && !maybe_a_moment_later(column, old, value) {
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

pub(crate) fn is_moment(column: &str) -> bool {
    column.ends_with("_at") || column.ends_with("_datetime")
}

/// Whether two values may be the same time. MySQL keeps whole seconds, so whether such a column
/// changes depends on when the second ended.
fn maybe_a_moment_later(column: &str, old: Option<&String>, value: &str) -> bool {
    let there = |text: &str| text.contains(':');
    is_moment(column) && old.is_some_and(|old| there(old)) && there(value) && !value.contains('.')
}

fn comparable(column: &str, old: &str, value: &str) -> String {
    if let (false, Ok(number)) = (column == "name", value.parse::<i64>()) {
        // Counters are compared by their increase, so that each exchange is judged on its own.
        return format!("{:+}", number - old.parse().unwrap_or(0));
    }
    if is_moment(column) {
        // The reference lets SQLite fill in the creation time, which has whole seconds.
        let made = old.is_empty() && column.ends_with("_datetime");
        let value = if made {
            value.split('.').next().unwrap_or(value)
        } else {
            value
        };
        // Times keep their format, so that a different precision or separator is detected.
        return value
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
    }
    if column == "us_totp_secrets" {
        // Keep the format; drop the salts and the encrypted keys.
        let is_base32 = |c: char| c.is_ascii_uppercase() || matches!(c, '2'..='7');
        let parts = value.split('"');
        let parts = parts.map(|part| {
            let random = part.trim_end_matches('\\');
            if random.len() > 15 && random.chars().all(is_base32) {
                "random"
            } else {
                part
            }
        });
        return parts.collect::<Vec<_>>().join("\"");
    }
    if column == "password" {
        // Keep the scheme and the parameters; drop the salt and the digest.
        let parts: Vec<&str> = value.split('$').collect();
        return parts[..parts.len().saturating_sub(2)].join("$");
    }
    match column {
        "credential_id" | "public_key" => format!("<{} digits>", value.len()),
        "tf_totp_secret" => masks::sealed_key(value),
        "mf_recovery_codes" => {
            let codes = value.split(',').map(masks::recovery_code);
            codes.collect::<Vec<_>>().join(",")
        }
        _ => masks::hide_fresh(value),
    }
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
