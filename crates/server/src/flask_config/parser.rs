//! Tokens to expressions. What is no plain value (lambdas, comprehensions, slices ...) becomes
//! [`Shape::Opaque`] and costs only its own place in a list or call. No token is looked at
//! twice, and nothing nests deeper than [`DEEPEST`].

use super::expression::{Expression, Item, Shape, Step};
use super::lexer::{Kind, Token};
use super::literal::Text;

/// How deep expressions may nest.
const DEEPEST: usize = 40;

const COMPLEX: &str = "is more than a plain value";
const NESTED: &str = "nests too deeply";

/// Reads the tokens of one statement.
#[derive(Debug)]
pub(super) struct Parser<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    depth: usize,
}

impl<'t, 'a> Parser<'t, 'a> {
    pub(super) fn new(tokens: &'t [Token<'a>]) -> Self {
        Self {
            tokens,
            at: 0,
            depth: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<&'t Token<'a>> {
        self.tokens.get(self.at)
    }

    pub(super) fn is(&self, op: &str) -> bool {
        self.peek().is_some_and(|token| token.is(op))
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.is_word(word))
    }

    pub(super) fn take(&mut self, op: &str) -> bool {
        let found = self.is(op);
        self.at += usize::from(found);
        found
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// The operator that comes next, if it is one of these.
    pub(super) fn take_any(&mut self, ops: &[&'static str]) -> Option<&'static str> {
        let found = ops.iter().copied().find(|op| self.is(op))?;
        self.at += 1;
        Some(found)
    }

    /// Everything up to an operator of the outermost level: one or more expressions with commas
    /// between them.
    pub(super) fn expressions(&mut self) -> Expression {
        let first = self.item(&[]).value;
        if !self.is(",") {
            return first;
        }
        let (line, start) = (first.line, first.start);
        let mut items = vec![plain(first)];
        while self.take(",") {
            if self.peek().is_none() || self.is("=") {
                break;
            }
            items.push(self.item(&[]));
        }
        self.at_place(Shape::Items(items), line, start)
    }

    /// What stands between two commas. Whatever cannot be understood ends at the next comma, at
    /// the bracket that encloses it, or at one of `stops`.
    fn item(&mut self, stops: &[&str]) -> Item {
        let spread = self.take_any(&["**", "*"]).is_some();
        let (line, start) = self.place();
        let name = self.argument_name();
        let (value_line, value_start) = if name.is_some() {
            self.place()
        } else {
            (line, start)
        };
        let mut value = self.expression();
        if !self.ends_item(stops) {
            self.skip(stops);
            let why = match value.shape {
                Shape::Opaque(why) => why,
                _ => COMPLEX,
            };
            value = self.at_place(Shape::Opaque(why), value_line, value_start);
        }
        Item {
            name,
            spread,
            value,
        }
    }

    /// `name=` before an argument.
    fn argument_name(&mut self) -> Option<String> {
        let [first, second] = self.tokens.get(self.at..self.at + 2)? else {
            return None;
        };
        match first.kind {
            Kind::Name(name) if second.is("=") && self.depth > 0 => {
                self.at += 2;
                Some(name.to_owned())
            }
            _ => None,
        }
    }

    fn ends_item(&self, stops: &[&str]) -> bool {
        self.peek().is_none_or(|token| {
            [",", ")", "]", "}"].iter().any(|op| token.is(op))
                || stops.iter().any(|op| token.is(op))
                || (self.depth == 0 && matches!(token.kind, Kind::Op(op) if assigns(op)))
        })
    }

    /// Goes on to where the item ends.
    fn skip(&mut self, stops: &[&str]) {
        let mut open = 0_usize;
        while let Some(token) = self.peek() {
            if open == 0 && self.ends_item(stops) {
                return;
            }
            match token.kind {
                Kind::Op("(" | "[" | "{") => open += 1,
                Kind::Op(")" | "]" | "}") => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
    }

    pub(super) fn place(&self) -> (usize, usize) {
        self.peek()
            .or(self.tokens.last())
            .map_or((0, 0), |token| (token.line, token.start))
    }

    /// An expression that ends before the token that comes next.
    pub(super) fn at_place(&self, shape: Shape, line: usize, start: usize) -> Expression {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let end = last.map_or(start, |token| token.end.max(start));
        Expression {
            shape,
            line,
            start,
            end,
        }
    }

    /// One expression.
    pub(super) fn expression(&mut self) -> Expression {
        let (line, start) = self.place();
        if self.depth >= DEEPEST {
            return self.at_place(Shape::Opaque(NESTED), line, start);
        }
        self.depth += 1;
        let mut value = self.or();
        if self.take_word("if") {
            let condition = self.or();
            let other = if self.take_word("else") {
                self.expression()
            } else {
                self.at_place(Shape::Opaque(COMPLEX), line, start)
            };
            let shape = Shape::Choice(Box::new([value, condition, other]));
            value = self.at_place(shape, line, start);
        }
        self.depth -= 1;
        value
    }

    pub(super) fn steps(&mut self) -> Expression {
        let (line, start) = self.place();
        let first = self.atom();
        let mut steps = Vec::new();
        loop {
            if self.is(".")
                && let Some(Kind::Name(name)) = self.tokens.get(self.at + 1).map(|t| &t.kind)
            {
                self.at += 2;
                steps.push(Step::Attribute((*name).to_owned()));
            } else if self.take("(") {
                steps.push(Step::Call(self.items(")").0));
            } else if self.take("[") {
                let (mut items, comma) = self.items("]");
                let index = match items.pop() {
                    Some(item) if items.is_empty() && !comma && item.name.is_none() => item.value,
                    _ => self.at_place(Shape::Opaque(COMPLEX), line, start),
                };
                steps.push(Step::Index(Box::new(index)));
            } else {
                break;
            }
        }
        if steps.is_empty() {
            return first;
        }
        self.at_place(Shape::Steps(Box::new(first), steps), line, start)
    }

    /// What stands in brackets, up to the closing one, and whether there was a comma.
    fn items(&mut self, close: &str) -> (Vec<Item>, bool) {
        let mut items = Vec::new();
        let mut comma = false;
        while self.peek().is_some() && !self.take(close) {
            items.push(self.item(&[]));
            if self.take(",") {
                comma = true;
            } else if !self.is(close) {
                // Another closing bracket than the one that belongs here.
                self.at += 1;
            }
        }
        (items, comma)
    }

    fn atom(&mut self) -> Expression {
        let (line, start) = self.place();
        let Some(token) = self.peek() else {
            return self.at_place(Shape::Opaque("is not there"), line, start);
        };
        let shape = match &token.kind {
            Kind::Text(text) => {
                self.at += 1;
                self.texts(text.clone())
            }
            Kind::Number(number) => {
                self.at += 1;
                Shape::Number(*number)
            }
            Kind::Bad(why) => {
                self.at += 1;
                Shape::Opaque(why)
            }
            Kind::Name("lambda") => Shape::Opaque("is a function"),
            Kind::Name("await" | "yield") => Shape::Opaque(COMPLEX),
            Kind::Name(name) => {
                self.at += 1;
                Shape::Name((*name).to_owned())
            }
            Kind::Op("(") => {
                self.at += 1;
                let (mut items, comma) = self.items(")");
                match items.pop() {
                    Some(item) if items.is_empty() && !comma && !item.spread => {
                        return self.at_place(item.value.shape, line, start);
                    }
                    last => {
                        items.extend(last);
                        Shape::Items(items)
                    }
                }
            }
            Kind::Op("[") => {
                self.at += 1;
                Shape::Items(self.items("]").0)
            }
            Kind::Op("{") => {
                self.at += 1;
                self.braces()
            }
            _ => Shape::Opaque(COMPLEX),
        };
        self.at_place(shape, line, start)
    }

    /// Texts that stand side by side are one.
    fn texts(&mut self, first: Text) -> Shape {
        let mut whole = first;
        while let Some(token) = self.peek() {
            match (&mut whole, &token.kind) {
                (Text::Str(whole), Kind::Text(Text::Str(more))) => whole.push_str(more),
                (Text::Bytes(whole), Kind::Text(Text::Bytes(more))) => whole.extend(more),
                (_, Kind::Text(_)) => return Shape::Opaque("mixes texts and bytes"),
                // Such as an f-string beside a plain text.
                (_, Kind::Bad(why)) => {
                    self.at += 1;
                    return Shape::Opaque(why);
                }
                _ => break,
            }
            self.at += 1;
        }
        Shape::Text(whole)
    }

    /// A table or a set.
    fn braces(&mut self) -> Shape {
        let mut members = Vec::new();
        let mut items = Vec::new();
        while self.peek().is_some() && !self.take("}") {
            let spread = self.is("**");
            let item = self.item(&[":"]);
            if self.take(":") {
                let value = self.item(&[]).value;
                members.push((Some(item.value), value));
            } else if spread {
                members.push((None, item.value));
            } else {
                items.push(item);
            }
            if !self.take(",") && !self.is("}") {
                self.at += 1;
            }
        }
        match (members.is_empty(), items.is_empty()) {
            (_, true) => Shape::Table(members),
            (true, false) => Shape::Items(items),
            (false, false) => Shape::Opaque(COMPLEX),
        }
    }
}

fn plain(value: Expression) -> Item {
    Item {
        name: None,
        spread: false,
        value,
    }
}

/// Whether an operator ends what an assignment assigns to.
pub(super) fn assigns(op: &str) -> bool {
    op == ":" || op == "=" || AUGMENTED.contains(&op)
}

/// Operators that change what a name stands for.
pub(super) const AUGMENTED: [&str; 13] = [
    "+=", "-=", "*=", "/=", "//=", "%=", "**=", ">>=", "<<=", "&=", "|=", "^=", "@=",
];
