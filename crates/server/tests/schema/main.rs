//! The OpenAPI document in the eyes of others: `openapi-spec-validator` reads it, and
//! schemathesis asks the real program whether its answers are those that it promises.

#![expect(
    clippy::unwrap_used,
    reason = "a test that does not get what it asks for ends there"
)]

mod promises;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod support;
mod valid;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The SPA configuration with everything on.
const EVERYTHING: &str = include_str!("../../../vestibule/tests/api/everything.toml");

/// A program of the Python environment that `scripts/test` makes.
fn python_program(name: &str) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema");
    let program: PathBuf = here.join(".venv/bin").join(name);
    assert!(
        program.exists(),
        "there is no {}\nMake it: python3 -m venv {here}/.venv && {here}/.venv/bin/pip install -r {here}/requirements.txt",
        program.display(),
        here = here.display()
    );
    Command::new(program)
}
