//! The OpenAPI document agrees with the endpoints, the settings, and the copy at the root of the
//! repository.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod document;
mod snapshot;

use serde_json::Value;
use vestibule::Settings;
use vestibule::Vestibule;

const EVERYTHING: &str = include_str!("everything.toml");

const SECRETS: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
"#;

fn vestibule(lines: &str) -> Vestibule {
    let settings = Settings::from_toml(lines).unwrap_or_else(|error| panic!("{error}"));
    Vestibule::builder(settings)
        .hashing_threads(1)
        .build()
        .unwrap()
}

/// The document for these lines and the secrets.
fn document_of(lines: &str) -> Value {
    serde_json::from_str(&vestibule(&format!("{SECRETS}{lines}")).openapi()).unwrap()
}
