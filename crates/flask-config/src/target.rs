//! The interface to the program that the configuration is for.

use std::fmt;

/// The settings of the program that the configuration is for.
pub trait Target {
    /// The setting with this name, if the program has one.
    fn setting(&self, name: &str) -> Option<Setting>;

    /// The known name that is most similar to an unknown one, if any is similar enough to suggest.
    fn nearest(&self, name: &str) -> Option<String>;

    /// Checks one setting by itself. `line` is its assignment as TOML.
    ///
    /// # Errors
    /// A sentence without its subject that says why the program refuses the value.
    fn check(&self, line: &str) -> Result<(), String>;

    /// Every problem that would keep the program from starting with this configuration.
    fn problems(&self, toml: &str) -> Vec<Problem>;
}

/// A setting that the program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The type of its values.
    pub kind: Kind,
    /// Whether its values are secret. Secret values are written only if they are in force.
    pub is_secret: bool,
    /// Whether the program acts on it.
    pub support: Support,
}

/// The types of values that are converted in a way of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A boolean. Python also accepts 0 and 1.
    Flag,
    /// A whole number. Python also accepts a float without a fraction.
    Integer,
    /// `SECURITY_USER_IDENTITY_ATTRIBUTES`, whose mappers are Python functions.
    Identities,
    /// Any other type.
    Other,
}

/// Whether the program acts on a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Served,
    /// This version does not; a later one may.
    NotServed,
    /// It has no effect in the program and never will.
    NoEffect,
}

/// Why the program would not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The name of the setting.
    pub setting: String,
    /// What is wrong: a sentence without its subject.
    pub what: String,
    /// How to fix it.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.setting, self.what, self.fix)
    }
}
