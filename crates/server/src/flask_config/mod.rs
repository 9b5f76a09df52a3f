//! `config import`: a Flask configuration, which is a Python file, as a configuration of ours.
//!
//! The file is read and never run. `lexer` and `parser` know Python's texts, numbers, lists and
//! tables; `reader` and `assign` find what the file sets, under which condition and in which
//! class; `evaluate` and `calls` work out the little that can be; `choice` says which of several
//! values holds; `translate` makes one setting of ours of each, and `write` the file.
//! What cannot be read is said and left out, never guessed. The time taken grows with the
//! length of the file. Only what is never closed stops it, since nobody knows what belongs to it.

mod assign;
mod calls;
mod choice;
mod evaluate;
mod expression;
mod found;
mod lexer;
mod literal;
mod parser;
mod precedence;
mod reader;
mod toml_text;
mod translate;
mod value;
mod write;

#[cfg(test)]
mod tests;

use vestibule::program::keys::{self, Status};
use vestibule::program::rng::SystemRandom;
use vestibule::program::{Listening, Loaded, Problem, Settings, Sources};

use crate::data_folder;
use toml_text::short;
use translate::{Entry, Outcome, is_known, key, translate};

/// The largest file that is read, in bytes.
pub const LARGEST: usize = 1024 * 1024;

/// How many names are compared with all that are known.
const HINTS: usize = 50;

/// A configuration of ours, made from one of Flask's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The configuration.
    pub toml: String,
    /// What is to know about it, one line each.
    pub remarks: Vec<String>,
}

/// Reads the text of a Flask configuration; `name` is the file's, for messages, and `class` the
/// class in it that holds, if there are several.
///
/// # Errors
/// When there is no such class, or a bracket or a text has no end.
pub fn import(source: &str, name: &str, class: Option<&str>) -> Result<Import, String> {
    if let Some(why) = lexer::unclosed(source) {
        return Err(why);
    }
    whole(source, name, class)
}

/// The same, whatever the text is.
fn whole(source: &str, name: &str, class: Option<&str>) -> Result<Import, String> {
    let contents = reader::read(source);
    let choice = choice::settle(&contents, class)?;
    let mut entries: Vec<Entry> = choice.chosen.into_iter().map(translate).collect();
    let mut to_do = withdraw_refused(&mut entries);
    // What the environment says is there when it is needed, and a new one would be the wrong one.
    to_do.retain(|problem| {
        let is_it = |entry: &Entry| entry.found.name == problem.key;
        let elsewhere = |entry: &Entry| entry.outcome == Outcome::Environment;
        !entries.iter().any(|entry| is_it(entry) && elsewhere(entry))
    });
    for entry in &mut entries {
        let is_late = key(entry).is_some_and(|key| key.status == Status::NotYet);
        if is_late && matches!(entry.outcome, Outcome::Set(_)) {
            entry.notes.push("not served by this version".to_owned());
        }
    }
    let unknown = entries
        .iter_mut()
        .filter(|entry| !is_known(&entry.found.name));
    unknown.take(HINTS).for_each(hint);
    let aside = choice.aside.into_iter();
    entries.extend(
        aside
            .filter(|(found, _)| is_known(&found.name) || found.name.starts_with("SECURITY_"))
            .map(|(found, why)| Entry::aside(found, why)),
    );
    entries.sort_by_key(|entry| (entry.found.line, entry.found.span));

    let mut said: Vec<(usize, String)> = contents.unread;
    for entry in &entries {
        let remarks = entry.remarks.iter();
        said.extend(remarks.map(|remark| (entry.found.line, remark.clone())));
    }
    said.sort();
    said.dedup();
    let file = short(name);
    let mut remarks: Vec<String> = said
        .into_iter()
        .map(|(line, remark)| format!("{file}:{line}: {}", remark.trim()))
        .collect();
    let whole = |remark: &dyn std::fmt::Display| format!("{file}: {remark}");
    remarks.extend(choice.remark.map(|remark| whole(&remark)));
    for (status, words) in [
        (Status::NotYet, "kept, but not served by this version"),
        (Status::NoMeaning, "kept, but without a meaning here"),
    ] {
        let names: Vec<&str> = entries
            .iter()
            .filter(|entry| matches!(entry.outcome, Outcome::Set(_)))
            .filter(|entry| key(entry).is_some_and(|key| key.status == status))
            .map(|entry| entry.found.name.as_str())
            .collect();
        if !names.is_empty() {
            remarks.push(whole(&format!("{words}: {}", names.join(", "))));
        }
    }
    remarks.extend(
        to_do
            .iter()
            .map(|problem| whole(&format!("before it can start: {problem}"))),
    );
    Ok(Import {
        toml: write::file(&entries, source, name),
        remarks,
    })
}

/// Takes out what the program would refuse to start with. What is left to do is something that
/// the file does not have.
fn withdraw_refused(entries: &mut [Entry]) -> Vec<Problem> {
    loop {
        let problems = problems(&write::settings(entries));
        let mut any = false;
        for problem in &problems {
            let refused = entries.iter_mut().find(|entry| {
                entry.found.name == problem.key && matches!(entry.outcome, Outcome::Set(_))
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

/// What the program would say to these settings on a machine of its own.
fn problems(settings: &str) -> Vec<Problem> {
    let kept = data_folder::fresh_secrets(&SystemRandom);
    let read = |kept| {
        Loaded::read(&Sources {
            file: Some(settings),
            environment: &[],
            kept,
            read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
        })
    };
    // It makes secrets of its own for a database of its own only.
    let loaded = match read(None) {
        Ok(loaded) if loaded.is_set("SQLALCHEMY_DATABASE_URI") => Ok(loaded),
        _ => read(Some(&kept)),
    };
    match loaded.and_then(|loaded| Settings::new(&loaded, Listening::Local)) {
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    }
}

/// Names what may be meant by a name that is not known, which Flask passes over.
fn hint(entry: &mut Entry) {
    let name = &entry.found.name;
    if let Some(nearest) = keys::nearest(name) {
        let why = format!("is not a setting; did you mean {nearest}?");
        entry.remarks = vec![format!("{name}: {why}")];
        if entry.outcome != Outcome::Foreign {
            entry.outcome = Outcome::Aside(why);
        }
    }
}
