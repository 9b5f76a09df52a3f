//! Stored password hashes, grouped by what they cost to check.

use std::collections::BTreeMap;
use std::fmt;

use vestibule_formats::hash::{decoy_like, parameters};

/// A group of stored password hashes that cost the same to check.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordKind {
    /// The scheme and its parameters, as the hashes begin; empty for values that are not hashes.
    pub parameters: String,
    /// A hash that matches no password and costs as much to check; empty for values that are not
    /// hashes.
    pub decoy: String,
    /// How many there are.
    pub count: u64,
}

impl fmt::Debug for PasswordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordKind")
            .field("parameters", &self.parameters)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// Counts hashes by what they cost. Keeps only the beginning of a hash, never the rest.
#[derive(Debug, Default)]
pub(crate) struct Kinds(BTreeMap<String, PasswordKind>);

impl Kinds {
    /// Counts `count` hashes that cost the same as this one.
    pub(crate) fn add(&mut self, hash: &str, count: u64) {
        let parameters = parameters(hash);
        if let Some(kind) = self.0.get_mut(parameters) {
            kind.count += count;
            return;
        }
        let decoy = if parameters.is_empty() {
            String::new()
        } else {
            decoy_like(hash)
        };
        let kind = PasswordKind {
            parameters: parameters.to_owned(),
            decoy,
            count,
        };
        self.0.insert(parameters.to_owned(), kind);
    }

    pub(crate) fn all(self) -> Vec<PasswordKind> {
        self.0.into_values().collect()
    }
}
