//! Settings that stop the start, and the messages about them.

use crate::support::local;

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
            "SECURITY_URL_PREFIX = \"/:api\"",
            &["SECURITY_URL_PREFIX", "not a path"],
        ),
        (
            "SECURITY_LOGIN_URL = \"/:login\"",
            &["SECURITY_LOGIN_URL", "not a path"],
        ),
        (
            "SECURITY_LOGOUT_URL = \"/login\"",
            &["SECURITY_LOGOUT_URL", "also the path of SECURITY_LOGIN_URL"],
        ),
        (
            "SECURITY_LOGIN_URL = \"/healthz\"",
            &["SECURITY_LOGIN_URL", "health check", "another"],
        ),
        (
            "SECURITY_VERIFY_URL = \"/login\"",
            &["SECURITY_VERIFY_URL", "also the path of SECURITY_LOGIN_URL"],
        ),
        (
            "SECURITY_REFRESH_TOKEN = true\nSECURITY_REFRESH_TOKEN_URL = \"/openapi.json\"",
            &["SECURITY_REFRESH_TOKEN_URL", "OpenAPI document"],
        ),
        (
            "SECURITY_REGISTER_URL = \"register\"",
            &["SECURITY_REGISTER_URL", "not a path"],
        ),
        (
            "SECURITY_POST_LOGOUT_VIEW = \"home\"",
            &["SECURITY_POST_LOGOUT_VIEW", "\"home\"", "/done"],
        ),
        (
            "SECRET_KEY_FALLBACKS = [\"an old key, long enough\", \"\"]",
            &["SECRET_KEY_FALLBACKS", "empty key", "remove it"],
        ),
        (
            "SECRET_KEY = \"short\"\nSECURITY_PASSWORD_SALT = \"x\"",
            &["SECRET_KEY", "could guess", "generate"],
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
            "SECURITY_DEPRECATED_PASSWORD_SCHEMES = [\"bcrypt\", \"md5\"]",
            &[
                "SECURITY_DEPRECATED_PASSWORD_SCHEMES",
                "\"md5\"",
                "use one of bcrypt, argon2",
            ],
        ),
        (
            "SECURITY_DEPRECATED_PASSWORD_SCHEMES = [\"auto\", \"bcrypt\"]",
            &["SECURITY_DEPRECATED_PASSWORD_SCHEMES", "and other schemes"],
        ),
        (
            "SECURITY_DEPRECATED_PASSWORD_SCHEMES = [\"argon2\"]",
            &[
                "SECURITY_DEPRECATED_PASSWORD_SCHEMES",
                "scheme for new passwords",
            ],
        ),
        (
            "SECURITY_DEPRECATED_PASSWORD_SCHEMES = []\nSECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { bcrypt__rounds = 99 }",
            &["PASSLIB_OPTIONS", "bcrypt__rounds"],
        ),
        (
            "SECURITY_PHONE_REGION_DEFAULT = \"UK\"",
            &["SECURITY_PHONE_REGION_DEFAULT", "\"UK\"", "GB"],
        ),
        (
            "SECURITY_PHONE_REGION_DEFAULT = \"us\"",
            &["SECURITY_PHONE_REGION_DEFAULT", "two capital letters"],
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
            &["SESSION_COOKIE", "without Secure", "switch Secure on"],
        ),
        (
            "SESSION_COOKIE_SAMESITE = \"Loose\"",
            &["SESSION_COOKIE_SAMESITE", "Strict or Lax or None"],
        ),
        ("SESSION_COOKIE_NAME = \"__Host-s\"", &["__Host-", "Secure"]),
        (
            "SESSION_COOKIE_NAME = \"a b\"",
            &["cookie name is not valid"],
        ),
        (
            "REMEMBER_COOKIE_PATH = \"/; Secure\"",
            &["REMEMBER_COOKIE", "not valid in a cookie"],
        ),
        (
            "REMEMBER_COOKIE_PATH = \"api\"",
            &["REMEMBER_COOKIE", "the path \"api\""],
        ),
        (
            "SESSION_COOKIE_DOMAIN = \"https://a.example\"",
            &["SESSION_COOKIE", "without a scheme and a port"],
        ),
        (
            "SERVER_NAME = \"a.example\"\nSESSION_COOKIE_DOMAIN = \"b.example\"",
            &["SESSION_COOKIE_DOMAIN", "a.example", "discard the cookie"],
        ),
        (
            "REMEMBER_COOKIE_NAME = \"session\"",
            &["REMEMBER_COOKIE_NAME", "SESSION_COOKIE_NAME"],
        ),
        (
            "SECURITY_CSRF_COOKIE = { secure = \"yes\" }",
            &["SECURITY_CSRF_COOKIE", "secure", "true or false"],
        ),
        (
            "SECURITY_TWO_FACTOR_VALIDITY_COOKIE = { samesite = \"Loose\" }",
            &["SECURITY_TWO_FACTOR_VALIDITY_COOKIE", "Lax"],
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
            &["SECURITY_HEADERS", "not a valid header"],
        ),
        (
            "PERMANENT_SESSION_LIFETIME = \"long\"",
            &["PERMANENT_SESSION_LIFETIME", "15 minutes"],
        ),
        (
            "PERMANENT_SESSION_LIFETIME = \"\"",
            &["PERMANENT_SESSION_LIFETIME", "is zero", "15 minutes"],
        ),
        (
            "PERMANENT_SESSION_LIFETIME = \"999999999 weeks\"",
            &["PERMANENT_SESSION_LIFETIME", "15 minutes"],
        ),
        (
            "VESTIBULE_REQUEST_TIMEOUT = 0",
            &["VESTIBULE_REQUEST_TIMEOUT", "is zero"],
        ),
        (
            "VESTIBULE_WRITE_TIMEOUT = 0",
            &["VESTIBULE_WRITE_TIMEOUT", "is zero"],
        ),
        (
            "VESTIBULE_IDLE_TIMEOUT = \"\"",
            &["VESTIBULE_IDLE_TIMEOUT", "is zero"],
        ),
        (
            "VESTIBULE_MAX_CONNECTIONS = 0",
            &["VESTIBULE_MAX_CONNECTIONS", "from 1 to"],
        ),
        (
            "VESTIBULE_OUTBOX_LEASE = \"2 minutes\"\nMAIL_SERVER = \"mail.example.com\"",
            &["VESTIBULE_OUTBOX_LEASE", "120 seconds", "MAIL_TIMEOUT"],
        ),
        (
            "VESTIBULE_OUTBOX_LEASE = 0",
            &["VESTIBULE_OUTBOX_LEASE", "is zero"],
        ),
        (
            "MAX_CONTENT_LENGTH = 0",
            &["MAX_CONTENT_LENGTH", "1 or more"],
        ),
        (
            "SECURITY_ZXCVBN_MINIMUM_SCORE = 9",
            &["SECURITY_ZXCVBN_MINIMUM_SCORE", "from 0 to 4"],
        ),
        (
            "SECURITY_PASSWORD_COMPLEXITY_CHECKER = \"zxcvbm\"",
            &["SECURITY_PASSWORD_COMPLEXITY_CHECKER", "zxcvbn"],
        ),
        (
            "SECURITY_PASSWORD_CHECK_BREACHED = \"strikt\"",
            &["SECURITY_PASSWORD_CHECK_BREACHED", "strict or best-effort"],
        ),
        (
            "SECURITY_PASSWORD_CHECK_BREACHED = true",
            &["SECURITY_PASSWORD_CHECK_BREACHED", "best-effort"],
        ),
        (
            "SECURITY_PASSWORD_BREACHED_COUNT = 0",
            &["SECURITY_PASSWORD_BREACHED_COUNT", "1 or more"],
        ),
        (
            "SECURITY_PASSWORD_BREACHED_ORIGIN = \"leaked.example\"",
            &["SECURITY_PASSWORD_BREACHED_ORIGIN", "not an origin"],
        ),
        (
            "SECURITY_PASSWORD_BREACHED_ORIGIN = \"http://leaked.example\"",
            &[
                "SECURITY_PASSWORD_BREACHED_ORIGIN",
                "plain HTTP",
                "https://",
            ],
        ),
        (
            "SECURITY_EMAIL_VALIDATOR_ARGS = { check_deliverability = true, timeout = 0 }",
            &["SECURITY_EMAIL_VALIDATOR_ARGS", "from 1 to 30"],
        ),
        (
            "SECURITY_LIMITS = \"onn\"",
            &["SECURITY_LIMITS", "\"onn\"", "on or log or off"],
        ),
        (
            "SECURITY_LIMIT_PASSWORD = \"10 per fortnight\"",
            &[
                "SECURITY_LIMIT_PASSWORD",
                "\"10 per fortnight\"",
                "10 per 15 minutes",
            ],
        ),
        (
            "SECURITY_LIMIT_SEND = \"5 per day; 6 per 24 hours\"",
            &["SECURITY_LIMIT_SEND", "same period"],
        ),
        (
            "SECURITY_LINKS_CONSUMED_BY = \"pst\"",
            &["SECURITY_LINKS_CONSUMED_BY", "\"pst\"", "get or post"],
        ),
        (
            "SECURITY_API_ENABLED_METHODS = [\"session\", \"cookie\"]",
            &["SECURITY_API_ENABLED_METHODS", "\"cookie\"", "token"],
        ),
        (
            "SECURITY_MSG_INVALID_PASWORD = \"x\"",
            &["did you mean SECURITY_MSG_INVALID_PASSWORD?"],
        ),
        (
            "EXAMPLE_CLIENT_SECRET = 1",
            &["EXAMPLE_CLIENT_SECRET", "a string in quotes"],
        ),
        (
            "SECURITY_EXAMPLE_CLIENT_ID = \"x\"",
            &["SECURITY_EXAMPLE_CLIENT_ID", "not a setting"],
        ),
        (
            "SERVER_NAME = \"https://a.example\"",
            &["SERVER_NAME", "without a scheme"],
        ),
        (
            "TRUSTED_HOSTS = [\"a.example\", \"b.example/\"]",
            &["TRUSTED_HOSTS", "b.example/", "without a scheme"],
        ),
        (
            "SECURITY_REDIRECT_HOST = \"http://localhost:8080\"",
            &["SECURITY_REDIRECT_HOST", "without a scheme"],
        ),
        (
            "APPLICATION_ROOT = \"x\"",
            &["APPLICATION_ROOT", "not a path"],
        ),
        ("USER_TABLE_NAME = \"\"", &["USER_TABLE_NAME", "letters"]),
        (
            "USER_TABLE_NAME = \"Role\"",
            &["ROLE_TABLE_NAME", "USER_TABLE_NAME"],
        ),
        (
            "USER_TABLE_NAME = \"vestibule_ledger\"",
            &["USER_TABLE_NAME", "vestibule_"],
        ),
        (
            "WTF_CSRF_METHODS = [\"post\"]",
            &["WTF_CSRF_METHODS", "\"post\"", "POST"],
        ),
        (
            "WTF_CSRF_METHODS = []",
            &["WTF_CSRF_METHODS", "WTF_CSRF_ENABLED = false"],
        ),
        (
            "SECURITY_CSRF_HEADER = \"X XSRF\"",
            &["SECURITY_CSRF_HEADER", "X-XSRF-Token"],
        ),
        (
            "SECURITY_USER_IDENTITY_ATTRIBUTES = []",
            &["SECURITY_USER_IDENTITY_ATTRIBUTES", "no user"],
        ),
        (
            "SECURITY_USER_IDENTITY_ATTRIBUTES = [\"email\", \"email\"]",
            &["SECURITY_USER_IDENTITY_ATTRIBUTES", "repeated"],
        ),
        (
            "SECURITY_USERNAME_MIN_LENGTH = 40",
            &[
                "SECURITY_USERNAME_MIN_LENGTH",
                "SECURITY_USERNAME_MAX_LENGTH",
            ],
        ),
        (
            "SECURITY_USERNAME_ALLOWED_CHARS = [\"Q\"]",
            &["SECURITY_USERNAME_ALLOWED_CHARS", "letters"],
        ),
        (
            "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { time_cost = 3 }",
            &["PASSLIB_OPTIONS", "argon2__time_cost"],
        ),
        (
            "SECURITY_CACHE_CONTROL = { \"no store\" = true }",
            &["SECURITY_CACHE_CONTROL", "no store", "max-age"],
        ),
        (
            "SECURITY_TOTP_SECRETS = { \"1\" = 5 }",
            &["SECURITY_TOTP_SECRETS", "not a string"],
        ),
        ("= 1", &["not valid TOML", "line"]),
    ] {
        let said = local(lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
    }
}

