//! Talking to whoever runs a command. The only place that prints.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command's output goes to its terminal"
)]

use std::io::{self, BufRead as _, IsTerminal as _};

use super::Failure;

/// One line on standard output.
pub(super) fn say(line: &str) {
    println!("{line}");
}

/// Why a command failed, on standard error.
pub fn complain(failure: &Failure) {
    eprintln!("vestibule: {}", failure.0);
}

/// A remark that is not the command's result.
pub(super) fn remark(line: &str) {
    eprintln!("{line}");
}

/// Rows under a heading, in columns as wide as they need to be.
pub(super) fn table(heading: &[&str], rows: &[Vec<String>]) {
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
    for row in rows {
        line(&mut row.iter().map(String::as_str));
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
