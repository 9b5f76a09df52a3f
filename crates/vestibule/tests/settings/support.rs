//! Helpers that load a configuration and return its problems.

use vestibule::program::{Listening, Loaded, Settings, Sources};

/// The settings that every configuration needs.
pub(crate) const SECRETS: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "a salt for tests"
"#;

/// The problems of a configuration, one line each.
pub(crate) fn problems(lines: &str, listening: Listening) -> Vec<String> {
    let text = if lines.contains("SECRET_KEY =") {
        lines.to_owned()
    } else {
        format!("{SECRETS}{lines}")
    };
    let sources = Sources {
        file: Some(&text),
        environment: &[],
        kept: None,
        read_file: &|path| std::fs::read_to_string(path),
    };
    Loaded::read(&sources)
        .and_then(|loaded| Settings::new(&loaded, listening))
        .map(drop)
        .map_or_else(
            |problems| problems.iter().map(ToString::to_string).collect(),
            |()| Vec::new(),
        )
}

/// The problems of a configuration for a server that only its own machine can reach.
pub(crate) fn local(lines: &str) -> Vec<String> {
    problems(lines, Listening::Local)
}
