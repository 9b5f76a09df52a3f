//! Why a mail could not be rendered.

use std::error::Error as _;
use std::path::Path;

use super::folder;

/// A template that is broken or missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub(crate) struct RenderError {
    /// The file in the folder, or the name of a built-in one.
    file: String,
    /// The line, counted from one; 0 stands for the whole file.
    line: usize,
    /// The template engine's description of the error. Never contains a value.
    what: String,
}

impl RenderError {
    /// The error and its location. If a template includes another, the location is in the included
    /// one.
    pub(super) fn new(error: &minijinja::Error, asked: &str, folder: Option<&Path>) -> Self {
        let mut innermost = error;
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(inner) = inner.downcast_ref::<minijinja::Error>()
                && inner.name().is_some()
            {
                innermost = inner;
            }
            source = inner.source();
        }
        let name = innermost.name().unwrap_or(asked);
        let own = folder
            .and_then(|folder| folder::path_of(folder, name))
            .filter(|path| path.exists());
        let what = innermost.detail().map_or_else(
            || innermost.kind().to_string(),
            |detail| format!("{}: {detail}", innermost.kind()),
        );
        Self {
            file: own.map_or_else(|| name.to_owned(), |path| path.display().to_string()),
            line: innermost.line().unwrap_or(0),
            what,
        }
    }
}
