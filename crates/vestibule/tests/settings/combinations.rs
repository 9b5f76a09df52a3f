//! Values that cannot stand beside each other, and what a server that others reach needs.

use vestibule::settings::{Listening, Settings};

use crate::support::{SECRETS, local, problems};

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

#[test]
fn two_endpoints_of_one_path_are_refused_with_both_names() {
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
    // What is off is nowhere.
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
fn the_mode_of_the_socket_is_one() {
    for mode in ["660", "0600", "777"] {
        let line = format!("VESTIBULE_SOCKET_MODE = {mode:?}");
        assert_eq!(local(&line), Vec::<String>::new(), "{mode}");
    }
    for mode in ["", "66", "0o660", "888", "1777", "rw-rw----", "+660"] {
        let said = local(&format!("VESTIBULE_SOCKET_MODE = {mode:?}"));
        assert_eq!(said.len(), 1, "{mode}");
        assert!(said[0].contains("not the mode of a file"), "{}", said[0]);
    }
}

#[test]
fn what_leads_to_views_needs_them_whatever_the_behaviour() {
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
fn what_would_be_passed_over_is_refused() {
    let cookie = "SECURITY_CSRF_COOKIE = { expires = \"Wed, 21 Oct 2037 07:28:00 GMT\" }";
    assert!(local(cookie).concat().contains("max_age"));
    let headers = local("CORS_ORIGINS = [\"https://a.example\"]\nCORS_ALLOW_HEADERS = [\"x-(\"]");
    assert!(headers.concat().contains("CORS_ALLOW_HEADERS"));
}

#[test]
fn the_sender_may_be_a_pair_of_name_and_address() {
    for key in ["SECURITY_EMAIL_SENDER", "MAIL_DEFAULT_SENDER"] {
        let text = format!("{SECRETS}{key} = [\"Accounts\", \"accounts@example.com\"]");
        let settings = Settings::from_toml(&text).unwrap();
        assert_eq!(settings.mail.sender, "Accounts <accounts@example.com>");
    }
}
