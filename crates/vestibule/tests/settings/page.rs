//! `docs/configuration.md` is generated from the table of keys, so that it cannot drift.

use std::fmt::Write as _;
use std::path::PathBuf;

use vestibule::settings::keys::{self, Kind, Status};

const HEAD: &str = "# Configuration

One TOML file of flat keys, `vestibule.toml` or what `--config` names, and environment variables of the same names,
which win. `<KEY>_FILE` reads a secret or a text from a file. The names and defaults are those of Flask-Security 5.9, Flask and
its extensions; an empty text stands for Python's None. `SECURITY_MSG_<CODE>` replaces the text of a message.

The CSRF cookie is `Secure` unless SECURITY_CSRF_COOKIE says otherwise, as in the reference: browsers keep it over HTTPS, and
over plain HTTP on localhost (Safari does not; set `secure = false` there while developing).

Durations are \"2 days\", \"15 minutes\", \"90 seconds\" or a number of seconds. In the environment, flags are `true` or `false`,
lists are separated by commas or written as TOML or JSON, tables are TOML or JSON.

An unknown key, a value of the wrong type and a combination that cannot work stop the start, with the fix.
`vestibule config check` shows what is in force.

This page is made from the table in `crates/vestibule/src/settings/keys`; `UPDATE_DOCS=1 cargo test -p vestibule --test
settings` writes it anew.
";

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => "flag",
        Kind::Integer => "number",
        Kind::Text => "text",
        Kind::Secret => "secret text",
        Kind::Duration => "duration",
        Kind::DurationOrOff => "duration, or -1",
        Kind::List | Kind::Identities => "list",
        Kind::SecretList => "secret list",
        Kind::Table => "table",
        Kind::SecretTable => "secret table",
        Kind::Any => "any",
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (status, title) in [
        (Status::Served, "In force"),
        (
            Status::NotYet,
            "Known, and of features that this version does not serve yet",
        ),
        (
            Status::NoMeaning,
            "Accepted, and without meaning here (server-rendered pages, Python)",
        ),
    ] {
        let mut keys: Vec<_> = keys::all().filter(|key| key.status == status).collect();
        keys.sort_by_key(|key| key.name);
        write!(
            page,
            "\n## {title}\n\n| key | type | default |\n|---|---|---|\n"
        )
        .unwrap();
        for key in keys {
            let default = key.default.replace('|', "\\|");
            writeln!(
                page,
                "| `{}` | {} | `{default}` |",
                key.name,
                kind(key.kind)
            )
            .unwrap();
        }
    }
    page
}

#[test]
fn the_page_lists_every_key() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == page(),
        "docs/configuration.md is out of date: see its last paragraph"
    );
}

#[test]
fn every_setting_listed_as_in_force_is_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/settings");
    let mut code = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "rs") {
            code += &std::fs::read_to_string(path).unwrap();
        }
    }
    let quoted = |text: &str| code.contains(&format!("\"{text}\""));
    // The attributes of these two cookies are read under a common name.
    let shared = |name: &str| {
        ["SESSION_COOKIE", "REMEMBER_COOKIE"].iter().any(|prefix| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| quoted(prefix) && quoted(&rest[1..]))
        })
    };
    for key in keys::all().filter(|key| key.status == Status::Served) {
        assert!(
            quoted(key.name) || shared(key.name),
            "nothing reads {}",
            key.name
        );
    }
}
