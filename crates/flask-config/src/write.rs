//! Writes the result: settings grouped by topic, and comments for what is not in force.

use std::fmt::Write as _;

use crate::target::Support;
use crate::toml_text::{self, short};
use crate::translate::{Entry, Outcome};

/// The headings, in the order of the file. The last one is for settings without another topic.
const TOPICS: [&str; 13] = [
    "Secrets: keep this file private.",
    "Database.",
    "Features.",
    "Passwords.",
    "Sessions and cookies.",
    "CSRF.",
    "CORS.",
    "Paths, and views of the app.",
    "Mail.",
    "Second factors, passkeys, providers.",
    "Messages.",
    "Without effect in vestibule.",
    "Other.",
];

/// The settings that enable a feature.
const FEATURES: [&str; 16] = [
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

/// The index of the heading in [`TOPICS`].
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
    } else if entry
        .setting
        .is_some_and(|known| known.support == Support::NoEffect)
    {
        11
    } else if name.starts_with("SQLALCHEMY_") || name.ends_with("_TABLE_NAME") {
        1
    } else if FEATURES.contains(&name) {
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

/// Only the settings in force, for a check by the target.
pub(crate) fn settings(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        if let Outcome::Set(value) = &entry.outcome {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} = {}", entry.found.name, toml_text::value(value));
        }
    }
    text
}

/// The file.
pub(crate) fn file(entries: &[Entry], source: &str, name: &str) -> String {
    let name = short(name);
    let mut text = format!(
        "# Converted from {name} by `vestibule config import`. `vestibule config check` shows the\n\
         # settings in force. An environment variable with the name of a setting overrides this file.\n"
    );
    let mut topics = TOPICS.map(|heading| (heading, String::new()));
    for entry in entries {
        if entry.outcome != Outcome::Foreign {
            let (_, lines) = &mut topics[topic(entry)];
            lines.push_str(&line(entry, source, &name));
        }
    }
    for (heading, lines) in &topics {
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
        text.push_str("\n# Not settings of vestibule, left out:\n");
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
                Some(value) if !entry.is_secret() && !value.trim().is_empty() => short(value),
                _ => "...".to_owned(),
            };
            format!("# {name} = {shown}\n#   {why} ({place})\n")
        }
        Outcome::Foreign => String::new(),
    }
}
