//! What stops the start, and what the refusal says.

use vestibule::settings::{Listening, Loaded, Settings, Sources};

const SECRETS: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "a salt for tests"
"#;

fn problems(lines: &str, listening: Listening) -> Vec<String> {
    let text = if lines.contains("SECRET_KEY =") {
        lines.to_owned()
    } else {
        format!("{SECRETS}{lines}")
    };
    let sources = Sources {
        file: Some(&text),
        environment: &[],
        kept: None,
        read_file: &|path| std::fs::read_to_string(path),
    };
    Loaded::read(&sources)
        .and_then(|loaded| Settings::new(&loaded, listening))
        .map(drop)
        .map_or_else(
            |problems| problems.iter().map(ToString::to_string).collect(),
            |()| Vec::new(),
        )
}

fn local(lines: &str) -> Vec<String> {
    problems(lines, Listening::Local)
}

#[test]
fn each_mistake_is_named_with_its_fix() {
    for (lines, parts) in [
        (
            "SECURITY_TRACKABEL = true",
            &["SECURITY_TRACKABEL", "did you mean SECURITY_TRACKABLE?"][..],
        ),
        (
            "SECURITY_TRACKABLE = 1",
            &["SECURITY_TRACKABLE", "wrong type", "true or false"],
        ),
        (
            "SECURITY_LOGIN_URL = \"login\"",
            &["SECURITY_LOGIN_URL", "not a path"],
        ),
        (
            "SECURITY_URL_PREFIX = \"api\"",
            &["SECURITY_URL_PREFIX", "/api/accounts"],
        ),
        (
            "SECRET_KEY = \"short\"\nSECURITY_PASSWORD_SALT = \"x\"",
            &["SECRET_KEY", "guessed", "generate"],
        ),
        (
            "SECRET_KEY = \"long enough to be one\"",
            &["SECURITY_PASSWORD_SALT", "hashed twice"],
        ),
        (
            "SECURITY_PASSWORD_HASH = \"md5\"",
            &["SECURITY_PASSWORD_HASH", "argon2"],
        ),
        (
            "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__memory_cost = 8 }",
            &["PASSLIB_OPTIONS", "memory_cost"],
        ),
        (
            "SECURITY_CSRF_PROTECT_MECHANISMS = [\"session\"]",
            &[
                "SECURITY_CSRF_PROTECT_MECHANISMS",
                "WTF_CSRF_CHECK_DEFAULT = false",
            ],
        ),
        (
            "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true",
            &[
                "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS",
                "WTF_CSRF_CHECK_DEFAULT = false",
            ],
        ),
        (
            "CORS_ORIGINS = [\"*\"]\nCORS_SUPPORTS_CREDENTIALS = true",
            &["CORS_ORIGINS", "wildcard", "list the origins"],
        ),
        (
            "SESSION_COOKIE_SAMESITE = \"None\"",
            &["SESSION_COOKIE", "without Secure", "set Secure"],
        ),
        (
            "SESSION_COOKIE_SAMESITE = \"Loose\"",
            &["SESSION_COOKIE_SAMESITE", "Strict or Lax or None"],
        ),
        ("SESSION_COOKIE_NAME = \"__Host-s\"", &["__Host-", "Secure"]),
        ("SESSION_COOKIE_NAME = \"a b\"", &["name cannot be one"]),
        (
            "REMEMBER_COOKIE_PATH = \"/; Secure\"",
            &["REMEMBER_COOKIE", "cannot stand in a cookie"],
        ),
        (
            "SECURITY_CSRF_COOKIE = { same_site = \"Lax\" }",
            &["SECURITY_CSRF_COOKIE", "same_site", "samesite"],
        ),
        (
            "TRUSTED_PROXIES = [\"everybody\"]",
            &["TRUSTED_PROXIES", "everybody", "10.0.0.0/8"],
        ),
        (
            "SECURITY_PUBLIC_URL = \"accounts.example\"",
            &["SECURITY_PUBLIC_URL", "https://"],
        ),
        (
            "SECURITY_PASSWORD_REQUIRED = false",
            &["SECURITY_PASSWORD_REQUIRED", "SECURITY_UNIFIED_SIGNIN"],
        ),
        (
            "SECURITY_UNIFIED_SIGNIN = true",
            &["SECURITY_TOTP_SECRETS", "SECURITY_UNIFIED_SIGNIN"],
        ),
        (
            "SECURITY_REDIRECT_BEHAVIOR = \"spa\"\nSECURITY_RECOVERABLE = true\nSECURITY_RESET_VIEW = \"/r\"",
            &["SECURITY_RESET_ERROR_VIEW", "SECURITY_RECOVERABLE"],
        ),
        (
            "SECURITY_REDIRECT_BEHAVIOR = \"mpa\"",
            &["SECURITY_REDIRECT_BEHAVIOR", "spa"],
        ),
        (
            "SECURITY_USER_IDENTITY_ATTRIBUTES = [\"mail\"]",
            &["mail", "email"],
        ),
        (
            "SECURITY_LOGOUT_METHODS = [\"DELETE\"]",
            &["SECURITY_LOGOUT_METHODS", "POST"],
        ),
        (
            "SECURITY_HEADERS = { \"X Frame\" = \"DENY\" }",
            &["SECURITY_HEADERS", "cannot be a header"],
        ),
        (
            "PERMANENT_SESSION_LIFETIME = \"long\"",
            &["PERMANENT_SESSION_LIFETIME", "15 minutes"],
        ),
        ("= 1", &["not TOML", "line"]),
    ] {
        let said = local(lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    assert_eq!(local("A = 1\nB = 2\nSECURITY_TRACKABLE = 3").len(), 3);
}

#[test]
fn a_public_server_has_to_know_its_name() {
    assert!(problems("", Listening::Public)[0].contains("TRUSTED_HOSTS"));
    for line in [
        "TRUSTED_HOSTS = [\"a.example\"]",
        "SERVER_NAME = \"a.example\"",
    ] {
        assert!(problems(line, Listening::Public).is_empty());
    }
    assert!(local("").is_empty());
}

#[test]
fn the_reference_s_own_defaults_are_no_mistake() {
    assert!(local("").is_empty());
}
