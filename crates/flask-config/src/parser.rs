//! Parses tokens into expressions. Syntax that is not evaluated (lambdas, comprehensions, slices)
//! becomes [`Shape::Opaque`]; the other items of the same list or call are still read. Every token
//! is read once, and expressions nest at most [`DEEPEST`] levels.

use crate::expression::{Expression, Item, Shape, Step};
use crate::lexer::{Kind, Token};
use crate::literal::StringLiteral;
use crate::value::NOT_EVALUATED;

/// The depth of the most deeply nested expression that is read.
const DEEPEST: usize = 40;

const NESTED: &str = "is nested too deeply";

/// A position in the tokens of one statement.
#[derive(Debug)]
pub(crate) struct Parser<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    depth: usize,
}

impl<'t, 'a> Parser<'t, 'a> {
    pub(crate) fn new(tokens: &'t [Token<'a>]) -> Self {
        Self {
            tokens,
            at: 0,
            depth: 0,
        }
    }

    pub(crate) fn peek(&self) -> Option<&'t Token<'a>> {
        self.tokens.get(self.at)
    }

    pub(crate) fn is(&self, op: &str) -> bool {
        self.peek().is_some_and(|token| token.is(op))
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.is_word(word))
    }

    pub(crate) fn take(&mut self, op: &str) -> bool {
        let found = self.is(op);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// Takes the next operator if it is one of these.
    pub(crate) fn take_any(&mut self, ops: &[&'static str]) -> Option<&'static str> {
        let found = ops.iter().copied().find(|op| self.is(op))?;
        self.at += 1;
        Some(found)
    }

    /// One or more expressions separated by commas, up to an operator that assigns.
    pub(crate) fn expressions(&mut self) -> Expression {
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

    /// An item between two commas. If it cannot be read, it ends at the next comma, the closing
    /// bracket, or one of `stops`.
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
                _ => NOT_EVALUATED,
            };
            value = self.at_place(Shape::Opaque(why), value_line, value_start);
        }
        Item {
            name,
            spread,
            value,
        }
    }

    /// `name=` before the value of a keyword argument.
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

    /// Skips to the end of the item.
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

    pub(crate) fn place(&self) -> (usize, usize) {
        self.peek()
            .or(self.tokens.last())
            .map_or((0, 0), |token| (token.line, token.start))
    }

    /// An expression that ends before the next token.
    pub(crate) fn at_place(&self, shape: Shape, line: usize, start: usize) -> Expression {
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
    pub(crate) fn expression(&mut self) -> Expression {
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
                self.at_place(Shape::Opaque(NOT_EVALUATED), line, start)
            };
            let shape = Shape::Choice(Box::new([value, condition, other]));
            value = self.at_place(shape, line, start);
        }
        self.depth -= 1;
        value
    }

    pub(crate) fn steps(&mut self) -> Expression {
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
                    _ => self.at_place(Shape::Opaque(NOT_EVALUATED), line, start),
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

    /// The items up to the closing bracket, and whether there was a comma.
    fn items(&mut self, close: &str) -> (Vec<Item>, bool) {
        let mut items = Vec::new();
        let mut comma = false;
        while self.peek().is_some() && !self.take(close) {
            items.push(self.item(&[]));
            if self.take(",") {
                comma = true;
            } else if !self.is(close) {
                // A closing bracket of another kind.
                self.at += 1;
            }
        }
        (items, comma)
    }

    fn atom(&mut self) -> Expression {
        let (line, start) = self.place();
        let Some(token) = self.peek() else {
            return self.at_place(Shape::Opaque("is missing"), line, start);
        };
        let shape = match &token.kind {
            Kind::Str(string) => {
                self.at += 1;
                self.strings(string.clone())
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
            Kind::Name("await" | "yield") => Shape::Opaque(NOT_EVALUATED),
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
            _ => Shape::Opaque(NOT_EVALUATED),
        };
        self.at_place(shape, line, start)
    }

    /// Adjacent strings are concatenated.
    fn strings(&mut self, first: StringLiteral) -> Shape {
        let mut whole = first;
        while let Some(token) = self.peek() {
            match (&mut whole, &token.kind) {
                (StringLiteral::Str(whole), Kind::Str(StringLiteral::Str(more))) => {
                    whole.push_str(more);
                }
                (StringLiteral::Bytes(whole), Kind::Str(StringLiteral::Bytes(more))) => {
                    whole.extend(more);
                }
                (_, Kind::Str(_)) => return Shape::Opaque("mixes strings and bytes"),
                // Such as an f-string beside a plain string.
                (_, Kind::Bad(why)) => {
                    self.at += 1;
                    return Shape::Opaque(why);
                }
                _ => break,
            }
            self.at += 1;
        }
        Shape::Str(whole)
    }

    /// A dict or a set.
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
            (_, true) => Shape::Dict(members),
            (true, false) => Shape::Items(items),
            (false, false) => Shape::Opaque(NOT_EVALUATED),
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

/// Whether an operator ends the target of an assignment.
pub(crate) fn assigns(op: &str) -> bool {
    op == ":" || op == "=" || AUGMENTED.contains(&op)
}

/// The operators of augmented assignments.
pub(crate) const AUGMENTED: [&str; 13] = [
    "+=", "-=", "*=", "/=", "//=", "%=", "**=", ">>=", "<<=", "&=", "|=", "^=", "@=",
];
