//! Input and output of commands. No other module prints.

#![expect(
    clippy::print_stderr,
    reason = "a command's output goes to its terminal"
)]

use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write as _};

use serde_json::Value;

use super::Failure;

/// Prints text and a line break to standard output. A closed pipe (`| head`) is not an error; any
/// other failure to write ends the process with status 1.
pub(super) fn say(line: &str) {
    match writeln!(io::stdout(), "{}", harmless(line, "\n")) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&format!("cannot write the result: {error}").into());
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Prints why a command failed to standard error.
pub fn complain(failure: &Failure) {
    eprintln!("vestibule: {}", failure.0);
}

/// Prints a remark that is not part of the command's result to standard error.
pub(super) fn remark(line: &str) {
    eprintln!("{}", harmless(line, "\n"));
}

/// Prints JSON to standard output.
pub(super) fn say_json(value: &Value) {
    say(&format!("{value:#}"));
}

/// Escapes control characters as JSON does, except those in `meant`: names come from users and
/// other programs, and must not contain escape sequences that control the terminal.
fn harmless(text: &str, meant: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !meant.contains(c) {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A cell of a table: a dash if the text is empty.
pub(super) fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

/// Prints a table with aligned columns.
pub(super) fn table(heading: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| harmless(cell, "")).collect())
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([heading[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        say(padded.join("  ").trim_end());
    };
    line(&mut heading.iter().copied());
    for row in &rows {
        line(&mut row.iter().map(String::as_str));
    }
}

/// The progress of a long command, on one line of standard error. Only a terminal shows it.
#[derive(Debug)]
pub(super) struct Progress(Option<&'static str>);

impl Progress {
    /// Starts to show progress. `things` names what is counted.
    pub(super) fn start(things: &'static str) -> Self {
        Self(io::stderr().is_terminal().then_some(things))
    }

    /// Shows that `done` of `all` things are done.
    pub(super) fn at(&self, done: i64, all: i64) {
        if let Some(things) = self.0 {
            eprint!("\r{done} of {all} {things}");
        }
    }

    /// Clears the line.
    pub(super) fn end(self) {
        if self.0.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

/// Asks the operator to type `expected`.
///
/// # Errors
/// When the operator types anything else, or standard input is not a terminal: a script has to use
/// `--yes`.
pub(super) fn confirm(question: &str, expected: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(
            "nothing was done: standard input is not a terminal; confirm with --yes".into(),
        );
    }
    eprint!("{}", harmless(question, ""));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    if line.trim_end_matches(['\r', '\n']) == expected {
        Ok(())
    } else {
        Err("nothing was done: the text that you typed does not match".into())
    }
}

/// Reads a new password: typed twice without echo, or one line from a pipe.
pub(super) fn new_password() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let password = line.trim_end_matches(['\r', '\n']).to_owned();
        if password.is_empty() {
            return Err("no password: give one with --password or on standard input".into());
        }
        return Ok(password);
    }
    let first = rpassword::prompt_password("Password: ")?;
    let second = rpassword::prompt_password("Repeat the password: ")?;
    if first == second {
        Ok(first)
    } else {
        Err("nothing was done: the two passwords differ".into())
    }
}
