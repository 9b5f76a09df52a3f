//! Python's string and number literals.

/// The content of a string literal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StringLiteral {
    Str(String),
    Bytes(Vec<u8>),
}

/// The value of a number literal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

/// The length of the string that begins here, without its closing quote.
///
/// # Errors
/// For a string without an end, the length of the text up to the end of its line, or, for a
/// triple-quoted string, of the file.
pub(crate) fn length(body: &str, quote: char, triple: bool) -> Result<usize, usize> {
    let mut escaped = false;
    let mut row = 0;
    for (at, c) in body.char_indices() {
        if escaped {
            // An escaped line end can be two characters.
            escaped = c == '\r' && body[at..].starts_with("\r\n");
            row = 0;
        } else if c == quote {
            row += 1;
            if !triple {
                return Ok(at);
            }
            if row == 3 {
                return Ok(at - 2);
            }
        } else {
            row = 0;
            match c {
                '\\' => escaped = true,
                '\r' | '\n' if !triple => return Err(at),
                _ => {}
            }
        }
    }
    Err(body.len())
}

/// The content of a string with these letters before its quotes.
pub(crate) fn string(letters: &str, body: &str) -> Result<StringLiteral, &'static str> {
    let has = |letter: char| letters.contains([letter, letter.to_ascii_uppercase()]);
    if (has('f') || has('t')) && body.contains(['{', '}']) {
        return Err("is an f-string, which is not evaluated");
    }
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let bytes = has('b');
    if bytes && !body.is_ascii() {
        return Err("is a bytes literal with characters outside of ASCII");
    }
    let units = if has('r') || !body.contains('\\') {
        body.chars().map(u32::from).collect()
    } else {
        unescape(&body, bytes)?
    };
    if bytes {
        let bytes = units
            .into_iter()
            .map(|unit| u8::try_from(unit).unwrap_or(b'?'));
        return Ok(StringLiteral::Bytes(bytes.collect()));
    }
    units
        .into_iter()
        .map(char::from_u32)
        .collect::<Option<String>>()
        .map(StringLiteral::Str)
        .ok_or("has an escape that is not a character")
}

/// Replaces the escapes by the characters or bytes that they stand for.
fn unescape(body: &str, bytes: bool) -> Result<Vec<u32>, &'static str> {
    const BROKEN: &str = "has an incomplete escape";
    let mut units = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            units.push(u32::from(c));
            continue;
        }
        let Some(letter) = rest.chars().next() else {
            return Err(BROKEN);
        };
        rest = &rest[letter.len_utf8()..];
        let simple = match letter {
            '\n' => continue,
            '\\' | '\'' | '"' => u32::from(letter),
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            '0'..='7' => {
                let more = rest
                    .bytes()
                    .take(2)
                    .take_while(|b| (b'0'..=b'7').contains(b));
                let (digits, after) = rest.split_at(more.count());
                rest = after;
                let number = format!("{letter}{digits}");
                u32::from_str_radix(&number, 8).map_err(|_| BROKEN)? & if bytes { 255 } else { 511 }
            }
            'x' => hex(&mut rest, 2).ok_or(BROKEN)?,
            'u' if !bytes => hex(&mut rest, 4).ok_or(BROKEN)?,
            'U' if !bytes => hex(&mut rest, 8).ok_or(BROKEN)?,
            'N' if !bytes => return Err("has a character given by its name (\\N)"),
            // Python keeps the backslash before an unknown letter.
            _ => {
                units.push(u32::from('\\'));
                u32::from(letter)
            }
        };
        units.push(simple);
    }
    Ok(units)
}

fn hex(rest: &mut &str, digits: usize) -> Option<u32> {
    let number = rest.get(..digits)?;
    if !number.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    *rest = &rest[digits..];
    u32::from_str_radix(number, 16).ok()
}

/// The value of a number. `None` if it is not valid, or does not fit in 64 bits.
pub(crate) fn number(text: &str) -> Option<Number> {
    let lower = text.to_ascii_lowercase();
    if lower.ends_with('_') || lower.contains("__") {
        return None;
    }
    let digits = lower.replace('_', "");
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return i64::from_str_radix(rest, radix).ok().map(Number::Int);
        }
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        // Python accepts 00, and refuses 01.
        let octal = digits.len() > 1 && digits.starts_with('0') && digits.contains(|c| c != '0');
        return digits.parse().ok().filter(|_| !octal).map(Number::Int);
    }
    let plain = |b: u8| b.is_ascii_digit() || b".e+-".contains(&b);
    digits
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && digits.bytes().all(plain))
        .map(Number::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(letters: &str, body: &str) -> Result<String, &'static str> {
        string(letters, body).map(|string| match string {
            StringLiteral::Str(text) => text,
            StringLiteral::Bytes(bytes) => format!("{bytes:?}"),
        })
    }

    #[test]
    fn strings_are_read_as_in_python() {
        for (letters, body, meant) in [
            ("", "a", "a"),
            ("u", r"\u00e4\x41\101\n", "\u{e4}AA\n"),
            ("r", r"a\n", r"a\n"),
            ("", r"\d", r"\d"),
            ("", "a\\\nb", "ab"),
            ("f", "plain", "plain"),
            ("b", r"\xff\0", "[255, 0]"),
            ("", r"\U0001F600", "\u{1f600}"),
        ] {
            assert_eq!(read(letters, body).as_deref(), Ok(meant), "{body}");
        }
        for (letters, body) in [
            ("f", "{x}"),
            ("", r"\ud800"),
            ("", r"\x4"),
            ("", r"\u+041"),
            ("b", "\u{e4}"),
            ("", r"\N{DASH}"),
        ] {
            assert!(read(letters, body).is_err(), "{body}");
        }
    }

    #[test]
    fn numbers_are_read_as_in_python() {
        for (text, meant) in [
            ("0", Number::Int(0)),
            ("1_000", Number::Int(1000)),
            ("0x1F", Number::Int(31)),
            ("0o17", Number::Int(15)),
            ("0b11", Number::Int(3)),
            ("1.5", Number::Float(1.5)),
            ("1e3", Number::Float(1000.0)),
            (".5", Number::Float(0.5)),
            ("5.", Number::Float(5.0)),
        ] {
            assert_eq!(number(text), Some(meant), "{text}");
        }
        for text in [
            "1_",
            "1__0",
            "012",
            "0x",
            "1j",
            "99999999999999999999",
            "1e999",
            "1a",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
