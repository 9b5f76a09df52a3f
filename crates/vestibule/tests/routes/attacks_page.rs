//! `docs/attacks.md` and the tests agree: the page names tests that run, and every attack test is on
//! the page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A function in the sources of the workspace.
#[derive(Debug)]
struct Function {
    name: String,
    /// Its file, as an index into [`Sources::files`].
    file: usize,
    /// The lines directly before it: attributes and documentation.
    before: String,
    /// The first line and the body.
    body: String,
}

#[derive(Debug, Default)]
struct Sources {
    files: Vec<PathBuf>,
    functions: Vec<Function>,
    /// The names that a macro turns into tests.
    cases: BTreeSet<String>,
}

/// Macros that turn names into tests: a definition that lists them, or a call.
const CASES: [&str; 4] = [
    "macro_rules! with_every_case",
    "on_each_database!",
    "behind_each_proxy!",
    "targets!",
];

static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
    let mut sources = Sources::default();
    let mut folders = vec![root().join("crates"), root().join("deploy")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.read(path);
            }
        }
    }
    sources
});

impl Sources {
    fn read(&mut self, path: PathBuf) {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = declared(line) else {
                continue;
            };
            let before: Vec<&str> = lines[..at]
                .iter()
                .rev()
                .map(|line| line.trim())
                .take_while(|line| !line.is_empty() && !line.ends_with(['}', ';', '{']))
                .collect();
            self.functions.push(Function {
                name: name.to_owned(),
                file: self.files.len(),
                before: before.join("\n"),
                body: body(&lines[at..]),
            });
        }
        for marker in CASES {
            for (at, _) in text.match_indices(marker) {
                self.cases.extend(identifiers(bracketed(&text[at..])));
            }
        }
        self.files.push(path);
    }

    /// The tests whose names fit.
    fn tests(&self, pattern: &str) -> Vec<&Function> {
        let fitting = self
            .functions
            .iter()
            .filter(|function| fits(pattern, &function.name));
        fitting.filter(|function| self.runs(function)).collect()
    }

    /// Whether it is a test that is not skipped.
    fn runs(&self, function: &Function) -> bool {
        let Function { before, name, .. } = function;
        let is_test = before.contains("#[test]") || before.contains("#[tokio::test");
        let ignored = before.lines().any(|line| {
            line.starts_with("#[ignore")
                || (line.starts_with("#[cfg_attr") && line.contains("ignore"))
        });
        (is_test || self.cases.contains(name)) && !ignored
    }

    /// Whether a failure of what it tests makes it fail: it contains an assertion, or calls a
    /// function beside it that does. Helpers in other files count if their name says that they
    /// check something: those that send requests check every answer, whatever a test is about.
    fn asserts(&self, function: &Function) -> bool {
        let mut beside: BTreeMap<&str, &Function> = BTreeMap::new();
        for other in &self.functions {
            if other.file == function.file {
                beside.insert(&other.name, other);
            }
        }
        let mut seen = BTreeSet::new();
        let mut open = vec![function];
        while let Some(function) = open.pop() {
            if !seen.insert(function.name.as_str()) {
                continue;
            }
            if ASSERTIONS
                .iter()
                .any(|macro_| function.body.contains(macro_))
            {
                return true;
            }
            for name in called(&function.body) {
                if CHECKS.iter().any(|check| name.starts_with(check)) {
                    return true;
                }
                open.extend(beside.get(name));
            }
        }
        false
    }
}

const ASSERTIONS: [&str; 5] = [
    "assert!(",
    "assert_eq!(",
    "assert_ne!(",
    "panic!(",
    "unreachable!(",
];

/// How the names of helpers in other files begin that compare something and fail if it differs:
/// `finish` ends a comparison with the reference, or hostile requests to one server; `refused` is
/// about a command.
const CHECKS: [&str; 3] = ["assert_", "finish", "refused"];

/// The name of the function that a line declares.
fn declared(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let qualifiers = before.split_whitespace().all(|word| {
        word.starts_with("pub") || ["const", "async", "unsafe", "extern", "\"C\""].contains(&word)
    });
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let name = &after[..end.unwrap_or(after.len())];
    (qualifiers && !name.is_empty()).then_some(name)
}

/// A function from its first line to the bracket that closes it, which is indented as the first line.
fn body(lines: &[&str]) -> String {
    let indent = lines[0].len() - lines[0].trim_start().len();
    let is_end = |line: &&&str| line.len() == indent + 1 && line.ends_with('}');
    let one_line = lines[0].ends_with(['}', ';']);
    let length = if one_line {
        1
    } else {
        lines.iter().take_while(|line| !is_end(line)).count()
    };
    lines[..length].join("\n")
}

/// What the first bracket in a text encloses.
fn bracketed(text: &str) -> &str {
    let start = text.find(['{', '(']).unwrap();
    let mut depth = 0;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < start) {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[start..at];
        }
    }
    &text[start..]
}

fn identifiers(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
}

/// The names before an opening parenthesis.
fn called(body: &str) -> impl Iterator<Item = &str> {
    body.match_indices('(').map(|(at, _)| {
        let before = &body[..at];
        let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &before[start.map_or(0, |start| start + 1)..]
    })
}

/// The rows of the table: the class, and the names between backticks in the second column. A name
/// without an underscore is not that of a test.
fn rows() -> Vec<(String, BTreeSet<String>)> {
    let page = fs::read_to_string(root().join("docs/attacks.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let mut cells = row.split('|').skip(1);
        let (Some(class), Some(tests)) = (cells.next(), cells.next()) else {
            panic!("{row}");
        };
        let names = tests.split('`').skip(1).step_by(2);
        let named = names.filter(|name| name.contains('_')).map(str::to_owned);
        (class.trim().to_owned(), named.collect())
    })
    .collect()
}

/// Whether the pattern is this name, or its parts around a star begin and end the name.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => pattern == name,
    }
}

#[test]
fn every_name_on_the_page_is_a_test_that_can_fail() {
    let functions = SOURCES.functions.len();
    assert!(functions > 500, "{functions}");
    let mut wrong = BTreeSet::new();
    for pattern in rows().iter().flat_map(|(_, named)| named) {
        let tests = SOURCES.tests(pattern);
        if tests.is_empty() {
            wrong.insert(format!("{pattern} is no test, or it is ignored"));
        }
        for test in tests.into_iter().filter(|test| !SOURCES.asserts(test)) {
            let file = SOURCES.files[test.file].display();
            wrong.insert(format!("{} asserts nothing ({file})", test.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_class_has_a_test() {
    let rows = rows();
    assert!(rows.len() > 30, "{}", rows.len());
    for (class, named) in rows {
        let tests: usize = named.iter().map(|name| SOURCES.tests(name).len()).sum();
        assert!(tests > 0, "{class} has no test");
    }
}

#[test]
fn every_attack_test_is_on_the_page_and_runs() {
    let rows = rows();
    let is_attack = |function: &&Function| function.name.starts_with("attack_");
    for function in SOURCES.functions.iter().filter(is_attack) {
        let name = &function.name;
        let listed = rows
            .iter()
            .flat_map(|(_, named)| named)
            .any(|pattern| fits(pattern, name));
        assert!(listed, "{name} is not in docs/attacks.md");
        assert!(
            SOURCES.runs(function),
            "{name} is no test, or it is ignored"
        );
    }
}
