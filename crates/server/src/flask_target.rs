//! Describes vestibule's settings for `config import`.

use vestibule::program::keys::{self, Status};
use vestibule::program::rng::SystemRandom;
use vestibule::program::{Listening, Loaded, Settings, Sources};
use vestibule_flask_config::{Kind, Problem, Setting, Support, Target};
use vestibule_store::sql::Database;

use crate::data_folder;

/// vestibule as the target of an imported Flask configuration.
#[derive(Debug, Clone, Copy)]
pub struct Vestibule;

impl Target for Vestibule {
    fn setting(&self, name: &str) -> Option<Setting> {
        let other = |is_secret| Setting {
            kind: Kind::Other,
            is_secret,
            support: Support::Served,
        };
        match keys::find(name) {
            Some(key) => Some(Setting {
                kind: match key.kind {
                    keys::Kind::Flag => Kind::Flag,
                    keys::Kind::Integer => Kind::Integer,
                    keys::Kind::Identities => Kind::Identities,
                    _ => Kind::Other,
                },
                is_secret: key.kind.is_secret(),
                support: match key.status {
                    Status::Served => Support::Served,
                    Status::NotYet => Support::NotServed,
                    Status::NoMeaning => Support::NoEffect,
                },
            }),
            None if keys::is_message(name) => Some(other(false)),
            None if is_provider(name) => Some(other(name.ends_with("_SECRET"))),
            None => None,
        }
    }

    fn nearest(&self, name: &str) -> Option<String> {
        keys::nearest(name)
    }

    fn check(&self, line: &str) -> Result<(), String> {
        load(line, None).map_err(|problems| match problems.first() {
            Some(problem) => format!("{}; {}", problem.what, problem.fix),
            None => "is refused".to_owned(),
        })?;
        // The settings check the address only together with the others.
        let parsed: toml::Table = line.parse().unwrap_or_default();
        match parsed
            .get("SQLALCHEMY_DATABASE_URI")
            .and_then(toml::Value::as_str)
        {
            Some(uri) if !uri.is_empty() => Database::at(uri)
                .map(drop)
                .map_err(|error| format!("is the address of an unsupported database: {error}")),
            _ => Ok(()),
        }
    }

    fn problems(&self, toml: &str) -> Vec<Problem> {
        let fresh = data_folder::fresh_secrets(&SystemRandom);
        // The server generates secrets only if it uses its embedded database.
        let loaded = match load(toml, None) {
            Ok(loaded) if loaded.is_set("SQLALCHEMY_DATABASE_URI") => Ok(loaded),
            _ => load(toml, Some(&fresh)),
        };
        match loaded.and_then(|loaded| Settings::new(&loaded, Listening::Local)) {
            Ok(_) => Vec::new(),
            Err(problems) => problems
                .into_iter()
                .map(|problem| Problem {
                    setting: problem.key,
                    what: problem.what,
                    fix: problem.fix,
                })
                .collect(),
        }
    }
}

/// Loads a configuration without the environment and without other files.
fn load(toml: &str, kept: Option<&str>) -> Result<Loaded, Vec<vestibule::program::Problem>> {
    Loaded::read(&Sources {
        file: Some(toml),
        environment: &[],
        kept,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
    })
}

/// Whether a name is the client ID or secret of an OAuth provider that the application defines.
fn is_provider(name: &str) -> bool {
    !name.starts_with("SECURITY_")
        && ["_CLIENT_ID", "_CLIENT_SECRET"]
            .iter()
            .any(|end| name.len() > end.len() && name.ends_with(end))
}
