//! Reads lines and blocks, and finds the condition, class and function that each statement belongs
//! to.

use crate::assignment::{Class, Contents};
use crate::evaluate::Names;
use crate::expression::Shape;
use crate::lexer::{Kind, Token};
use crate::parser::{AUGMENTED, Parser};
use crate::toml_text::short;
use crate::value::{NOT_EVALUATED, Value};

/// The kind of a block.
#[derive(Debug)]
enum Block {
    /// Its statements always run: `with`, `try`, `if __name__ == "__main__"`.
    Plain,
    /// Its statements may not run, or run more than once.
    Condition(String),
    Class(usize),
    Function,
}

/// Reads a file from its first line to its last.
pub(crate) struct Reader<'s> {
    /// Whether a name is a setting of the target.
    pub(crate) is_setting: &'s dyn Fn(&str) -> bool,
    pub(crate) names: Names,
    pub(crate) contents: Contents,
    blocks: Vec<Block>,
    /// The number of open blocks that are conditions, and functions.
    conditions: usize,
    functions: usize,
    /// The block that begins if the next line is indented.
    next: Option<Block>,
}

/// Reads the tokens of a file. `is_setting` says whether the target has a setting of this name.
pub(crate) fn read(tokens: &[Token<'_>], is_setting: &dyn Fn(&str) -> bool) -> Contents {
    let mut reader = Reader {
        is_setting,
        names: Names::new(tokens.len()),
        contents: Contents::default(),
        blocks: Vec::new(),
        conditions: 0,
        functions: 0,
        next: None,
    };
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        match first.kind {
            Kind::Newline => rest = after,
            Kind::Indent => {
                let block = reader.next.take().unwrap_or(Block::Plain);
                reader.enter(block);
                rest = after;
            }
            Kind::Dedent => {
                reader.leave();
                rest = after;
            }
            _ => {
                let ends = |token: &Token<'_>| {
                    matches!(token.kind, Kind::Newline | Kind::Indent | Kind::Dedent)
                };
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                let (line, after) = rest.split_at(length);
                reader.line(line);
                rest = after;
            }
        }
    }
    reader.contents
}

