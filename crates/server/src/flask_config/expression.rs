//! Python's expressions, as far as configurations use them.

use super::literal::{Number, Text};

/// An expression, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    pub(super) shape: Shape,
    /// The line that it begins in.
    pub(super) line: usize,
    /// The first byte.
    pub(super) start: usize,
    /// The byte after the last.
    pub(super) end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Text(Text),
    Number(Number),
    Name(String),
    /// A list, a tuple or a set.
    Items(Vec<Item>),
    /// Members, each with its key; without one it is a table to take members from.
    Table(Vec<(Option<Expression>, Expression)>),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    /// Operands of one precedence, left to right.
    Chain(Box<Expression>, Vec<(&'static str, Expression)>),
    /// `a == b`, `a in b`.
    Compare(Box<Expression>, &'static str, Box<Expression>),
    Or(Vec<Expression>),
    And(Vec<Expression>),
    /// `a if condition else b`.
    Choice(Box<[Expression; 3]>),
    /// Something, and what is asked of it.
    Steps(Box<Expression>, Vec<Step>),
    /// Not a plain value, and why.
    Opaque(&'static str),
}

/// One member of a list or an argument.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// The name, of an argument that has one.
    pub(super) name: Option<String>,
    /// Whether it stands for its own items (`*a`, `**a`).
    pub(super) spread: bool,
    pub(super) value: Expression,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Attribute(String),
    Call(Vec<Item>),
    Index(Box<Expression>),
}
