//! The configuration in force, for display.

use super::keys::{self, Status};
use super::load::{Loaded, Origin};
use super::masking::without_credentials;

/// A setting in force.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The name.
    pub name: &'static str,
    /// The value, masked if it is secret.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// Whether it has an effect.
    pub status: Status,
}

/// All settings, ordered by name.
#[must_use]
pub fn effective(loaded: &Loaded) -> Vec<Effective> {
    let mut all: Vec<Effective> = keys::all()
        .map(|key| {
            let (value, origin) = loaded.get(key);
            let empty = super::value::is_none(&value)
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_table().is_some_and(toml::Table::is_empty);
            let shown = if key.kind.is_secret() && !empty {
                "********".to_owned()
            } else {
                without_credentials(&value.to_string())
            };
            Effective {
                name: key.name,
                value: shown,
                origin,
                status: key.status,
            }
        })
        .collect();
    all.sort_by_key(|setting| setting.name);
    all
}
