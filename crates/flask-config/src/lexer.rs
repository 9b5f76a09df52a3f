//! Splits a Python file into tokens: names, numbers, strings, operators, the ends of logical lines,
//! and the beginnings and ends of blocks. It is one pass that cannot fail: what Python refuses
//! becomes a [`Kind::Bad`] token.

use crate::literal::{self, Number, StringLiteral};

/// The kind of a token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind<'a> {
    /// A name or a keyword.
    Name(&'a str),
    Number(Number),
    Str(StringLiteral),
    /// An operator or a bracket.
    Op(&'static str),
    /// The end of a logical line.
    Newline,
    /// The beginning of a block.
    Indent,
    /// The end of a block.
    Dedent,
    /// Not valid Python, for this reason.
    Bad(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind<'a>,
    /// Counted from 1.
    pub(crate) line: usize,
    /// Its first byte in the file.
    pub(crate) start: usize,
    /// The byte after its last.
    pub(crate) end: usize,
}

impl Token<'_> {
    pub(crate) fn is(&self, op: &str) -> bool {
        matches!(self.kind, Kind::Op(this) if this == op)
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Name(this) if this == word)
    }
}

/// An operator precedes its own prefixes.
const OPERATORS: [&str; 48] = [
    "**=", "//=", ">>=", "<<=", "...", "!=", "->", ":=", "==", "<=", ">=", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "@=", "**", "//", "<<", ">>", "(", ")", "[", "]", "{", "}", ",", ":",
    ";", ".", "=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "@", "!",
];

/// The tokens of a file.
#[derive(Debug)]
pub(crate) struct Lexed<'a> {
    /// The last one is a [`Kind::Newline`] or [`Kind::Dedent`], unless there are none.
    pub(crate) tokens: Vec<Token<'a>>,
    /// The first bracket or string without an end: which of both, and its line.
    pub(crate) unclosed: Option<(&'static str, usize)>,
}

pub(crate) fn lex(source: &str) -> Lexed<'_> {
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
    let open = lexer.brackets.first().map(|(_, line)| ("bracket", *line));
    Lexed {
        unclosed: lexer.unclosed.or(open),
        tokens: lexer.tokens,
    }
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    /// The open brackets: the closing bracket and the line of each. Within brackets, logical lines
    /// do not end.
    brackets: Vec<(&'static str, usize)>,
    /// The first bracket or string without an end, and its line.
    unclosed: Option<(&'static str, usize)>,
    /// The columns of the open blocks, the outermost first.
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

    /// Ends the logical line, unless it is empty.
    fn newline(&mut self) {
        let open = self.tokens.last().is_some_and(|token| {
            !matches!(token.kind, Kind::Newline | Kind::Indent | Kind::Dedent)
        });
        if open {
            self.push(Kind::Newline, self.at, self.line);
        }
    }

    /// The white space at the beginning of a line. Returns whether the line has tokens.
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

    /// Reads one token, or white space, a comment or a line end. Returns whether a line begins
    /// after it.
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
            '"' | '\'' => self.string(0),
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
            self.string(length);
            return;
        }
        let start = self.at;
        self.at += length;
        self.push(Kind::Name(name), start, self.line);
    }

    /// A string with a prefix of this many letters.
    fn string(&mut self, prefix: usize) {
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
                self.unclosed.get_or_insert(("string", line));
                self.at += prefix + begin + lost;
                self.line += lines(&body[..lost]);
                self.push(Kind::Bad("is a string without an end"), start, line);
                return;
            }
        };
        let text = &body[..length];
        self.at += prefix + begin + length + begin;
        self.line += lines(text);
        match literal::string(letters, text) {
            Ok(string) => self.push(Kind::Str(string), start, line),
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
            None => self.push(Kind::Bad("is not a valid number"), start, self.line),
        }
    }

    fn operator(&mut self, first: char) {
        let (start, rest) = (self.at, self.rest());
        let Some(op) = OPERATORS.iter().find(|op| rest.starts_with(**op)) else {
            self.at += first.len_utf8();
            self.push(
                Kind::Bad("has a character that is not valid here"),
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

/// The number of line ends in a string.
fn lines(text: &str) -> usize {
    let newlines = text.bytes().filter(|b| *b == b'\n').count();
    let returns = text.bytes().filter(|b| *b == b'\r').count();
    newlines + returns - text.matches("\r\n").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        lex(source)
            .tokens
            .iter()
            .map(|token| match &token.kind {
                Kind::Name(name) => (*name).to_owned(),
                Kind::Op(op) => (*op).to_owned(),
                Kind::Newline => "\\n".to_owned(),
                Kind::Indent => ">".to_owned(),
                Kind::Dedent => "<".to_owned(),
                Kind::Number(number) => format!("{number:?}"),
                Kind::Str(string) => format!("{string:?}"),
                Kind::Bad(why) => format!("bad: {why}"),
            })
            .collect()
    }

    #[test]
    fn blocks_and_logical_lines_are_found() {
        let source = "class A:\n    # here\n\n    X = (1,\n  2)\n    if a:\n\tb\\\n c\nD";
        assert_eq!(
            words(source).join(" "),
            "class A : \\n > X = ( Int(1) , Int(2) ) \\n if a : \\n > b c \\n < < D \\n"
        );
        assert_eq!(words("a\r\nb\rc").join(" "), "a \\n b \\n c \\n");
        assert_eq!(words("").len(), 0);
    }

    #[test]
    fn an_unclosed_string_ends_with_its_line() {
        assert_eq!(
            words("A = 'x\nB = ?").join(" "),
            "A = bad: is a string without an end \\n B = bad: has a character that is not valid here \\n"
        );
    }

    #[test]
    fn lines_within_strings_are_counted() {
        let source = "A = '''x\ny'''\nB = 'a\\\nb'\nC";
        let tokens = lex(source).tokens;
        let name = tokens
            .iter()
            .rev()
            .find(|token| token.is_word("C"))
            .unwrap();
        assert_eq!(name.line, 5);
    }

    #[test]
    fn an_escaped_line_end_of_two_characters_continues_a_string() {
        assert_eq!(
            words("A = 'a\\\r\nb'\r\nB").join(" "),
            "A = Str(\"ab\") \\n B \\n"
        );
    }
}
