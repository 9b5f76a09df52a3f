//! What a file sets: names, values, and where.

use std::collections::{HashMap, HashSet};

use super::expression::Expression;
use super::value::Value;

/// How a setting is written, in the order in which the later one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// `NAME = value` in the file itself.
    Plain,
    /// The same in a class.
    Class(usize),
    /// `app.config[...]` and its like.
    Config,
}

/// A setting as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) way: Way,
    /// What has to be for it to hold, such as "the if in line 3".
    pub(super) condition: Option<String>,
    /// The line.
    pub(super) line: usize,
    /// Where the value stands in the file, in bytes.
    pub(super) span: (usize, usize),
}

impl Found {
    pub(super) fn new(name: String, value: Value, way: Way, at: &Expression) -> Self {
        Self {
            name,
            value,
            way,
            condition: None,
            line: at.line,
            span: (at.start, at.end),
        }
    }
}

/// A class, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) name: String,
    /// Classes of the same file that it inherits from, in their order.
    pub(super) bases: Vec<usize>,
}

/// Everything that a file says about the configuration.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// In the order of the file.
    pub(super) found: Vec<Found>,
    pub(super) classes: Vec<Class>,
    /// The classes that the file itself gives to `from_object`.
    pub(super) chosen: Vec<usize>,
    /// What is not followed, with its line.
    pub(super) unread: Vec<(usize, String)>,
    /// Every name that is found.
    pub(super) names: HashSet<String>,
    /// The last class of each name.
    pub(super) class_index: HashMap<String, usize>,
}

impl Contents {
    pub(super) fn add(&mut self, found: Found) {
        self.names.insert(found.name.clone());
        self.found.push(found);
    }

    pub(super) fn add_class(&mut self, class: Class) {
        self.class_index
            .insert(class.name.clone(), self.classes.len());
        self.classes.push(class);
    }
}
