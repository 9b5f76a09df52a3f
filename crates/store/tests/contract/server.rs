//! Databases on real servers, each test in one of its own.
//!
//! `TEST_POSTGRES` and `TEST_MYSQL` say where the servers are. One that is
//! not there fails the test.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A database that is dropped with its test.
pub(crate) struct Schema {
    pub(crate) uri: String,
    /// The server's client, that a statement is put behind, in this database.
    client: Vec<String>,
    /// The same outside of it, and the statement that drops it.
    drop: (Vec<String>, String),
}

impl Schema {
    pub(crate) fn postgres() -> Self {
        let server = address(
            "TEST_POSTGRES",
            "postgresql://postgres@127.0.0.1:5432/postgres",
        );
        let (base, _) = server.rsplit_once('/').unwrap();
        let name = name();
        let psql = |place: &str| ["psql", "-qAt", place, "-c"].map(str::to_owned).to_vec();
        run(&psql(&server), &format!("CREATE DATABASE {name}"));
        let uri = format!("{base}/{name}");
        Self {
            client: psql(&uri),
            drop: (psql(&server), format!("DROP DATABASE {name} WITH (FORCE)")),
            uri,
        }
    }

    pub(crate) fn mysql() -> Self {
        let server = address("TEST_MYSQL", "mysql://root@127.0.0.1:3306/test");
        let (base, _) = server.rsplit_once('/').unwrap();
        let name = name();
        let rest = server.split_once("://").unwrap().1;
        let (who, place) = rest.split_once('@').unwrap();
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let (host, port) = place.split('/').next().unwrap().split_once(':').unwrap();
        let mysql = |place: &str| {
            vec![
                "mariadb".to_owned(),
                format!("--host={host}"),
                format!("--port={port}"),
                format!("--user={user}"),
                format!("--password={password}"),
                format!("--database={place}"),
                "--skip-column-names".to_owned(),
                "--execute".to_owned(),
            ]
        };
        let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
        run(&mysql(""), &create);
        Self {
            uri: format!("{base}/{name}"),
            client: mysql(&name),
            drop: (mysql(""), format!("DROP DATABASE {name}")),
        }
    }

    /// What this database answers to a statement.
    pub(crate) fn ask(&self, statement: &str) -> String {
        run(&self.client, statement)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (client, statement) = &self.drop;
        run(client, statement);
    }
}

#[expect(clippy::disallowed_methods, reason = "where a test's servers are")]
fn address(variable: &str, usual: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| usual.to_owned())
}

fn name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("vestibule_test_{}_{number}", std::process::id())
}

/// What a client says to a statement.
fn run(client: &[String], statement: &str) -> String {
    let output = Command::new(&client[0])
        .args(&client[1..])
        .arg(statement)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", client[0]));
    assert!(
        output.status.success(),
        "{client:?} {statement}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
