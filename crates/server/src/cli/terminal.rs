//! Talking to whoever runs a command. The only place that prints.

#![expect(
    clippy::print_stderr,
    reason = "a command's output goes to its terminal"
)]

use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write as _};

use serde_json::Value;

use super::Failure;

/// One line on standard output, or more. Whoever stops reading (`| head`) has what they
/// wanted; a result that could not be written otherwise is a failure.
pub(super) fn say(line: &str) {
    match writeln!(io::stdout(), "{}", harmless(line, "\n")) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&format!("cannot write the result: {error}").into());
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Why a command failed, on standard error.
pub fn complain(failure: &Failure) {
    eprintln!("vestibule: {}", failure.0);
}

/// A remark that is not the command's result.
pub(super) fn remark(line: &str) {
    eprintln!("{}", harmless(line, "\n"));
}

/// JSON on standard output.
pub(super) fn say_json(value: &Value) {
    say(&format!("{value:#}"));
}

/// Names are of other people's choice and must not give orders to the terminal: control
/// characters are written as JSON writes them, but for those that are meant.
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

/// A cell of a table, which says so when there is nothing.
pub(super) fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

/// Rows under a heading, in columns as wide as they need to be.
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

/// How far a long command has come, on one line of a terminal; nothing where nobody looks.
#[derive(Debug)]
pub(super) struct Progress(Option<&'static str>);

impl Progress {
    /// Counts these things.
    pub(super) fn start(things: &'static str) -> Self {
        Self(io::stderr().is_terminal().then_some(things))
    }

    /// So many of so many.
    pub(super) fn at(&self, done: i64, all: i64) {
        if let Some(things) = self.0 {
            eprint!("\r{done} of {all} {things}");
        }
    }

    /// Takes the line back.
    pub(super) fn end(self) {
        if self.0.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

/// Goes on only if a text is typed as it is asked for. A program has to say what it wants
/// beforehand.
pub(super) fn confirm(question: &str, expected: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err("nothing was done: with --yes nobody is asked".into());
    }
    eprint!("{}", harmless(question, ""));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    if line.trim_end_matches(['\r', '\n']) == expected {
        Ok(())
    } else {
        Err("nothing was done: that was something else".into())
    }
}

/// A new password: typed twice without echo, or one line from a pipe.
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
    let second = rpassword::prompt_password("Again: ")?;
    if first == second {
        Ok(first)
    } else {
        Err("the two passwords differ".into())
    }
}
