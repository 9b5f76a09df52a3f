//! The walls between the folders of the crate: which folder may not use which.

use std::collections::BTreeSet;
use std::path::Path;

/// A folder, and the prefixes of `use` that are forbidden in it.
const WALLS: [(&str, &[&str]); 10] = [
    (
        "settings",
        &[
            "http",
            "session",
            "mail",
            "sms",
            "outbox",
            "secrets",
            "validation",
            "features",
            "embed",
            "app",
            "hooks",
        ],
    ),
    (
        "http",
        &[
            "session",
            "features",
            "mail",
            "sms",
            "embed",
            "validation",
            "secrets",
            "admin",
        ],
    ),
    (
        "messages",
        &[
            "session",
            "features",
            "mail",
            "sms",
            "embed",
            "app",
            "validation",
        ],
    ),
    ("session", &["features", "embed", "admin"]),
    (
        "guard",
        &[
            "session",
            "mail",
            "features",
            "embed",
            "admin",
            "validation",
        ],
    ),
    ("mail", &["session", "features", "embed", "admin"]),
    ("sms", &["session", "features", "embed", "admin"]),
    (
        "providers",
        &[
            "session", "features", "embed", "admin", "mail", "sms", "app", "messages",
        ],
    ),
    ("outbox", &["session", "features", "embed", "admin"]),
    ("validation", &["session", "features", "embed", "admin"]),
];

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The lines of a source, but for its unit tests, that use a forbidden module of the crate.
fn breaches<'a>(source: &'a str, forbidden: &[&str]) -> Vec<&'a str> {
    let code = |line: &&str| !line.trim_start().starts_with("//");
    let breaks = |line: &&str| {
        line.match_indices("crate::").any(|(at, word)| {
            let rest = &line[at + word.len()..];
            let module: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            forbidden.contains(&module.as_str()) || rest.starts_with('{')
        })
    };
    let tests = source.find("#[cfg(test)]\nmod tests {");
    let source = &source[..tests.unwrap_or(source.len())];
    source.lines().filter(code).filter(breaks).collect()
}

#[test]
fn no_folder_uses_a_folder_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (folder, forbidden) in WALLS {
        let sources = sources(&src.join(folder));
        assert!(!sources.is_empty(), "{folder} has no sources");
        for path in sources {
            let text = std::fs::read_to_string(&path).unwrap();
            let found = breaches(&text, forbidden);
            assert!(found.is_empty(), "{}: {found:?}", path.display());
        }
    }
}

#[test]
fn no_feature_uses_another() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/features");
    let name = |path: &Path| {
        let relative = path.strip_prefix(&src).unwrap().components().next();
        let first = Path::new(relative.unwrap().as_os_str()).with_extension("");
        first.to_str().unwrap().to_owned()
    };
    let paths = sources(&src);
    let features: Vec<String> = paths.iter().map(|path| name(path)).collect();
    for path in &paths {
        let own = name(path);
        let text = std::fs::read_to_string(path).unwrap();
        for feature in &features {
            let shared = matches!(feature.as_str(), "api" | "mod") || *feature == own;
            // The document describes all of them.
            let describes = matches!(own.as_str(), "api" | "mod");
            let used = text.contains(&format!("features::{feature}::"));
            assert!(shared || describes || !used, "{own} uses {feature}");
        }
    }
}

/// The modules of the crate, and those in the table of ARCHITECTURE.md.
fn modules_and_map() -> (BTreeSet<String>, BTreeSet<String>) {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = std::fs::read_dir(crate_folder.join("src")).unwrap();
    let modules = modules.map(|entry| {
        let path = entry.unwrap().path().with_extension("");
        path.file_name().unwrap().to_str().unwrap().to_owned()
    });
    let modules = modules.filter(|module| module != "lib").collect();
    let page = std::fs::read_to_string(crate_folder.join("../../ARCHITECTURE.md")).unwrap();
    let (_, table) = page.split_once("| module | holds |").unwrap();
    let names = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| line.split('|').nth(1).unwrap().split(','))
        .map(|name| {
            name.trim()
                .trim_matches('`')
                .trim_end_matches('/')
                .to_owned()
        });
    (modules, names.collect())
}

#[test]
fn the_map_in_architecture_lists_every_module_and_no_other() {
    let (modules, map) = modules_and_map();
    assert_eq!(modules, map);
}

/// Session's row names its files in brackets.
#[test]
fn the_map_in_architecture_lists_every_file_of_session() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(crate_folder.join("../../ARCHITECTURE.md")).unwrap();
    let row = page.lines().find(|line| line.starts_with("| `session/`"));
    let row = row.unwrap();
    for path in sources(&crate_folder.join("src/session")) {
        let folder = crate_folder.join("src/session");
        let depth = path.strip_prefix(&folder).unwrap().components().count();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let listed = row.contains(&format!("(`{name}`)"));
        assert!(listed || depth > 1 || name == "mod", "{name} is not listed");
    }
}

#[test]
fn a_breach_of_a_wall_is_found() {
    let breach = "use crate::session::context::Caller;";
    assert_eq!(breaches(breach, &["session"]), [breach]);
    assert_eq!(breaches("fn f(x: crate::app::App) {}", &["app"]).len(), 1);
    assert_eq!(
        breaches("use crate::{session, app};", &["session"]).len(),
        1
    );
    assert!(breaches("// use crate::session::x;", &["session"]).is_empty());
    assert!(breaches("use crate::sessions::x;", &["session"]).is_empty());
}
