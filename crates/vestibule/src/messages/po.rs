//! A parser for gettext's PO files, limited to sentences without a context and plural forms.
//!
//! The format is described in the gettext manual, "The Format of PO Files". Unreviewed (`fuzzy`)
//! and obsolete (`#~`) translations are skipped.

/// A syntax error in a PO file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct PoError {
    /// The line, counted from one.
    pub(crate) line: usize,
    pub(crate) what: &'static str,
}

/// The text that a continuation line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    English,
    Translation,
}

/// The sentence that is being parsed.
struct Entry {
    part: Part,
    english: String,
    translation: String,
    fuzzy: bool,
}

impl Entry {
    const fn new() -> Self {
        Self {
            part: Part::Nothing,
            english: String::new(),
            translation: String::new(),
            fuzzy: false,
        }
    }
}

/// Parses a file into pairs of a sentence and its translation, in order. The header (the
/// translation of the empty sentence) and sentences without a translation are left out.
pub(crate) fn read(file: &str) -> Result<Vec<(String, String)>, PoError> {
    let mut sentences = Vec::new();
    let mut entry = Entry::new();
    let mut lines = 0;
    for (index, line) in file.lines().enumerate() {
        lines = index + 1;
        let error = |what| PoError { line: lines, what };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let begins = line.starts_with('#') || line.starts_with("msgid ");
        if begins && entry.part == Part::Translation {
            finish(std::mem::replace(&mut entry, Entry::new()), &mut sentences);
        }
        if let Some(comment) = line.strip_prefix('#') {
            let flags = comment.strip_prefix(',').unwrap_or_default();
            entry.fuzzy |= flags.split(',').any(|flag| flag.trim() == "fuzzy");
            continue;
        }
        let quoted = if let Some(rest) = line.strip_prefix("msgid ") {
            if entry.part != Part::Nothing {
                return Err(error("msgid before the msgstr of the last one"));
            }
            entry.part = Part::English;
            rest
        } else if let Some(rest) = line.strip_prefix("msgstr ") {
            if entry.part != Part::English {
                return Err(error("msgstr without a msgid"));
            }
            entry.part = Part::Translation;
            rest
        } else {
            line
        };
        let text = unquote(quoted.trim()).map_err(error)?;
        match entry.part {
            Part::Nothing => return Err(error("a text that belongs to nothing")),
            Part::English => entry.english.push_str(&text),
            Part::Translation => entry.translation.push_str(&text),
        }
    }
    if entry.part == Part::English {
        return Err(PoError {
            line: lines,
            what: "msgid without a msgstr",
        });
    }
    finish(entry, &mut sentences);
    Ok(sentences)
}

fn finish(entry: Entry, sentences: &mut Vec<(String, String)>) {
    if !entry.fuzzy && !entry.english.is_empty() && !entry.translation.is_empty() {
        sentences.push((entry.english, entry.translation));
    }
}

/// Parses a quoted text with C escapes.
fn unquote(quoted: &str) -> Result<String, &'static str> {
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or("neither msgid, msgstr, a comment nor a text in quotes")?;
    let mut text = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '"' => return Err("a quote in the midst of a text: write \\\""),
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(escaped @ ('"' | '\\')) => escaped,
                _ => return Err("a backslash before something else than n, t, r, \" and \\"),
            },
            character => character,
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(file: &str) -> Vec<(String, String)> {
        read(file).unwrap()
    }

    #[test]
    fn sentences_with_escapes_and_over_several_lines_are_parsed() {
        let file = "# A translator, 2026\n\
            msgid \"\"\nmsgstr \"\"\n\"Language: de\\n\"\n\n\
            #: keys.rs\n#, python-format\nmsgid \"One %(n)s\"\nmsgstr \"Eins %(n)s\"\n\
            msgid \"\"\n\"Two \"\n\"lines\"\nmsgstr \"Zwei \"\r\n  \"\\\"Zeilen\\\"\\\\\\n\"\n\n\
            msgid \"Later\"\nmsgstr \"\"\n\n\
            #, fuzzy, c-format\nmsgid \"Perhaps\"\nmsgstr \"Vielleicht\"\n\n\
            #~ msgid \"Gone\"\n#~ msgstr \"Weg\"\n\
            msgid \"Last\"\nmsgstr \"Letztes\"";
        let expected = [
            ("One %(n)s", "Eins %(n)s"),
            ("Two lines", "Zwei \"Zeilen\"\\\n"),
            ("Last", "Letztes"),
        ];
        let expected = expected.map(|(one, other)| (one.to_owned(), other.to_owned()));
        assert_eq!(pairs(file), expected);
        assert_eq!(pairs(""), []);
        assert_eq!(pairs("# only this"), []);
    }

    #[test]
    fn errors_name_their_line() {
        for (file, line) in [
            ("nonsense", 1),
            ("\n\"text\"", 2),
            ("msgstr \"x\"", 1),
            ("msgid \"x\"", 1),
            ("msgid \"x\"\n\n", 2),
            ("msgid \"x\"\nmsgid \"y\"", 2),
            ("msgid \"x\"\nmsgstr \"y\"\nmsgstr \"z\"", 3),
            ("msgid \"x\"\nmsgstr \"a\"b\"", 2),
            ("msgid \"x\\", 1),
            ("msgid \"x\\\"", 1),
            ("msgid \"\\q\"", 1),
            ("msgid \"", 1),
            ("msgid x", 1),
            ("msgctxt \"menu\"", 1),
            ("msgid \"x\"\nmsgid_plural \"y\"", 2),
            ("msgid \"x\"\nmsgstr[0] \"y\"", 2),
        ] {
            assert_eq!(read(file).map_err(|error| error.line), Err(line), "{file}");
        }
    }

    #[test]
    fn no_file_makes_the_parser_panic() {
        let pieces = [
            "msgid ", "msgstr ", "\"", "\\", "\n", "\r", "#", "#, fuzzy", "#~ ", "x", "\u{e9}",
            "\u{0}", "msgid", "[0]", "\"\"", "\"x\"", " ", "%(n)s",
        ];
        // All files made of four pieces.
        for number in 0..pieces.len().pow(4) {
            let place = |index: u32| pieces[number / pieces.len().pow(index) % pieces.len()];
            let file: String = (0..4).map(place).collect();
            let _ = read(&file);
        }
    }
}
