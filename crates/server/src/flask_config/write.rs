//! The configuration as a file: settings by topic, and as comments what is not in force.

use std::fmt::Write as _;

use vestibule::program::keys::Status;

use super::toml_text::{self, short};
use super::translate::{Entry, Outcome, is_secret, key};

/// Topics, in the order of the file; the last one is for what is left.
const TOPICS: [&str; 13] = [
    "Secrets: keep this file from others.",
    "The database.",
    "What users can do.",
    "Passwords.",
    "Sessions and cookies.",
    "CSRF.",
    "Other origins.",
    "Paths, and views of the app.",
    "Mail.",
    "Second factors, passkeys, providers.",
    "Texts.",
    "Without a meaning here.",
    "More.",
];

/// The switches of what users can do.
const SWITCHES: [&str; 16] = [
    "SECURITY_REGISTERABLE",
    "SECURITY_CONFIRMABLE",
    "SECURITY_RECOVERABLE",
    "SECURITY_CHANGEABLE",
    "SECURITY_TRACKABLE",
    "SECURITY_PASSWORDLESS",
    "SECURITY_CHANGE_EMAIL",
    "SECURITY_CHANGE_USERNAME",
    "SECURITY_USERNAME_ENABLE",
    "SECURITY_USERNAME_RECOVERY",
    "SECURITY_USER_IDENTITY_ATTRIBUTES",
    "SECURITY_UNIFIED_SIGNIN",
    "SECURITY_TWO_FACTOR",
    "SECURITY_MULTI_FACTOR_RECOVERY_CODES",
    "SECURITY_WEBAUTHN",
    "SECURITY_OAUTH_ENABLE",
];

fn topic(entry: &Entry) -> usize {
    const SECRETS: [&str; 5] = [
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "SECURITY_PASSWORD_SALT",
        "SECURITY_TOTP_SECRETS",
        "WTF_CSRF_SECRET_KEY",
    ];
    let name = entry.found.name.as_str();
    let begins = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if SECRETS.contains(&name) {
        0
    } else if key(entry).is_some_and(|key| key.status == Status::NoMeaning) {
        11
    } else if name.starts_with("SQLALCHEMY_") || name.ends_with("_TABLE_NAME") {
        1
    } else if SWITCHES.contains(&name) {
        2
    } else if name.starts_with("SECURITY_MSG_") {
        10
    } else if begins(&["CORS_"]) {
        6
    } else if has(&["CSRF"]) {
        5
    } else if begins(&["MAIL_", "SECURITY_EMAIL_", "SECURITY_SEND_"])
        || has(&["_SUBJECT", "_EMAIL_TEMPLATE"])
    {
        8
    } else if has(&[
        "TWO_FACTOR",
        "MULTI_FACTOR",
        "SECURITY_US_",
        "SECURITY_WAN_",
    ]) || has(&["OAUTH", "_CLIENT_", "SMS", "TOTP", "PHONE"])
    {
        9
    } else if has(&["_VIEW", "_URL", "REDIRECT"]) {
        7
    } else if begins(&["SESSION_", "REMEMBER_", "PERMANENT_"]) || has(&["_COOKIE"]) {
        4
    } else if has(&["PASSWORD", "HASHING"]) {
        3
    } else {
        12
    }
}

/// The lines that set something, and nothing else.
pub(super) fn settings(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        if let Outcome::Set(value) = &entry.outcome {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{} = {}", entry.found.name, toml_text::value(value));
        }
    }
    text
}

/// The whole file.
pub(super) fn file(entries: &[Entry], source: &str, name: &str) -> String {
    let name = short(name);
    let mut text = format!(
        "# Taken over from {name} by `vestibule config import`. `vestibule config check` shows what is\n\
         # in force; variables of the environment that are named as settings win over this file.\n"
    );
    for (number, heading) in TOPICS.iter().enumerate() {
        let mut lines = String::new();
        for entry in entries {
            if entry.outcome != Outcome::Foreign && topic(entry) == number {
                lines.push_str(&line(entry, source, &name));
            }
        }
        if !lines.is_empty() {
            let _ = write!(text, "\n# {heading}\n{lines}");
        }
    }
    let foreign: Vec<String> = entries
        .iter()
        .filter(|entry| entry.outcome == Outcome::Foreign)
        .map(|entry| format!("{} (line {})", entry.found.name, entry.found.line))
        .collect();
    if !foreign.is_empty() {
        text.push_str("\n# Not ours, and left out:\n");
        for name in foreign {
            let _ = writeln!(text, "#   {name}");
        }
    }
    text
}

fn line(entry: &Entry, source: &str, file: &str) -> String {
    let name = &entry.found.name;
    let notes = entry.notes.join("; ");
    let place = format!("{file}:{}", entry.found.line);
    match &entry.outcome {
        Outcome::Set(value) if notes.is_empty() => {
            format!("{name} = {}\n", toml_text::value(value))
        }
        Outcome::Set(value) => {
            format!(
                "{name} = {}   # {}\n",
                toml_text::value(value),
                short(&notes)
            )
        }
        Outcome::Environment => format!("# {name}: {} ({place})\n", short(&notes)),
        Outcome::Aside(why) => {
            let why = short(why);
            let (start, end) = entry.found.span;
            let shown = match source.get(start..end) {
                Some(value) if !is_secret(name) && !value.trim().is_empty() => short(value),
                _ => "...".to_owned(),
            };
            format!("# {name} = {shown}\n#   {why} ({place})\n")
        }
        Outcome::Foreign => String::new(),
    }
}
