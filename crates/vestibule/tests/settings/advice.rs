//! Advice of `config check`: settings that are valid but risky.

use vestibule::program::{Listening, Loaded, Settings, Sources};

const SAFE: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "a salt for tests"
SECURITY_TOTP_SECRETS = { "1" = "a totp secret for tests" }
SECURITY_LOGOUT_CSRF = true
SECURITY_RETURN_GENERIC_RESPONSES = true
SESSION_COOKIE_SECURE = true
SERVER_NAME = "accounts.example"
SECURITY_PUBLIC_URL = "https://accounts.example"
SECURITY_SMS_SERVICE = "webhook"
SECURITY_SMS_SERVICE_CONFIG = { URL = "https://sms.example", SECRET = "a secret for a webhook" }
"#;

fn advice(lines: &str) -> Vec<String> {
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let given: Vec<String> = lines.lines().map(name).collect();
    let text = SAFE
        .lines()
        .filter(|line| !given.contains(&name(line)))
        .chain(lines.lines())
        .collect::<Vec<_>>()
        .join("\n");
    let loaded = Loaded::read(&Sources {
        file: Some(&text),
        environment: &[],
        kept: None,
        read_file: &|path| std::fs::read_to_string(path),
    })
    .unwrap();
    let settings = Settings::new(&loaded, Listening::Public).unwrap();
    settings.advice.iter().map(ToString::to_string).collect()
}

#[test]
fn a_safe_configuration_needs_no_advice() {
    assert_eq!(advice(""), Vec::<String>::new());
}

