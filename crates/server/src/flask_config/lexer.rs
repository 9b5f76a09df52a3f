//! A Python file as tokens: names, numbers, texts, operators, and where lines and blocks
//! begin and end. One pass over the text; nothing in it can make it fail, what Python would
//! not take either becomes a [`Kind::Bad`] token.

use super::literal::{self, Number, Text};

/// What stands in one place of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'a> {
    /// A name or a keyword.
    Name(&'a str),
    Number(Number),
    Text(Text),
    /// An operator or a bracket.
    Op(&'static str),
    /// The end of a logical line.
    Newline,
    /// A block begins.
    Indent,
    /// A block ends.
    Dedent,
    /// No Python, and why.
    Bad(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// Counted from 1.
    pub(super) line: usize,
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Token<'_> {
    pub(super) fn is(&self, op: &str) -> bool {
        matches!(self.kind, Kind::Op(this) if this == op)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Name(this) if this == word)
    }
}

/// Longer ones before those that they begin with.
const OPERATORS: [&str; 48] = [
    "**=", "//=", ">>=", "<<=", "...", "!=", "->", ":=", "==", "<=", ">=", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "@=", "**", "//", "<<", ">>", "(", ")", "[", "]", "{", "}", ",", ":",
    ";", ".", "=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "@", "!",
];

/// Every token of a file. The last one is a [`Kind::Newline`], unless there is none at all.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    lexed(source).tokens
}

/// What has no end, so that Python would not take the file, and nobody knows what belongs to it.
pub(super) fn unclosed(source: &str) -> Option<String> {
    let lexer = lexed(source);
    let open = lexer.brackets.first().map(|(_, line)| ("bracket", *line));
    let (what, line) = lexer.unclosed.or(open)?;
    Some(format!("a {what} opened in line {line} is never closed"))
}

fn lexed(source: &str) -> Lexer<'_> {
    let mut lexer = Lexer {
        source,
        at: if source.starts_with('\u{feff}') { 3 } else { 0 },
        line: 1,
        brackets: Vec::new(),
        unclosed: None,
        indents: Vec::new(),
        tokens: Vec::new(),
    };
    lexer.run();
    lexer
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    /// The brackets that are open, each with what closes it and its line: lines do not end in
    /// them.
    brackets: Vec<(&'static str, usize)>,
    /// The first thing that turned out to have no end, and where it begins.
    unclosed: Option<(&'static str, usize)>,
    /// How deep the open blocks are indented, outermost first.
    indents: Vec<usize>,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn run(&mut self) {
        let mut line_begins = true;
        while self.at < self.source.len() {
            if line_begins && self.brackets.is_empty() {
                line_begins = !self.indentation();
                continue;
            }
            line_begins = self.token();
        }
        self.newline();
        for _ in 0..self.indents.len() {
            self.push(Kind::Dedent, self.at, self.line);
        }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: Kind<'a>, start: usize, line: usize) {
        self.tokens.push(Token {
            kind,
            line,
            start,
            end: self.at,
        });
    }

    /// Ends the logical line, if there is something in it.
    fn newline(&mut self) {
        let open = self.tokens.last().is_some_and(|token| {
            !matches!(token.kind, Kind::Newline | Kind::Indent | Kind::Dedent)
        });
        if open {
            self.push(Kind::Newline, self.at, self.line);
        }
    }

    /// The white space that a line begins with. Says whether the line has something in it.
    fn indentation(&mut self) -> bool {
        let mut column = 0;
        for byte in self.rest().bytes() {
            match byte {
                b' ' => column += 1,
                b'\t' => column = (column / 8 + 1) * 8,
                0x0c => column = 0,
                _ => break,
            }
            self.at += 1;
        }
        match self.rest().bytes().next() {
            None => return false,
            Some(b'#') => {
                self.comment();
                return false;
            }
            Some(b'\r' | b'\n') => {
                self.line_end();
                return false;
            }
            Some(_) => {}
        }
        while self.indents.last().is_some_and(|last| column < *last) {
            self.indents.pop();
            self.push(Kind::Dedent, self.at, self.line);
        }
        if column > self.indents.last().copied().unwrap_or(0) {
            self.indents.push(column);
            self.push(Kind::Indent, self.at, self.line);
        }
        true
    }

    /// One token, or what stands between two. Says whether a line begins after it.
    fn token(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return false;
        };
        match first {
            ' ' | '\t' | '\x0c' => self.at += 1,
            '#' => self.comment(),
            '\r' | '\n' => {
                if self.brackets.is_empty() {
                    self.newline();
                }
                self.line_end();
                return true;
            }
            '\\' if rest[1..].starts_with(['\r', '\n']) => {
                self.at += 1;
                self.line_end();
            }
            '"' | '\'' => self.text(0),
            '0'..='9' => self.number(),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            _ if first == '_' || first.is_alphabetic() => self.name(),
            _ => self.operator(first),
        }
        false
    }

    fn line_end(&mut self) {
        self.at += if self.rest().starts_with("\r\n") {
            2
        } else {
            1
        };
        self.line += 1;
    }

    fn comment(&mut self) {
        let rest = self.rest();
        self.at += rest.find(['\r', '\n']).unwrap_or(rest.len());
    }

    fn name(&mut self) {
        let rest = self.rest();
        let length = rest
            .find(|c: char| c != '_' && !c.is_alphanumeric())
            .unwrap_or(rest.len());
        let name = &rest[..length];
        let is_prefix = length <= 2 && name.bytes().all(|b| b"rRbBuUfFtT".contains(&b));
        if is_prefix && rest[length..].starts_with(['"', '\'']) {
            self.text(length);
            return;
        }
        let start = self.at;
        self.at += length;
        self.push(Kind::Name(name), start, self.line);
    }

    /// A text, with a prefix of so many letters.
    fn text(&mut self, prefix: usize) {
        let (start, line) = (self.at, self.line);
        let rest = self.rest();
        let (letters, quoted) = rest.split_at(prefix);
        let quote = if quoted.starts_with('"') { '"' } else { '\'' };
        let triple = quoted.bytes().take(3).filter(|b| *b == quote as u8).count() == 3;
        let begin = if triple { 3 } else { 1 };
        let body = quoted.get(begin..).unwrap_or_default();
        let length = match literal::length(body, quote, triple) {
            Ok(length) => length,
            Err(lost) => {
                self.unclosed.get_or_insert(("text", line));
                self.at += prefix + begin + lost;
                self.line += lines(&body[..lost]);
                self.push(Kind::Bad("is a text without an end"), start, line);
                return;
            }
        };
        let text = &body[..length];
        self.at += prefix + begin + length + begin;
        self.line += lines(text);
        match literal::text(letters, text) {
            Ok(text) => self.push(Kind::Text(text), start, line),
            Err(why) => self.push(Kind::Bad(why), start, line),
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let mut before = ' ';
        let length = rest
            .find(|c: char| {
                let exponent =
                    (c == '+' || c == '-') && matches!(before, 'e' | 'E') && !is_hex(rest);
                before = c;
                !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || exponent)
            })
            .unwrap_or(rest.len());
        self.at += length;
        match literal::number(&rest[..length]) {
            Some(number) => self.push(Kind::Number(number), start, self.line),
            None => self.push(Kind::Bad("is a number that is none"), start, self.line),
        }
    }

    fn operator(&mut self, first: char) {
        let (start, rest) = (self.at, self.rest());
        let Some(op) = OPERATORS.iter().find(|op| rest.starts_with(**op)) else {
            self.at += first.len_utf8();
            self.push(
                Kind::Bad("has a character that is no Python"),
                start,
                self.line,
            );
            return;
        };
        match *op {
            "(" => self.brackets.push((")", self.line)),
            "[" => self.brackets.push(("]", self.line)),
            "{" => self.brackets.push(("}", self.line)),
            ")" | "]" | "}" => {
                if let Some((closes, line)) = self.brackets.pop()
                    && closes != *op
                {
                    self.unclosed.get_or_insert(("bracket", line));
                }
            }
            _ => {}
        }
        self.at += op.len();
        self.push(Kind::Op(op), start, self.line);
    }
}

