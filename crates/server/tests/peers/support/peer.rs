//! Starting and stopping the two servers.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::config;
use super::database::{self, Database};
use super::folder::Folder;
use super::http::Request;
use super::python::{Python, root};
use super::users;
use crate::server::Schema;

/// The database that every server starts with a copy of. The reference writes it. It is kept
/// between runs under a name that is a hash of its inputs.
static SEEDED: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut hasher = DefaultHasher::new();
    for seeded in [users::everybody(), users::roles()] {
        seeded.to_string().hash(&mut hasher);
    }
    for file in ["app.py", "requirements.txt"] {
        std::fs::read(root().join("oracle").join(file))
            .expect("the oracle")
            .hash(&mut hasher);
    }
    let path = folder.join(format!("seed-{:016x}.db", hasher.finish()));
    if !path.exists() {
        // Other test processes may do this at the same time. A rename is atomic, so the last
        // complete file wins.
        let unfinished = folder.join(format!("seed-{}.tmp", std::process::id()));
        let config = with_database(&config::spa(), &Database::file(unfinished.clone()));
        Python::get().seed(&config, &folder.join("seed.log"));
        std::fs::rename(&unfinished, &path).expect("a rename");
    }
    path
});

/// The seeded database on the database server of this run. Each run creates its own.
static SEEDED_ON_SERVER: LazyLock<Option<Schema>> = LazyLock::new(|| {
    let schema = Schema::new(database::chosen_engine()?);
    database::drop_what_ended_runs_left(&schema);
    let mut config = config::spa();
    let uri = json!(database::uri_of(&schema));
    config.insert("SQLALCHEMY_DATABASE_URI".into(), uri);
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seed-server.log");
    Python::get().seed(&config, &log);
    Some(schema)
});

/// A fresh copy of the seeded database: a file, or a database on the server of this run.
pub(crate) fn fresh_database(path: PathBuf) -> Database {
    let _ = Python::get();
    if let Some(schema) = &*SEEDED_ON_SERVER {
        return Database::copy_of(schema);
    }
    std::fs::copy(&*SEEDED, &path).expect("a copy of the database");
    Database::file(path)
}

/// The configuration with the URI of this database.
pub(crate) fn with_database(
    config: &Map<String, Value>,
    database: &Database,
) -> Map<String, Value> {
    let mut config = config.clone();
    config.insert("SQLALCHEMY_DATABASE_URI".into(), json!(database.uri()));
    config
}

/// The real Flask-Security.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) port: u16,
    pub(crate) database: Database,
    log: PathBuf,
    pid: u64,
}

impl Reference {
    /// Starts the reference on this database, with its log in the folder.
    pub(crate) fn start(config: &Map<String, Value>, folder: &Folder, database: Database) -> Self {
        let log = folder.file("reference.log");
        let (pid, port) = Python::get().serve(&with_database(config, &database), &log);
        Self {
            port,
            database,
            log,
            pid,
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        Python::get().stop(self.pid);
    }
}

/// Our server: the real binary.
#[derive(Debug)]
pub(crate) struct Vestibule {
    pub(crate) port: u16,
    pub(crate) database: Database,
    log: PathBuf,
    process: Child,
}

impl Vestibule {
    /// Starts the binary on this database. The folder holds its configuration file, log and
    /// working files.
    pub(crate) fn start(config: &Map<String, Value>, folder: &Folder, database: Database) -> Self {
        let (file, log) = (folder.file("vestibule.toml"), folder.file("vestibule.log"));
        let text = config::to_toml(&with_database(config, &database));
        std::fs::write(&file, text).expect("a configuration file");
        let mut last = String::new();
        // Another test may take the free port before the server listens on it.
        for _ in 0..3 {
            let port = free_port();
            let output = File::create(&log).expect("a log file");
            let mut process = Command::new(env!("CARGO_BIN_EXE_vestibule"))
                .args([
                    "serve",
                    "--listen",
                    &format!("127.0.0.1:{port}"),
                    "--config",
                ])
                .arg(&file)
                .current_dir(folder.path())
                .env_clear()
                .stdin(Stdio::null())
                .stdout(output.try_clone().expect("one log"))
                .stderr(output)
                .spawn()
                .expect("the binary starts");
            if wait_until_ready(&mut process, port) {
                return Self {
                    port,
                    database,
                    log,
                    process,
                };
            }
            let _ = process.kill();
            let _ = process.wait();
            last = std::fs::read_to_string(&log).unwrap_or_default();
        }
        panic!("vestibule does not start:\n{last}");
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Vestibule {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

fn wait_until_ready(process: &mut Child, port: u16) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(120) {
        if process.try_wait().is_ok_and(|ended| ended.is_some()) {
            return false;
        }
        if Request::get("/readyz")
            .send(port)
            .is_ok_and(|answer| answer.status == 200)
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