#[test]
fn each_risk_is_named_with_its_fix() {
    for (lines, parts) in [
        (
            "CORS_ORIGINS = [\"https://.*.example.com\"]",
            &[
                "CORS_ORIGINS",
                "https://.*.example.com",
                "any character",
                "\\.",
            ][..],
        ),
        (
            "SESSION_COOKIE_SAMESITE = \"Strict\"\nSECURITY_OAUTH_ENABLE = true\n\
             GITHUB_CLIENT_ID = \"client\"\nGITHUB_CLIENT_SECRET = \"secret\"\n\
             SECURITY_FRESHNESS = -1\nSECURITY_REDIRECT_BEHAVIOR = \"spa\"\n\
             SECURITY_POST_OAUTH_LOGIN_VIEW = \"/in\"\nSECURITY_LOGIN_ERROR_VIEW = \"/error\"",
            &["SESSION_COOKIE_SAMESITE", "Strict", "Lax"],
        ),
        (
            "SECURITY_PUBLIC_URL = \"\"",
            &["SECURITY_PUBLIC_URL", "not set", "X-Forwarded-Proto"],
        ),
        (
            "SECURITY_LIMITS = \"off\"",
            &["SECURITY_LIMITS", "is off", "without a limit"],
        ),
        (
            "SECURITY_LIMITS = \"log\"",
            &["SECURITY_LIMITS", "not refused", "\"on\""],
        ),
        (
            "WTF_CSRF_ENABLED = false",
            &["WTF_CSRF_ENABLED", "switch it on"],
        ),
        (
            "SECURITY_LOGOUT_CSRF = false",
            &["SECURITY_LOGOUT_CSRF", "sends the token"],
        ),
        (
            "WTF_CSRF_CHECK_DEFAULT = false\nSECURITY_CSRF_PROTECT_MECHANISMS = [\"basic\"]",
            &["SECURITY_CSRF_PROTECT_MECHANISMS", "add \"session\""],
        ),
        (
            "SECURITY_CSRF_COOKIE_NAME = \"X\"\nSECURITY_CSRF_COOKIE = { secure = true, httponly = true }",
            &["SECURITY_CSRF_COOKIE", "HttpOnly", "httponly = false"],
        ),
        (
            "SECURITY_REGISTERABLE = true",
            &[
                "SECURITY_RETURN_GENERIC_RESPONSES",
                "/register reveals",
                "SECURITY_CONFIRMABLE = true",
            ],
        ),
        (
            "SECURITY_LOGIN_SALT = \"a salt for tests\"",
            &[
                "SECURITY_PASSWORD_SALT",
                "SECURITY_LOGIN_SALT",
                "not secret",
            ],
        ),
        (
            "SESSION_COOKIE_PATH = \"/app\"\nSECURITY_URL_PREFIX = \"/api/accounts\"",
            &["SESSION_COOKIE_PATH", "/api/accounts/", "\"/\""],
        ),
        (
            "SECURITY_PUBLIC_URL = \"https://www.accounts.example\"",
            &[
                "SECURITY_PUBLIC_URL",
                "www.accounts.example",
                "TRUSTED_HOSTS",
            ],
        ),
        (
            "CORS_ORIGINS = [\"https?://.*\"]",
            &["CORS_ORIGINS", "any site"],
        ),
        (
            "SESSION_COOKIE_SAMESITE = \"None\"",
            &["SESSION_COOKIE_SAMESITE", "Lax"],
        ),
        (
            "SESSION_COOKIE_SECURE = false",
            &["SESSION_COOKIE_SECURE", "HTTPS"],
        ),
        (
            "SESSION_COOKIE_HTTPONLY = false",
            &["SESSION_COOKIE_HTTPONLY", "scripts"],
        ),
        ("DEBUG = true", &["DEBUG", "production"]),
        (
            "SECURITY_RETURN_GENERIC_RESPONSES = false",
            &["SECURITY_RETURN_GENERIC_RESPONSES", "account exists"],
        ),
        (
            "SECRET_KEY_FALLBACKS = [\"short\"]",
            &["SECRET_KEY_FALLBACKS", "remove it"],
        ),
        (
            "WTF_CSRF_SECRET_KEY = \"short\"",
            &["WTF_CSRF_SECRET_KEY", "remove it"],
        ),
        (
            "SECRET_KEY = \"ключ ключ ключ ключ\"",
            &["SECRET_KEY", "Latin-1", "Flask-Login"],
        ),
        (
            "SECURITY_PASSWORD_LENGTH_MIN = 3",
            &["SECURITY_PASSWORD_LENGTH_MIN", "8"],
        ),
        (
            "SERVER_NAME = \"\"\nTRUSTED_HOSTS = [\"accounts.example\"]\nSECURITY_REDIRECT_ALLOW_SUBDOMAINS = true",
            &["SECURITY_REDIRECT_ALLOW_SUBDOMAINS", "set SERVER_NAME"],
        ),
        (
            "SECURITY_REDIRECT_ALLOWED_SUBDOMAINS = [\"app\"]",
            &[
                "SECURITY_REDIRECT_ALLOWED_SUBDOMAINS",
                "SECURITY_REDIRECT_BASE_DOMAIN",
            ],
        ),
        (
            "SECURITY_REDIRECT_HOST = \"localhost:8080\"",
            &["SECURITY_REDIRECT_HOST", "production"],
        ),
        (
            "TRUSTED_PROXIES = [\"0.0.0.0/0\"]",
            &["TRUSTED_PROXIES", "list only your proxies"],
        ),
        (
            "SECURITY_REDIRECT_BEHAVIOR = \"spa\"\nSECURITY_LOGIN_ERROR_VIEW = \"/e\"\nMAIL_SERVER = \"mail.example.com\"\nMAIL_DEFAULT_SENDER = \"a@example.com\"\nSECURITY_US_ENABLED_METHODS = [\"authenticator\"]\nSECURITY_TWO_FACTOR_ENABLED_METHODS = [\"email\"]\nSECURITY_UNIFIED_SIGNIN = true",
            &["SECURITY_TOTP_ISSUER", "name of your product"],
        ),
        (
            "SECURITY_TWO_FACTOR = true\nSECURITY_TWO_FACTOR_ENABLED_METHODS = [\"authenticator\"]",
            &["SECURITY_TOTP_ISSUER", "name of your product"],
        ),
        (
            "SECURITY_REDIRECT_BEHAVIOR = \"spa\"\nSECURITY_LOGIN_ERROR_VIEW = \"/e\"\nMAIL_SERVER = \"mail.example.com\"\nMAIL_DEFAULT_SENDER = \"a@example.com\"\nSECURITY_SMS_SERVICE = \"Twilio\"\nSECURITY_SMS_SERVICE_CONFIG = { ACCOUNT_SID = \"AC1\", AUTH_TOKEN = \"t\", PHONE_NUMBER = \"+14155550100\" }\nSECURITY_UNIFIED_SIGNIN = true\nSECURITY_TOTP_ISSUER = \"x\"\nSECURITY_US_ENABLED_METHODS = [\"sms\"]",
            &["SECURITY_US_ENABLED_METHODS", "us_phone_number"],
        ),
        (
            "SECURITY_REDIRECT_BEHAVIOR = \"spa\"\nSECURITY_LOGIN_ERROR_VIEW = \"/e\"\nMAIL_SERVER = \"mail.example.com\"\nMAIL_DEFAULT_SENDER = \"a@example.com\"\nSECURITY_US_ENABLED_METHODS = [\"email\"]\nSECURITY_TWO_FACTOR_ENABLED_METHODS = [\"email\"]\nSECURITY_TWO_FACTOR = true\nSECURITY_TOTP_ISSUER = \"x\"\nSECURITY_UNIFIED_SIGNIN = true",
            &["SECURITY_TWO_FACTOR_SAME_CHANNEL", "refuse"],
        ),
        (
            "SECURITY_REDIRECT_BEHAVIOR = \"spa\"\nSECURITY_LOGIN_ERROR_VIEW = \"/e\"\nMAIL_SERVER = \"mail.example.com\"\nMAIL_DEFAULT_SENDER = \"a@example.com\"\nSECURITY_TWO_FACTOR = true\nSECURITY_TOTP_ISSUER = \"x\"\nSECURITY_SMS_SERVICE = \"Dummy\"",
            &["SECURITY_SMS_SERVICE", "\"Twilio\" or \"webhook\""],
        ),
    ] {
        let said = advice(lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
    }
}

#[test]
fn no_issuer_is_advised_if_no_authenticator_app_can_be_set_up() {
    let said = advice(
        "SECURITY_REDIRECT_BEHAVIOR = \"spa\"\nSECURITY_LOGIN_ERROR_VIEW = \"/e\"\nMAIL_SERVER = \"mail.example.com\"\nMAIL_DEFAULT_SENDER = \"a@example.com\"\nSECURITY_UNIFIED_SIGNIN = true\nSECURITY_US_ENABLED_METHODS = [\"password\", \"email\"]",
    );
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn secure_cookies_over_plain_http_are_each_named() {
    let said = advice(
        "SESSION_COOKIE_SECURE = false\nSECURITY_CSRF_COOKIE_NAME = \"X\"\nREMEMBER_COOKIE_SECURE = true\nSECURITY_PUBLIC_URL = \"http://accounts.example\"",
    );
    for parts in [
        &[
            "SECURITY_CSRF_COOKIE",
            "plain HTTP",
            "localhost",
            "secure = false",
        ][..],
        &[
            "REMEMBER_COOKIE_SECURE",
            "plain HTTP",
            "no user is remembered",
        ],
        &["SESSION_COOKIE_SECURE", "HTTPS"],
    ] {
        let named = |one: &String| parts.iter().all(|part| one.contains(part));
        assert!(said.iter().any(named), "{parts:?} in {said:?}");
    }
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn advice_is_given_whenever_registering_signs_in_and_so_reveals_accounts() {
    let confirmed = "SECURITY_REGISTERABLE = true\nSECURITY_CONFIRMABLE = true\n\
         SECURITY_POST_CONFIRM_VIEW = \"/c\"\nSECURITY_CONFIRM_ERROR_VIEW = \"/e\"\n\
         SECURITY_REDIRECT_BEHAVIOR = \"spa\"\nMAIL_SERVER = \"mail.example.com\"\n\
         SECURITY_EMAIL_SENDER = \"care@example.com\"\n";
    assert_eq!(advice(confirmed), Vec::<String>::new());
    let said = advice(&format!(
        "{confirmed}SECURITY_LOGIN_WITHOUT_CONFIRMATION = true"
    ));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("SECURITY_LOGIN_WITHOUT_CONFIRMATION = false"));
}

#[test]
fn a_server_behind_a_proxy_counts_as_public_by_its_host_name() {
    let risky = "SESSION_COOKIE_SECURE = false\nSECURITY_RECOVERABLE = true\nDEBUG = true\n\
         SECURITY_RESET_VIEW = \"/reset\"\nSECURITY_RESET_ERROR_VIEW = \"/reset-error\"\n\
         SECRET_KEY = \"a secret key for tests, long enough\"\nSECURITY_PASSWORD_SALT = \"a salt\"\n";
    for (name, public) in [
        ("", false),
        ("TRUSTED_HOSTS = [\"localhost\", \"127.0.0.1\"]", false),
        ("SERVER_NAME = \"localhost:5000\"", false),
        ("SECURITY_PUBLIC_URL = \"http://localhost:5000\"", false),
        ("TRUSTED_HOSTS = [\"localhost\", \".app.example\"]", true),
        ("SERVER_NAME = \"app.example\"", true),
        ("SECURITY_PUBLIC_URL = \"https://app.example\"", true),
    ] {
        let settings = Settings::from_toml(&format!("{risky}{name}")).unwrap();
        let keys: Vec<&str> = settings.advice.iter().map(|one| one.key.as_str()).collect();
        for key in ["SESSION_COOKIE_SECURE", "MAIL_SERVER"] {
            assert_eq!(keys.contains(&key), public, "{name}: {keys:?}");
        }
        let warnings = settings.warnings(Listening::Local);
        let warned: Vec<&str> = warnings.iter().map(|one| one.key.as_str()).collect();
        let expected: &[&str] = if public {
            &["DEBUG", "MAIL_SERVER"]
        } else {
            &[]
        };
        assert_eq!(warned, expected, "{name}");
    }
}