fn is_hex(rest: &str) -> bool {
    rest.starts_with("0x") || rest.starts_with("0X")
}

/// How many lines end in a text.
fn lines(text: &str) -> usize {
    let newlines = text.bytes().filter(|b| *b == b'\n').count();
    let returns = text.bytes().filter(|b| *b == b'\r').count();
    newlines + returns - text.matches("\r\n").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        tokens(source)
            .iter()
            .map(|token| match &token.kind {
                Kind::Name(name) => (*name).to_owned(),
                Kind::Op(op) => (*op).to_owned(),
                Kind::Newline => "\\n".to_owned(),
                Kind::Indent => ">".to_owned(),
                Kind::Dedent => "<".to_owned(),
                Kind::Number(number) => format!("{number:?}"),
                Kind::Text(text) => format!("{text:?}"),
                Kind::Bad(why) => format!("bad: {why}"),
            })
            .collect()
    }

    #[test]
    fn blocks_and_logical_lines() {
        let source = "class A:\n    # here\n\n    X = (1,\n  2)\n    if a:\n\tb\\\n c\nD";
        assert_eq!(
            words(source).join(" "),
            "class A : \\n > X = ( Int(1) , Int(2) ) \\n if a : \\n > b c \\n < < D \\n"
        );
        assert_eq!(words("a\r\nb\rc").join(" "), "a \\n b \\n c \\n");
        assert_eq!(words("").len(), 0);
    }

    #[test]
    fn what_has_no_end_costs_its_own_line_only() {
        assert_eq!(
            words("A = 'x\nB = ?").join(" "),
            "A = bad: is a text without an end \\n B = bad: has a character that is no Python \\n"
        );
    }

    #[test]
    fn lines_are_counted_through_long_texts() {
        let source = "A = '''x\ny'''\nB = 'a\\\nb'\nC";
        let last = tokens(source);
        let name = last.iter().rev().find(|token| token.is_word("C")).unwrap();
        assert_eq!(name.line, 5);
    }
}
