//! What an exchange left in the user table, in a form that two servers can be compared by.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// Email, then column, then value.
pub(crate) type Users = BTreeMap<String, BTreeMap<String, String>>;

/// Reads all users as they stand.
pub(crate) fn users(path: &Path) -> Users {
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

/// Changes a column behind the servers' backs, as an administrator would.
pub(crate) fn set(path: &Path, email: &str, column: &str, value: &str) {
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
    value.to_owned()
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
