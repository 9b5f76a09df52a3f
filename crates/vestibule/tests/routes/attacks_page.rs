//! `docs/attacks.md` and the tests agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every function in the sources of the workspace.
fn functions() -> BTreeSet<String> {
    let mut functions = BTreeSet::new();
    let mut folders = vec![root().join("crates"), root().join("deploy")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let names = text.split("fn ").skip(1).map(|rest| {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    rest[..end.unwrap_or(rest.len())].to_owned()
                });
                functions.extend(names);
            }
        }
    }
    functions
}

/// The names between backticks in the second column of the table.
fn named() -> BTreeSet<String> {
    let page = fs::read_to_string(root().join("docs/attacks.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut named = BTreeSet::new();
    for row in rows {
        let tests = row.split('|').nth(2).unwrap_or_else(|| panic!("{row}"));
        named.extend(tests.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    named
}

/// Whether the pattern is this name, or its parts around a star begin and end the name.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => pattern == name,
    }
}

#[test]
fn every_test_named_on_the_page_exists() {
    let functions = functions();
    assert!(functions.len() > 500, "{}", functions.len());
    for pattern in named().iter().filter(|pattern| pattern.contains('_')) {
        let there = functions.iter().any(|name| fits(pattern, name));
        assert!(
            there,
            "docs/attacks.md names {pattern}, but there is no such test"
        );
    }
}

#[test]
fn every_attack_test_is_on_the_page() {
    let named = named();
    for name in functions()
        .iter()
        .filter(|name| name.starts_with("attack_"))
    {
        let there = named.iter().any(|pattern| fits(pattern, name));
        assert!(there, "{name} is not in docs/attacks.md");
    }
}
