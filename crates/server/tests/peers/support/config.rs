//! One configuration for both servers: JSON for the reference, TOML for ours.

use serde_json::{Map, Value, json};

pub(crate) const SECRET: &str = "oracle-secret-key-0123456789abcdef-0123456789";
pub(crate) const PREFIX: &str = "/api/accounts";

/// The documented single-page-app configuration, with the secrets and the cheap password hashing
/// that a test needs.
pub(crate) fn spa() -> Map<String, Value> {
    let Value::Object(config) = json!({
        "SECRET_KEY": SECRET,
        "SECURITY_PASSWORD_SALT": "146585145368132386173505678016728509634",
        "SECURITY_TOTP_SECRETS": {"1": "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"},
        "SECURITY_TOTP_ISSUER": "oracle",
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__time_cost": 1, "argon2__memory_cost": 1024, "argon2__parallelism": 1
        },
        "SECURITY_FLASH_MESSAGES": false,
        "SECURITY_URL_PREFIX": PREFIX,
        "SECURITY_RECOVERABLE": true,
        "SECURITY_TRACKABLE": true,
        "SECURITY_CHANGEABLE": true,
        "SECURITY_CONFIRMABLE": true,
        "SECURITY_REGISTERABLE": true,
        "SECURITY_UNIFIED_SIGNIN": true,
        "SECURITY_POST_CONFIRM_VIEW": "/confirmed",
        "SECURITY_CONFIRM_ERROR_VIEW": "/confirm-error",
        "SECURITY_RESET_VIEW": "/reset-password",
        "SECURITY_RESET_ERROR_VIEW": "/reset-password-error",
        "SECURITY_LOGIN_ERROR_VIEW": "/login-error",
        "SECURITY_POST_OAUTH_LOGIN_VIEW": "/post-oauth-login",
        "SECURITY_REDIRECT_BEHAVIOR": "spa",
        "SECURITY_CSRF_PROTECT_MECHANISMS": ["session", "basic"],
        "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": true,
        "SECURITY_CSRF_COOKIE_NAME": "XSRF-TOKEN",
        "WTF_CSRF_CHECK_DEFAULT": false,
        "WTF_CSRF_TIME_LIMIT": null,
    }) else {
        unreachable!("written as an object")
    };
    config
}

/// The single-page-app configuration with some keys changed.
pub(crate) fn spa_with(changes: &Value) -> Map<String, Value> {
    let mut config = spa();
    for (key, value) in changes.as_object().expect("an object of keys") {
        config.insert(key.clone(), value.clone());
    }
    config
}

/// The configuration as TOML: None becomes the empty string, `{"seconds": N}` becomes N.
pub(crate) fn to_toml(config: &Map<String, Value>) -> String {
    let table: toml::Table = config
        .iter()
        .map(|(key, value)| (key.clone(), toml_value(value)))
        .collect();
    toml::to_string(&table).expect("plain values")
}

fn toml_value(value: &Value) -> toml::Value {
    match value {
        Value::Null => toml::Value::String(String::new()),
        Value::Bool(flag) => toml::Value::Boolean(*flag),
        Value::Number(number) => toml::Value::Integer(number.as_i64().expect("a whole number")),
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => toml::Value::Array(items.iter().map(toml_value).collect()),
        Value::Object(all) => match all.get("seconds") {
            Some(seconds) if all.len() == 1 => toml_value(seconds),
            _ => toml::Value::Table(
                all.iter()
                    .map(|(key, value)| (key.clone(), toml_value(value)))
                    .collect(),
            ),
        },
    }
}
