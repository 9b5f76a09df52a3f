//! Values as TOML, each on one line.

use toml::Value;

/// A value as TOML.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(members) if members.is_empty() => "{}".to_owned(),
        Value::Table(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, member)| format!("{} = {}", key(name), self::value(member)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Float(number) => format!("{number:?}"),
        other => other.to_string(),
    }
}

fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The beginning of a string for a comment or a message: on one line, with single spaces.
pub(crate) fn short(text: &str) -> String {
    const LONGEST: usize = 200;
    // Assignments can share a long span of the file: scanning it to its end for each of them would
    // take quadratic time.
    const SCANNED: usize = 800;
    let scanned = match text.char_indices().nth(SCANNED) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    let mut words = String::new();
    for word in scanned.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    let cut = words.char_indices().nth(LONGEST).map(|(end, _)| end);
    if let Some(end) = cut {
        words.truncate(end);
    }
    if cut.is_some() || scanned.len() < text.len() {
        words.push_str(" ...");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_values_are_read_back() {
        for text in ["", "a\"b\\c", "\u{7f}\u{85}\0\n\r\t", "\u{1f600} 'x' # y"] {
            let mut table = toml::Table::new();
            table.insert(text.to_owned(), Value::String(text.to_owned()));
            table.insert("n".to_owned(), Value::Float(1e300));
            let table = Value::Table(table);
            let line = format!("X = {}", value(&table));
            assert_eq!(line.lines().count(), 1, "{line}");
            let read: toml::Table = toml::from_str(&line).unwrap();
            assert_eq!(read["X"], table, "{line}");
        }
    }
}