impl Reader<'_> {
    fn enter(&mut self, block: Block) {
        match block {
            Block::Plain => {}
            Block::Condition(_) => self.conditions += 1,
            Block::Class(_) => self.names.enter(),
            Block::Function => {
                self.functions += 1;
                self.names.enter();
            }
        }
        self.blocks.push(block);
    }

    fn leave(&mut self) {
        match self.blocks.pop() {
            None | Some(Block::Plain) => {}
            Some(Block::Condition(_)) => self.conditions -= 1,
            Some(Block::Class(class)) => {
                let name = self.contents.classes.get(class).map(|class| &*class.name);
                self.names.leave(name);
            }
            Some(Block::Function) => {
                self.functions -= 1;
                self.names.leave(None);
            }
        }
    }

    /// What the current statement depends on.
    pub(crate) fn condition(&self) -> Option<String> {
        if self.conditions == 0 {
            return None;
        }
        self.blocks.iter().find_map(|block| match block {
            Block::Condition(condition) => Some(condition.clone()),
            _ => None,
        })
    }

    /// The class that the current statement belongs to.
    pub(crate) fn class(&self) -> Option<usize> {
        self.blocks
            .iter()
            .rev()
            .take(8)
            .find_map(|block| match block {
                Block::Class(class) => Some(*class),
                _ => None,
            })
    }

    /// Whether the current statement belongs to a function, whose names are local.
    pub(crate) fn is_local(&self) -> bool {
        self.functions > 0
    }

    /// One logical line: statements, or the head of a block, possibly followed by statements.
    fn line(&mut self, line: &[Token<'_>]) {
        self.next = None;
        let Some((block, body)) = self.head(line) else {
            self.statements(line);
            return;
        };
        if body.is_empty() {
            self.next = Some(block);
        } else {
            self.enter(block);
            self.statements(body);
            self.leave();
        }
    }

    fn statements(&mut self, line: &[Token<'_>]) {
        for statement in outermost(line, ";") {
            self.statement(statement);
        }
    }

    /// The block that a line begins, and the statements that follow on the same line.
    fn head<'t, 'a>(&mut self, line: &'t [Token<'a>]) -> Option<(Block, &'t [Token<'a>])> {
        let words = match line {
            [first, rest @ ..] if first.is_word("async") => rest,
            _ => line,
        };
        let first = words.first()?;
        let Kind::Name(word) = first.kind else {
            return None;
        };
        let soft = ["match", "case"].contains(&word);
        let known = [
            "if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def",
            "class",
        ];
        if !known.contains(&word) && !(soft && words.last()?.is(":")) {
            return None;
        }
        let colon = if soft { words.len() - 1 } else { colon(words)? };
        let (head, body) = words.split_at(colon);
        let condition = || Block::Condition(format!("the `{word}` on line {}", first.line));
        let block = match word {
            "try" | "finally" | "with" => Block::Plain,
            "if" if is_main(head) => Block::Plain,
            "def" => {
                self.forget(head.get(1..2).unwrap_or_default());
                Block::Function
            }
            "class" => self.class_head(head),
            _ => condition(),
        };
        match word {
            "for" => {
                let until = head.iter().position(|token| token.is_word("in"));
                self.forget(head.get(1..until.unwrap_or(1)).unwrap_or_default());
            }
            "with" | "except" => {
                let from = head.iter().position(|token| token.is_word("as"));
                self.forget(head.get(from.unwrap_or(head.len())..).unwrap_or_default());
            }
            _ => {}
        }
        Some((block, &body[1..]))
    }

    /// Marks names whose new value is not known.
    fn forget(&mut self, tokens: &[Token<'_>]) {
        for token in tokens {
            if let Kind::Name(name) = token.kind {
                self.names.set(name, Value::path(name));
            }
        }
    }

    fn class_head(&mut self, head: &[Token<'_>]) -> Block {
        let name = match head.get(1).map(|token| &token.kind) {
            Some(Kind::Name(name)) => (*name).to_owned(),
            _ => return Block::Function,
        };
        let mut bases = Vec::new();
        for token in head.get(2..).unwrap_or_default() {
            if let Kind::Name(base) = token.kind
                && let Some(base) = self.class_named(base)
            {
                bases.push(base);
            }
        }
        self.forget(&head[1..2]);
        let label = short(&name);
        self.contents.add_class(Class { name, label, bases });
        Block::Class(self.contents.classes.len() - 1)
    }

    /// The last class with this name so far.
    pub(crate) fn class_named(&self, name: &str) -> Option<usize> {
        self.contents.class_index.get(name).copied()
    }

    fn statement(&mut self, tokens: &[Token<'_>]) {
        /// Keywords of statements that assign nothing.
        const PASSED: [&str; 11] = [
            "pass", "return", "raise", "del", "global", "nonlocal", "assert", "break", "continue",
            "yield", "await",
        ];
        let Some(first) = tokens.first() else {
            return;
        };
        match first.kind {
            Kind::Op("@") => return,
            Kind::Name("import" | "from") => return self.import(tokens),
            Kind::Name(word) if PASSED.contains(&word) => return,
            _ => {}
        }
        let mut parser = Parser::new(tokens);
        let target = parser.expressions();
        if let Some(op) = parser.take_any(&AUGMENTED) {
            let mut value = parser.expressions();
            if parser.peek().is_some() {
                value.shape = Shape::Opaque(NOT_EVALUATED);
            }
            self.change(&target, op.trim_end_matches('='), &value);
            return;
        }
        if parser.take(":") {
            parser.expressions();
        }
        let mut parts = vec![target];
        while parser.take("=") {
            parts.push(parser.expressions());
        }
        let Some(mut value) = parts.pop() else {
            return;
        };
        if parser.peek().is_some() && !matches!(value.shape, Shape::Opaque(_)) {
            value.shape = Shape::Opaque(NOT_EVALUATED);
        }
        if parts.is_empty() {
            self.called(&value);
            return;
        }
        self.assign(&parts, &value);
    }

    /// `import a.b as c`, `from a import b as c`: other names for imported objects.
    fn import(&mut self, tokens: &[Token<'_>]) {
        if tokens.last().is_some_and(|token| token.is("*")) {
            let from: String = tokens[1..]
                .iter()
                .take(16)
                .take_while(|token| !token.is_word("import"))
                .map(|token| match token.kind {
                    Kind::Name(name) => name,
                    Kind::Op(op) => op,
                    _ => "",
                })
                .collect();
            self.contents.unread.push((
                tokens[0].line,
                format!(
                    "imports everything from {}: convert that file, too",
                    short(&from)
                ),
            ));
            return;
        }
        for triple in tokens.windows(3) {
            if let [from, word, to] = triple
                && word.is_word("as")
                && let (Kind::Name(from), Kind::Name(to)) = (&from.kind, &to.kind)
            {
                self.names.set(to, Value::path(from));
            }
        }
    }
}

/// Splits a line at an operator, except within brackets.
fn outermost<'t, 'a>(line: &'t [Token<'a>], op: &str) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0_usize;
    line.split(|token| {
        depth = nested(depth, token);
        depth == 0 && token.is(op)
    })
    .collect()
}

/// The colon that ends the head of a block.
fn colon(line: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    line.iter().position(|token| {
        depth = nested(depth, token);
        depth == 0 && token.is(":")
    })
}

fn nested(depth: usize, token: &Token<'_>) -> usize {
    match token.kind {
        Kind::Op("(" | "[" | "{") => depth + 1,
        Kind::Op(")" | "]" | "}") => depth.saturating_sub(1),
        _ => depth,
    }
}

/// `if __name__ == "__main__"`, which is true when the file is run.
fn is_main(head: &[Token<'_>]) -> bool {
    head.len() == 4 && head[1].is_word("__name__") && head[2].is("==")
}
