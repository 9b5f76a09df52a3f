//! The assignments of settings in a file.

use std::collections::{HashMap, HashSet};

use crate::expression::Expression;
use crate::value::Value;

/// The place of an assignment. A later scope overrides an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// `NAME = value` in the module.
    Module,
    /// `NAME = value` in a class, given by its index in [`Contents::classes`].
    Class(usize),
    /// `app.config[...]` and its equivalents.
    AppConfig,
}

/// The assignment of one setting.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) scope: Scope,
    /// What the assignment depends on, such as "the `if` on line 3".
    pub(crate) condition: Option<String>,
    pub(crate) line: usize,
    /// The position of the value in the file, in bytes.
    pub(crate) span: (usize, usize),
}

impl Assignment {
    pub(crate) fn new(name: String, value: Value, scope: Scope, at: &Expression) -> Self {
        Self {
            name,
            value,
            scope,
            condition: None,
            line: at.line,
            span: (at.start, at.end),
        }
    }
}

/// A class and its base classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) name: String,
    /// The beginning of the name, for messages.
    pub(crate) label: String,
    /// The base classes that the same file defines, in their order.
    pub(crate) bases: Vec<usize>,
}

/// Everything in a file that concerns the configuration.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// In the order of the file.
    pub(crate) found: Vec<Assignment>,
    pub(crate) classes: Vec<Class>,
    /// The classes that the file itself passes to `from_object`.
    pub(crate) chosen: Vec<usize>,
    /// Statements that set something that is not read: line and reason.
    pub(crate) unread: Vec<(usize, String)>,
    /// The name of every assignment.
    pub(crate) names: HashSet<String>,
    /// The last class of each name.
    pub(crate) class_index: HashMap<String, usize>,
}

impl Contents {
    pub(crate) fn add(&mut self, found: Assignment) {
        self.names.insert(found.name.clone());
        self.found.push(found);
    }

    pub(crate) fn add_class(&mut self, class: Class) {
        self.class_index
            .insert(class.name.clone(), self.classes.len());
        self.classes.push(class);
    }
}
