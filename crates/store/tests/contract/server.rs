//! Databases on real servers, each test in one of its own.
//!
//! `TEST_POSTGRES` and `TEST_MYSQL` say where the servers are. One that is
//! not there fails the test.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A database that is dropped with its test.
pub(crate) struct Schema {
    pub(crate) uri: String,
    drop: Vec<String>,
}

impl Schema {
    pub(crate) fn postgres() -> Self {
        let server = address(
            "TEST_POSTGRES",
            "postgresql://postgres@127.0.0.1:5432/postgres",
        );
        let (base, _) = server.rsplit_once('/').unwrap();
        let name = name();
        let psql = |statement: String| {
            ["psql", "-q", &server, "-c", &statement]
                .map(str::to_owned)
                .to_vec()
        };
        run(&psql(format!("CREATE DATABASE {name}")));
        Self {
            uri: format!("{base}/{name}"),
            drop: psql(format!("DROP DATABASE {name} WITH (FORCE)")),
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
        let mysql = |statement: String| {
            vec![
                "mariadb".to_owned(),
                format!("--host={host}"),
                format!("--port={port}"),
                format!("--user={user}"),
                format!("--password={password}"),
                format!("--execute={statement}"),
            ]
        };
        run(&mysql(format!(
            "CREATE DATABASE {name} CHARACTER SET utf8mb4"
        )));
        Self {
            uri: format!("{base}/{name}"),
            drop: mysql(format!("DROP DATABASE {name}")),
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        run(&self.drop);
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

fn run(words: &[String]) {
    let output = Command::new(&words[0])
        .args(&words[1..])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", words[0]));
    assert!(
        output.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