#[test]
fn each_cors_mistake_is_named_with_its_fix() {
    for (lines, parts) in [
        (
            "CORS_ORIGINS = [\"(\"]",
            &["CORS_ORIGINS", "regular expression"][..],
        ),
        (
            "CORS_ORIGINS = [\"https://app.example/\"]",
            &["CORS_ORIGINS", "https://app.example/", "slash"],
        ),
        (
            "CORS_ORIGINS = [\"app.example\"]",
            &["CORS_ORIGINS", "scheme"],
        ),
        ("CORS_ORIGINS = [\"null\"]", &["CORS_ORIGINS", "null"]),
        (
            "CORS_ORIGINS = [\"https://*.example.com\"]",
            &[
                "CORS_ORIGINS",
                "glob",
                r"'https://[a-z0-9-]+\.example\.com'",
            ],
        ),
        (
            "CORS_RESOURCES = { \"/api/*\" = { origins = [\"https://*.example.com\"] } }",
            &[
                "CORS_RESOURCES",
                "glob",
                r"'https://[a-z0-9-]+\.example\.com'",
            ],
        ),
        (
            "CORS_ORIGINS = [\"http://localhost:*\"]",
            &["CORS_ORIGINS", "glob", "'http://localhost:[0-9]+'"],
        ),
        (
            "CORS_ORIGINS = [\"https://app.example\"]\nCORS_ALLOW_HEADERS = [\"X-*\"]",
            &["CORS_ALLOW_HEADERS", "glob", "'X-[a-z0-9-]+'"],
        ),
        (
            "CORS_METHODS = [\"GE T\"]\nCORS_ORIGINS = [\"*\"]",
            &["CORS_METHODS", "GE T"],
        ),
        (
            "CORS_RESOURCES = 3",
            &["CORS_RESOURCES", "contains no path"],
        ),
        (
            "CORS_RESOURCES = { \"/api/*\" = { origin = \"https://app.example\" } }",
            &["CORS_RESOURCES", "origin = ", "origins"],
        ),
        (
            "CORS_RESOURCES = { \"/api/*\" = { supports_credentials = \"yes\" } }",
            &["CORS_RESOURCES", "supports_credentials", "true or false"],
        ),
    ] {
        let said = local(lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
    }
}

#[test]
fn attack_cors_a_pattern_that_matches_any_site_is_a_wildcard() {
    for origin in [
        ".*",
        "https?://.*",
        "^https://",
        "https://.*",
        ".*://.*:8080",
    ] {
        let lines = format!("CORS_ORIGINS = [{origin:?}]\nCORS_SUPPORTS_CREDENTIALS = true");
        let said = local(&lines);
        // A pattern must match the whole origin, so `^https://` matches none.
        let expected = usize::from(origin != "^https://");
        assert_eq!(said.len(), expected, "{origin}: {said:?}");
    }
    let listed =
        "CORS_ORIGINS = [\"https://.*\\\\.app\\\\.example\"]\nCORS_SUPPORTS_CREDENTIALS = true";
    assert_eq!(local(listed), Vec::<String>::new());
}

#[test]
fn an_oauth_provider_needs_verify_views_unless_freshness_is_disabled() {
    let lines = "SECURITY_REDIRECT_BEHAVIOR = \"spa\"\nSECURITY_OAUTH_ENABLE = true\n\
                 GOOGLE_CLIENT_ID = \"client\"\nGOOGLE_CLIENT_SECRET = \"secret\"\n\
                 SECURITY_POST_OAUTH_LOGIN_VIEW = \"/in\"\nSECURITY_LOGIN_ERROR_VIEW = \"/error\"\n";
    let said = local(lines);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("SECURITY_POST_OAUTH_VERIFY_VIEW"));
    assert!(said[1].contains("SECURITY_VERIFY_ERROR_VIEW"));
    for never in ["-1", "\"-1 minutes\""] {
        assert!(local(&format!("{lines}SECURITY_FRESHNESS = {never}")).is_empty());
    }
}
