//! `docs/configuration.md` is generated from the table of keys, so that it cannot drift.

use std::fmt::Write as _;
use std::path::PathBuf;

use vestibule::program::keys::{self, Kind, Status};

const HEAD: &str = "# Configuration

Settings come from one TOML file of flat keys (`vestibule.toml`, or the file that `--config` names) and from the environment. An
environment variable with the name of a setting overrides the file. `<KEY>_FILE` names a file that holds a secret or a text. Names
and defaults are those of Flask-Security 5.9, Flask and its extensions. An empty string stands for Python's None.

- A duration is a string such as \"2 days\", \"15 minutes\" or \"90 seconds\", or a number of seconds.
- In an environment variable, a flag is `true` or `false`. A list is separated by commas, or written as TOML or JSON. A table is
  written as TOML or JSON.
- `SECURITY_MSG_<CODE>` replaces the text of a message ([messages.md](features/messages.md)).
- The CSRF cookie is `Secure` unless `SECURITY_CSRF_COOKIE` says otherwise, as in Flask-Security. Browsers accept such a cookie
  over HTTPS, and over plain HTTP on localhost. Safari does not accept it on localhost: set `secure = false` there during
  development.

The server does not start with an unknown key, a value of the wrong type, or a combination of settings that cannot work. The error
names the fix. `vestibule config check` shows the settings in force.

This page is generated from the table in `crates/vestibule/src/settings/keys`. To update it, run
`UPDATE_DOCS=1 cargo test -p vestibule --test settings`.
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
        (Status::Served, "Served"),
        (Status::NotYet, "Known, but not served yet"),
        (
            Status::NoMeaning,
            "Accepted without effect (server-rendered pages, Python)",
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
