//! The syntax tree of a Python expression, as far as configurations need it.

use crate::literal::{Number, StringLiteral};

/// An expression and its position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression {
    pub(crate) shape: Shape,
    /// The line on which it begins.
    pub(crate) line: usize,
    /// Its first byte in the file.
    pub(crate) start: usize,
    /// The byte after the last.
    pub(crate) end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Str(StringLiteral),
    Number(Number),
    Name(String),
    /// A list, a tuple or a set.
    Items(Vec<Item>),
    /// A dict. A member without a key is a dict that is unpacked (`**a`).
    Dict(Vec<(Option<Expression>, Expression)>),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    /// Operators of one precedence, from left to right.
    Chain(Box<Expression>, Vec<(&'static str, Expression)>),
    /// `a == b`, `a in b`.
    Compare(Box<Expression>, &'static str, Box<Expression>),
    Or(Vec<Expression>),
    And(Vec<Expression>),
    /// `a if condition else b`.
    Choice(Box<[Expression; 3]>),
    /// An expression and what follows it: attributes, calls, indices.
    Steps(Box<Expression>, Vec<Step>),
    /// An expression that is not evaluated, and the reason.
    Opaque(&'static str),
}

/// An item of a list, or an argument.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    /// The name of a keyword argument.
    pub(crate) name: Option<String>,
    /// Whether it is unpacked (`*a`, `**a`).
    pub(crate) spread: bool,
    pub(crate) value: Expression,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Attribute(String),
    Call(Vec<Item>),
    Index(Box<Expression>),
}
