//! The conversion from beginning to end.

use thiserror::Error;

use crate::choice::{self, Choice};
use crate::lexer;
use crate::reader;
use crate::target::{Problem, Support, Target};
use crate::toml_text::short;
use crate::translate::{Entry, Outcome, translate};
use crate::write;

/// The size of the largest file that is read, in bytes.
pub const LARGEST: usize = 1024 * 1024;

/// The number of unknown names that get a suggestion: each is compared with every known name.
const SUGGESTIONS: usize = 50;

/// The result of a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The configuration as TOML.
    pub toml: String,
    /// Remarks for the operator, one line each.
    pub remarks: Vec<String>,
}

/// Why a file cannot be converted at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    /// The file has more than [`LARGEST`] bytes.
    #[error("is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// The file is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// A bracket or a string has no end. Python refuses the file, too, and it is unclear which
    /// settings would belong to the unclosed part.
    #[error("a {what} opened on line {line} is never closed")]
    Unclosed {
        /// "bracket" or "string".
        what: &'static str,
        /// Where it begins.
        line: usize,
    },
    /// The file has no class with the requested name.
    #[error("has no class {}; {}", short(.class), known_classes(.known))]
    NoSuchClass {
        /// The requested name.
        class: String,
        /// The classes of the file that have settings.
        known: Vec<String>,
    },
}

fn known_classes(known: &[String]) -> String {
    match known {
        [] => "none of its classes has settings".to_owned(),
        known => format!("its classes with settings are {}", short(&known.join(", "))),
    }
}

/// Converts the bytes of a Flask configuration. `name` is the name of the file, for messages.
/// `class` names the class whose settings apply, which is necessary if several classes have
/// settings.
///
/// # Errors
/// If the file is too large or not UTF-8, a bracket or a string has no end, or there is no such
/// class.
pub fn import(
    file: &[u8],
    name: &str,
    class: Option<&str>,
    target: &dyn Target,
) -> Result<Import, ImportError> {
    if file.len() > LARGEST {
        return Err(ImportError::TooLarge);
    }
    let source = std::str::from_utf8(file).map_err(|_| ImportError::NotUtf8)?;
    let lexed = lexer::lex(source);
    if let Some((what, line)) = lexed.unclosed {
        return Err(ImportError::Unclosed { what, line });
    }
    let contents = reader::read(&lexed.tokens, &|name| target.setting(name).is_some());
    drop(lexed);
    let choice = choice::choose(&contents, class)?;
    let unread = contents.unread;
    Ok(convert(choice, unread, source, name, target))
}

fn convert(
    choice: Choice,
    unread: Vec<(usize, String)>,
    source: &str,
    name: &str,
    target: &dyn Target,
) -> Import {
    let chosen = choice.chosen.into_iter();
    let mut entries: Vec<Entry> = chosen.map(|found| translate(found, target)).collect();
    let mut missing = withdraw_refused(&mut entries, target);
    // The environment provides these when the server starts: a generated secret would be wrong.
    missing.retain(|problem| {
        !entries.iter().any(|entry| {
            entry.found.name == problem.setting && entry.outcome == Outcome::Environment
        })
    });
    for entry in &mut entries {
        if entry.has_support(Support::NotServed) {
            entry.notes.push("not served by this version".to_owned());
        }
    }
    let unknown = entries.iter_mut().filter(|entry| entry.setting.is_none());
    unknown
        .take(SUGGESTIONS)
        .for_each(|entry| suggest(entry, target));
    let aside = choice.aside.into_iter();
    entries.extend(
        aside
            .map(|(found, why)| Entry::aside(target.setting(&found.name), found, why))
            .filter(|entry| entry.setting.is_some() || entry.found.name.starts_with("SECURITY_")),
    );
    entries.sort_by_key(|entry| (entry.found.line, entry.found.span));
    Import {
        remarks: remarks(&entries, unread, choice.remark, &missing, name),
        toml: write::file(&entries, source, name),
    }
}

fn remarks(
    entries: &[Entry],
    unread: Vec<(usize, String)>,
    of_choice: Option<String>,
    missing: &[Problem],
    name: &str,
) -> Vec<String> {
    let mut of_lines: Vec<(usize, String)> = unread;
    for entry in entries {
        let remarks = entry.remarks.iter();
        of_lines.extend(remarks.map(|remark| (entry.found.line, remark.clone())));
    }
    of_lines.sort();
    of_lines.dedup();
    let file = short(name);
    let mut remarks: Vec<String> = of_lines
        .into_iter()
        .map(|(line, remark)| format!("{file}:{line}: {}", one_line(&remark)))
        .collect();
    let of_file = |remark: &dyn std::fmt::Display| format!("{file}: {remark}");
    remarks.extend(of_choice.map(|remark| of_file(&remark)));
    for (support, words) in [
        (Support::NotServed, "kept, but not served by this version"),
        (Support::NoEffect, "kept, but without effect in vestibule"),
    ] {
        let names: Vec<&str> = entries
            .iter()
            .filter(|entry| entry.has_support(support))
            .map(|entry| entry.found.name.as_str())
            .collect();
        if !names.is_empty() {
            remarks.push(of_file(&format!("{words}: {}", names.join(", "))));
        }
    }
    remarks.extend(
        missing
            .iter()
            .map(|problem| of_file(&format!("before the server can start: {problem}"))),
    );
    remarks
}

/// A remark can quote strings of the file, which must not begin another line or give orders to a
/// terminal.
fn one_line(remark: &str) -> String {
    remark.trim().replace(char::is_control, " ")
}

/// Withdraws every setting that the target would refuse to start with. Returns the problems that
/// remain: those of settings that the file does not have.
fn withdraw_refused(entries: &mut [Entry], target: &dyn Target) -> Vec<Problem> {
    loop {
        let problems = target.problems(&write::settings(entries));
        let mut any = false;
        for problem in &problems {
            let refused = entries.iter_mut().find(|entry| {
                entry.found.name == problem.setting && matches!(entry.outcome, Outcome::Set(_))
            });
            if let Some(entry) = refused {
                entry.withdraw(format!("{}; {}", problem.what, problem.fix));
                any = true;
            }
        }
        if !any {
            return problems;
        }
    }
}

/// Suggests the known name that the author of an unknown one may have meant. Flask ignores unknown
/// names silently.
fn suggest(entry: &mut Entry, target: &dyn Target) {
    let name = &entry.found.name;
    if let Some(nearest) = target.nearest(name) {
        let why = format!("is not a setting; did you mean {nearest}?");
        entry.remarks = vec![format!("{name}: {why}")];
        if entry.outcome != Outcome::Foreign {
            entry.outcome = Outcome::Aside(why);
        }
    }
}
