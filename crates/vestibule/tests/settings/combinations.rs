//! Conflicting settings, and settings that a public server needs.

use vestibule::program::Listening;

use crate::support::{local, problems};

#[test]
fn all_mistakes_are_reported_at_once() {
    assert_eq!(local("A = 1\nB = 2\nSECURITY_TRACKABLE = 3").len(), 3);
}

#[test]
fn a_public_server_needs_a_host_name() {
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
fn the_references_defaults_are_valid() {
    assert!(local("").is_empty());
}

#[test]
fn two_endpoints_with_one_path_are_refused_with_both_names() {
    let features = "SECURITY_REGISTERABLE = true\nSECURITY_RECOVERABLE = true\n\
         SECURITY_CHANGEABLE = true\nSECURITY_CONFIRMABLE = true\nSECURITY_CHANGE_EMAIL = true\n\
         SECURITY_USERNAME_ENABLE = true\nSECURITY_CHANGE_USERNAME = true\n\
         SECURITY_USERNAME_RECOVERY = true\nSECURITY_REFRESH_TOKEN = true\n";
    let views = [
        "POST_CONFIRM_VIEW",
        "CONFIRM_ERROR_VIEW",
        "RESET_VIEW",
        "RESET_ERROR_VIEW",
        "POST_CHANGE_EMAIL_VIEW",
        "CHANGE_EMAIL_ERROR_VIEW",
    ];
    let views: String = views
        .iter()
        .map(|view| format!("SECURITY_{view} = \"/view\"\n"))
        .collect();
    let features = format!("{features}{views}");
    for (line, one, other) in [
        (
            "SECURITY_REGISTER_URL = \"/login\"",
            "SECURITY_REGISTER_URL",
            "SECURITY_LOGIN_URL",
        ),
        (
            "SECURITY_CHANGE_URL = \"/reset\"",
            "SECURITY_CHANGE_URL",
            "SECURITY_RESET_URL",
        ),
        (
            "SECURITY_RESET_URL = \"/confirm\"",
            "SECURITY_RESET_URL",
            "SECURITY_CONFIRM_URL",
        ),
        (
            "SECURITY_CONFIRM_URL = \"/authz\"",
            "SECURITY_CONFIRM_URL",
            "the authz endpoint",
        ),
        (
            "SECURITY_CHANGE_EMAIL_URL = \"/openapi.json\"",
            "SECURITY_CHANGE_EMAIL_URL",
            "the OpenAPI document",
        ),
        (
            "SECURITY_CHANGE_USERNAME_URL = \"/change\"",
            "SECURITY_CHANGE_USERNAME_URL",
            "SECURITY_CHANGE_URL",
        ),
        (
            "SECURITY_USERNAME_RECOVERY_URL = \"/refresh-token\"",
            "SECURITY_USERNAME_RECOVERY_URL",
            "SECURITY_REFRESH_TOKEN_URL",
        ),
        (
            "SECURITY_RESET_URL = \"/healthz\"",
            "SECURITY_RESET_URL",
            "the health check",
        ),
        (
            "SECURITY_REGISTER_URL = \"/dev/mailbox\"",
            "SECURITY_REGISTER_URL",
            "the developer's mailbox",
        ),
        (
            "SECURITY_URL_PREFIX = \"/healthz\"\nSECURITY_LOGIN_URL = \"/\"",
            "SECURITY_LOGIN_URL",
            "the health check",
        ),
    ] {
        let said = local(&format!("{features}{line}"));
        assert_eq!(said.len(), 1, "{line}: {said:?}");
        assert!(said[0].starts_with(&format!("{one}: ")), "{}", said[0]);
        assert!(
            said[0].contains(&format!("also the path of {other};")),
            "{}",
            said[0]
        );
    }
    // A disabled endpoint has no path that could conflict.
    for line in [
        "SECURITY_REGISTER_URL = \"/login\"",
        "SECURITY_FRESHNESS = \"-1 seconds\"\nSECURITY_VERIFY_URL = \"/login\"",
        "SECURITY_RECOVERABLE = true\nMAIL_SUPPRESS_SEND = true\nSECURITY_RESET_URL = \"/dev/mailbox\"",
    ] {
        let said = local(&format!("{views}{line}"));
        assert_eq!(said, Vec::<String>::new(), "{line}");
    }
}

#[test]
fn the_socket_mode_must_be_a_file_mode() {
    for mode in ["660", "0600", "777"] {
        let line = format!("VESTIBULE_SOCKET_MODE = {mode:?}");
        assert_eq!(local(&line), Vec::<String>::new(), "{mode}");
    }
    for mode in ["", "66", "0o660", "888", "1777", "rw-rw----", "+660"] {
        let said = local(&format!("VESTIBULE_SOCKET_MODE = {mode:?}"));
        assert_eq!(said.len(), 1, "{mode}");
        assert!(said[0].contains("not a file mode"), "{}", said[0]);
    }
}

#[test]
fn features_that_redirect_need_their_views_under_every_behaviour() {
    for behaviour in ["", "SECURITY_REDIRECT_BEHAVIOR = \"spa\"\n"] {
        let lines = format!("{behaviour}SECURITY_CONFIRMABLE = true\nSECURITY_RECOVERABLE = true");
        let named = local(&lines).join("\n");
        for view in [
            "POST_CONFIRM_VIEW",
            "CONFIRM_ERROR_VIEW",
            "RESET_VIEW",
            "RESET_ERROR_VIEW",
        ] {
            assert!(named.contains(&format!("SECURITY_{view}")), "{named}");
        }
    }
}

#[test]
fn values_that_would_be_ignored_are_refused() {
    let cookie = "SECURITY_CSRF_COOKIE = { expires = \"Wed, 21 Oct 2037 07:28:00 GMT\" }";
    assert!(local(cookie).concat().contains("max_age"));
    let headers = local("CORS_ORIGINS = [\"https://a.example\"]\nCORS_ALLOW_HEADERS = [\"x-(\"]");
    assert!(headers.concat().contains("CORS_ALLOW_HEADERS"));
}

#[test]
fn attack_wrong_purpose_two_purposes_with_the_same_salt_stop_the_start() {
    for (lines, key, other) in [
        (
            "SECURITY_LOGIN_SALT = \"one\"\nSECURITY_RESET_SALT = \"one\"",
            "SECURITY_LOGIN_SALT",
            "SECURITY_RESET_SALT",
        ),
        // A salt equal to the default of an unset key, whichever of the two comes first in the
        // table.
        (
            "SECURITY_LOGIN_SALT = \"reset-salt\"",
            "SECURITY_LOGIN_SALT",
            "the default of SECURITY_RESET_SALT",
        ),
        (
            "SECURITY_CONFIRM_SALT = \"refresh-token-salt\"",
            "SECURITY_CONFIRM_SALT",
            "the default of SECURITY_REFRESH_TOKEN_SALT",
        ),
        // A Flask application with the same secret may serve the features that are not served here
        // yet.
        (
            "SECURITY_WAN_SALT = \"remember-salt\"",
            "SECURITY_WAN_SALT",
            "the default of SECURITY_REMEMBER_SALT",
        ),
        (
            "SECURITY_RESET_SALT = \"tf-validity-salt\"",
            "SECURITY_RESET_SALT",
            "the default of SECURITY_TWO_FACTOR_VALIDITY_SALT",
        ),
        // Salts that no setting changes.
        (
            "SECURITY_RESET_SALT = \"wtf-csrf-token\"",
            "SECURITY_RESET_SALT",
            "CSRF tokens",
        ),
        (
            "SECURITY_REMEMBER_SALT = \"cookie-session\"",
            "SECURITY_REMEMBER_SALT",
            "session cookies",
        ),
        (
            "SECURITY_CHANGE_EMAIL_SALT = \"\"",
            "SECURITY_CHANGE_EMAIL_SALT",
            "empty",
        ),
    ] {
        let said = local(lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        // The message names both keys, in whichever order the table lists them.
        for part in [key, other, "remove it, or set it"] {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
    }
    let all =
        "SECURITY_LOGIN_SALT = \"x\"\nSECURITY_RESET_SALT = \"x\"\nSECURITY_CONFIRM_SALT = \"x\"";
    assert_eq!(local(all).len(), 2);
    let exchanged = "SECURITY_LOGIN_SALT = \"reset-salt\"\nSECURITY_RESET_SALT = \"login-salt\"";
    assert_eq!(local(exchanged), Vec::<String>::new());
}

#[test]
fn a_cookie_that_browsers_would_reject_stops_the_start() {
    for (lines, parts) in [
        (
            "SESSION_COOKIE_SECURE = true\nSECURITY_PUBLIC_URL = \"http://accounts.example\"",
            &["SESSION_COOKIE_SECURE", "plain HTTP", "https://"][..],
        ),
        (
            "SESSION_COOKIE_DOMAIN = \".example.com\"",
            &["SESSION_COOKIE_DOMAIN", "localhost", "TRUSTED_HOSTS"],
        ),
        (
            "SERVER_NAME = \"a.example\"\nSECURITY_REFRESH_TOKEN = true\nSECURITY_REFRESH_TOKEN_COOKIE_NAME = \"r\"\nSECURITY_REFRESH_TOKEN_COOKIE = { domain = \"b.example\" }",
            &["SECURITY_REFRESH_TOKEN_COOKIE", "b.example", "a.example"],
        ),
    ] {
        let said = local(lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
    }
    for fine in [
        "SESSION_COOKIE_SECURE = true\nSECURITY_PUBLIC_URL = \"http://localhost:5000\"",
        "SESSION_COOKIE_SECURE = true\nSECURITY_PUBLIC_URL = \"https://accounts.example\"",
        // This is valid behind a proxy that changes the Host header.
        "SESSION_COOKIE_DOMAIN = \"example.com\"\nSECURITY_PUBLIC_URL = \"https://app.example.com\"",
    ] {
        assert_eq!(local(fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn limits_that_no_request_can_meet_stop_the_start() {
    for (lines, parts) in [
        (
            "WTF_CSRF_TIME_LIMIT = 0",
            &["WTF_CSRF_TIME_LIMIT", "expired on arrival"][..],
        ),
        (
            "MAX_CONTENT_LENGTH = 20",
            &["MAX_CONTENT_LENGTH", "too few for a sign-in"],
        ),
        (
            "SECURITY_PASSWORD_LENGTH_MIN = 200",
            &["SECURITY_PASSWORD_LENGTH_MIN", "128", "8 to 64"],
        ),
    ] {
        let said = local(lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
    }
    assert_eq!(local("WTF_CSRF_TIME_LIMIT = \"\""), Vec::<String>::new());
}
