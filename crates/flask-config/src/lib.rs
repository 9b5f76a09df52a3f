//! Converts a Flask configuration, which is a Python file, into a TOML configuration.
//!
//! The file is read and never run. Anything that this crate cannot read is reported and left out,
//! never guessed. The crate knows Python and Flask; the program that the result is for describes
//! its settings as a [`Target`].
//!
//! The modules, in the order in which a file passes through them:
//!
//! - `lexer` and `literal` split the text into tokens, `parser` and `precedence` turn the tokens of
//!   a statement into an `expression`.
//! - `reader` and `assign` find the assignments of settings, with their class and the condition
//!   that they depend on. `evaluate` and `calls` compute each `value`, as far as that is possible.
//! - `choice` selects one assignment for each name, `translate` converts it to TOML, and `write`
//!   writes the file.
//!
//! Any input is safe: nesting is bounded, and time and memory grow with the length of the file,
//! which is at most [`LARGEST`] bytes.

mod assign;
mod assignment;
mod calls;
mod choice;
mod evaluate;
mod expression;
mod import;
mod lexer;
mod literal;
mod parser;
mod precedence;
mod reader;
mod target;
mod toml_text;
mod translate;
mod value;
mod write;

pub use import::{Import, ImportError, LARGEST, import};
pub use target::{Kind, Problem, Setting, Support, Target};
