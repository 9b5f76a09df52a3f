//! The OpenAPI document: in step with the endpoints, with the settings, and with the copy at
//! the root.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod document;
mod snapshot;

use serde_json::Value;
use vestibule::Vestibule;
use vestibule::settings::Settings;

const EVERYTHING: &str = include_str!("everything.toml");

const SECRETS: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
"#;

fn vestibule(lines: &str) -> Vestibule {
    let settings = Settings::from_toml(lines).unwrap_or_else(|problems| {
        panic!(
            "{}",
            problems
                .iter()
                .map(|p| format!("{p}\n"))
                .collect::<String>()
        )
    });
    Vestibule::builder(settings)
        .hashing_threads(1)
        .build()
        .unwrap()
}

/// The document of these lines, beside the secrets.
fn document_of(lines: &str) -> Value {
    serde_json::from_str(&vestibule(&format!("{SECRETS}{lines}")).openapi()).unwrap()
}
