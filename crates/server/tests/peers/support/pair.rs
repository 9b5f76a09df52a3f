//! Both servers with the same configuration on one shared database.

use std::process::Command;

use serde_json::Value;

use super::config;
use super::folder::Folder;
use super::peer::{Reference, Vestibule, fresh_database};

/// Our server and the reference on the same database.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) ours: Vestibule,
    pub(crate) theirs: Reference,
    folder: Folder,
}

impl Pair {
    /// Starts both in the single-page-app configuration with these keys changed.
    pub(crate) fn start(name: &str, changes: &Value) -> Self {
        let folder = Folder::new(name);
        let config = config::spa_with(changes);
        let database = fresh_database(folder.file("shared.db"));
        let ours = Vestibule::start(&config, &folder, database.clone());
        let theirs = Reference::start(&config, &folder, database);
        Self {
            ours,
            theirs,
            folder,
        }
    }

    /// Runs our command line with the same configuration, and returns its output.
    ///
    /// # Panics
    ///
    /// If the command fails.
    pub(crate) fn run_ours(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .arg("--config")
            .arg(self.folder.file("vestibule.toml"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .output()
            .expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }
}
