//! The log: text lines for people, JSON for programs.
//!
//! The log never contains anything from a body, a cookie, a query string or an `Authorization`
//! header; a test searches the log of a whole run for every secret that it sent or received.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// Parses `VESTIBULE_LOG_FORMAT`.
    ///
    /// # Errors
    /// When there is no such format.
    pub fn named(name: &str) -> Result<Self, String> {
        match name.to_ascii_lowercase().as_str() {
            "text" | "" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!(
                "VESTIBULE_LOG_FORMAT: {other:?} is not a log format; use text or json"
            )),
        }
    }
}

/// Parses `VESTIBULE_LOG`.
///
/// # Errors
/// When it is not a valid filter.
pub fn filter(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(filter)
        .map_err(|error| format!("VESTIBULE_LOG: {filter:?} is not a log filter: {error}"))
}

/// Starts logging to standard error. `filter` is a level (`info`) or
/// `tracing_subscriber`'s directives (`info,vestibule=debug`).
///
/// # Errors
/// When the filter is invalid.
pub fn start(filter: &str, format: Format) -> Result<(), String> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(self::filter(filter)?)
        .with_target(false)
        .with_writer(std::io::stderr);
    // A second start in the same process, as in a test, keeps the first subscriber.
    let _ = match format {
        Format::Json => builder.json().flatten_event(true).try_init(),
        Format::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
    };
    Ok(())
}
