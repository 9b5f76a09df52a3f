//! Checks the OpenAPI document with other tools: `openapi-spec-validator` validates it, and
//! schemathesis compares the answers of the real program with it.

#![expect(clippy::unwrap_used, reason = "a test may panic when a step fails")]

mod promises;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod support;
mod valid;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The single-page-app configuration with every feature enabled.
const EVERYTHING: &str = include_str!("../../../vestibule/tests/api/everything.toml");

/// A program from the Python environment that `scripts/test` creates.
fn python_program(name: &str) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema");
    let program: PathBuf = here.join(".venv/bin").join(name);
    assert!(
        program.exists(),
        "{} does not exist\nCreate it: python3 -m venv {here}/.venv && {here}/.venv/bin/pip install -r {here}/requirements.txt",
        program.display(),
        here = here.display()
    );
    Command::new(program)
}
