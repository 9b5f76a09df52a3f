//! Every served setting has an effect: another legal value changes the typed settings.

use std::fmt::Write as _;

use secrecy::ExposeSecret as _;
use vestibule::program::keys::{self, Key, Kind, Status};
use vestibule::program::{Listening, Loaded, MailRoute, ProgramSettings, Settings, Sources};

use crate::support::SECRETS;

/// Settings that social sign-in needs, with some others.
macro_rules! social {
    (@line ENABLE) => { "SECURITY_OAUTH_ENABLE = true" };
    (@line GITHUB) => { "GITHUB_CLIENT_ID = \"client\"\nGITHUB_CLIENT_SECRET = \"secret\"" };
    (@line GOOGLE) => { "GOOGLE_CLIENT_ID = \"client\"\nGOOGLE_CLIENT_SECRET = \"secret\"" };
    (@line $line:literal) => { $line };
    ($($line:tt),*) => {
        concat!(
            "SECURITY_FRESHNESS = -1\n",
            "SECURITY_POST_OAUTH_LOGIN_VIEW = \"/view\"\n",
            "SECURITY_LOGIN_ERROR_VIEW = \"/view\"\n",
            $(social!(@line $line), "\n"),*
        )
    };
}

/// Another legal value for a key, as TOML, and the other settings under which it is legal and has an
/// effect. Where there is no row, the type of the key decides, and nothing else is set.
const OTHERS: &[(&str, &str, &str)] = &[
    ("APPLICATION_ROOT", r#""/app""#, ""),
    ("CORS_ALLOW_HEADERS", r#"["x-another"]"#, CORS),
    ("CORS_EXPOSE_HEADERS", r#"["x-another"]"#, CORS),
    ("CORS_MAX_AGE", r#""17 minutes""#, CORS),
    ("CORS_METHODS", r#"["GET"]"#, CORS),
    ("CORS_ORIGINS", r#"["https://app.example"]"#, ""),
    (
        "CORS_RESOURCES",
        r#"{ "/api/.*" = { origins = ["https://app.example"] } }"#,
        "",
    ),
    ("CORS_SEND_WILDCARD", "true", r#"CORS_ORIGINS = ["*"]"#),
    ("CORS_SUPPORTS_CREDENTIALS", "true", CORS),
    ("CORS_VARY_HEADER", "false", CORS),
    ("MAIL_BACKEND", r#""sendmail""#, ""),
    ("MAIL_CA_FILE", r#""/etc/ssl/another.pem""#, SMTP),
    ("MAIL_DEFAULT_SENDER", r#""accounts@example.com""#, ""),
    ("MAIL_PASSWORD", r#""another secret""#, SMTP),
    ("MAIL_PORT", "587", SMTP),
    (
        "MAIL_SENDMAIL",
        r#""/usr/bin/another""#,
        r#"MAIL_BACKEND = "sendmail""#,
    ),
    ("MAIL_SERVER", r#""another.example""#, ""),
    ("MAIL_SUPPRESS_SEND", "true", SMTP),
    ("MAIL_TIMEOUT", "7", SMTP),
    ("MAIL_USERNAME", r#""another""#, SMTP),
    ("MAIL_USE_SSL", "true", SMTPS),
    ("MAIL_USE_TLS", "true", SMTP),
    ("MAX_CONTENT_LENGTH", "17000", ""),
    ("REMEMBER_COOKIE_DOMAIN", r#""a.example""#, HOST),
    ("REMEMBER_COOKIE_PATH", r#""/another""#, ""),
    ("REMEMBER_COOKIE_SAMESITE", r#""Strict""#, ""),
    ("SECURITY_API_ENABLED_METHODS", r#"["token"]"#, ""),
    ("SECURITY_CACHE_CONTROL", r#"{ "max-age" = 17 }"#, ""),
    ("SECURITY_CHANGE_EMAIL", "true", VIEWS),
    ("SECURITY_CONFIRMABLE", "true", VIEWS),
    ("SECURITY_MULTI_FACTOR_RECOVERY_CODES", "true", TOTP),
    (
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS",
        r#"["zqXlM8tm2_rzg83gYA7-Gf4VBNIQF25j3r8OJTxp-7Q="]"#,
        "",
    ),
    ("SECURITY_TOTP_SECRETS", r#"{ "2" = "another" }"#, ""),
    ("SECURITY_TWO_FACTOR", "true", TOTP),
    ("SECURITY_TWO_FACTOR_ENABLED_METHODS", r#"["sms"]"#, ""),
    ("SECURITY_WAN_ALLOW_AS_VERIFY", r#"["first"]"#, ""),
    ("SECURITY_WAN_FIRST_FACTOR_ATTACHMENT", r#""platform""#, ""),
    (
        "SECURITY_WAN_FIRST_FACTOR_USER_VERIFICATION",
        r#""required""#,
        "",
    ),
    ("SECURITY_WAN_NAME_ALLOWED_CHARS", r#"["L"]"#, ""),
    ("SECURITY_WAN_ORIGINS", r#"["https://app.example"]"#, ""),
    (
        "SECURITY_WAN_SECOND_FACTOR_USER_VERIFICATION",
        r#""required""#,
        "",
    ),
    ("SECURITY_TWO_FACTOR_SAME_CHANNEL", r#""refuse""#, ""),
    (
        "SECURITY_TWO_FACTOR_VALIDITY_COOKIE",
        r#"{ "samesite" = "Lax" }"#,
        "",
    ),
    ("SECURITY_UNIFIED_SIGNIN", "true", TOTP),
    ("SECURITY_US_ENABLED_METHODS", r#"["sms"]"#, ""),
    ("SECURITY_US_MFA_REQUIRED", r#"["sms"]"#, ""),
    ("SECURITY_US_SIGNIN_REPLACES_LOGIN", "true", UNIFIED),
    (
        "SECURITY_CSRF_COOKIE",
        r#"{ "samesite" = "Lax" }"#,
        r#"SECURITY_CSRF_COOKIE_NAME = "XSRF-TOKEN""#,
    ),
    (
        "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS",
        "true",
        "WTF_CSRF_CHECK_DEFAULT = false",
    ),
    (
        "SECURITY_CSRF_PROTECT_MECHANISMS",
        r#"["session"]"#,
        "WTF_CSRF_CHECK_DEFAULT = false",
    ),
    ("SECURITY_DEPRECATED_PASSWORD_SCHEMES", r#"["bcrypt"]"#, ""),
    ("SECURITY_EMAIL_SENDER", r#""accounts@example.com""#, ""),
    (
        "SECURITY_EMAIL_VALIDATOR_ARGS",
        "{ check_deliverability = true }",
        "",
    ),
    ("SECURITY_HEADERS", r#"{ "X-Another" = "value" }"#, ""),
    ("SECURITY_INPUT_NORMALIZE_FORM", r#""NFC""#, ""),
    ("SECURITY_LIMITS", r#""log""#, ""),
    ("SECURITY_LIMIT_ADDRESS", r#""17 per day""#, ""),
    ("SECURITY_LIMIT_CODE", r#""17 per day""#, ""),
    ("SECURITY_LIMIT_PASSWORD", r#""17 per day""#, ""),
    ("SECURITY_LIMIT_SEND", r#""17 per day""#, ""),
    ("SECURITY_LINKS_CONSUMED_BY", r#""post""#, ""),
    ("SECURITY_LOGOUT_METHODS", r#"["GET", "POST"]"#, ""),
    (
        "GITHUB_CLIENT_ID",
        r#""another""#,
        social!(ENABLE, r#"GITHUB_CLIENT_SECRET = "secret""#),
    ),
    (
        "GITHUB_CLIENT_SECRET",
        r#""another""#,
        social!(ENABLE, r#"GITHUB_CLIENT_ID = "client""#),
    ),
    (
        "GOOGLE_CLIENT_ID",
        r#""another""#,
        social!(ENABLE, r#"GOOGLE_CLIENT_SECRET = "secret""#),
    ),
    (
        "GOOGLE_CLIENT_SECRET",
        r#""another""#,
        social!(ENABLE, r#"GOOGLE_CLIENT_ID = "client""#),
    ),
    (
        "OAUTH_PROVIDERS",
        r#"{ a = { client_id = "client", client_secret = "secret", issuer = "https://a.example" } }"#,
        social!(ENABLE, GITHUB),
    ),
    (
        "SECURITY_OAUTH_BUILTIN_PROVIDERS",
        r#"["google"]"#,
        social!(ENABLE, GITHUB, GOOGLE),
    ),
    ("SECURITY_OAUTH_ENABLE", "true", social!(GITHUB)),
    ("SECURITY_OAUTH_LINKING", r#""linked""#, ""),
    ("SECURITY_PASSWORDLESS", "true", VIEWS),
    (
        "SECURITY_PASSWORD_BREACHED_COUNT",
        "17",
        r#"SECURITY_PASSWORD_CHECK_BREACHED = "strict""#,
    ),
    (
        "SECURITY_PASSWORD_BREACHED_ORIGIN",
        r#""https://another.example""#,
        r#"SECURITY_PASSWORD_CHECK_BREACHED = "strict""#,
    ),
    ("SECURITY_PASSWORD_CHECK_BREACHED", r#""strict""#, ""),
    ("SECURITY_PASSWORD_COMPLEXITY_CHECKER", r#""zxcvbn""#, ""),
    ("SECURITY_PASSWORD_HASH", r#""bcrypt""#, ""),
    (
        "SECURITY_PASSWORD_HASH_OPTIONS",
        "{ argon2 = { time_cost = 17 } }",
        "",
    ),
    (
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS",
        "{ argon2__time_cost = 17 }",
        "",
    ),
    ("SECURITY_PASSWORD_NORMALIZE_FORM", r#""NFC""#, ""),
    ("SECURITY_PASSWORD_REQUIRED", "false", UNIFIED),
    (
        "SECURITY_PASSWORD_SCHEMES",
        r#"["argon2", "bcrypt"]"#,
        r#"SECURITY_DEPRECATED_PASSWORD_SCHEMES = ["bcrypt"]"#,
    ),
    ("SECURITY_PASSWORD_SINGLE_HASH", "true", ""),
    ("SECURITY_PHONE_REGION_DEFAULT", r#""GB""#, ""),
    (
        "SECURITY_PUBLIC_URL",
        r#""https://accounts.example.com""#,
        "",
    ),
    ("SECURITY_RECOVERABLE", "true", VIEWS),
    (
        "SECURITY_REDIRECT_ALLOWED_SUBDOMAINS",
        r#"["another"]"#,
        r#"SECURITY_REDIRECT_BASE_DOMAIN = "a.example""#,
    ),
    ("SECURITY_REDIRECT_ALLOW_SUBDOMAINS", "true", HOST),
    (
        "SECURITY_REDIRECT_BASE_DOMAIN",
        r#""a.example""#,
        r#"SECURITY_REDIRECT_ALLOWED_SUBDOMAINS = ["app"]"#,
    ),
    ("SECURITY_REDIRECT_HOST", r#""a.example""#, ""),
    (
        "SECURITY_REFRESH_TOKEN_COOKIE",
        r#"{ "samesite" = "Lax" }"#,
        "SECURITY_REFRESH_TOKEN = true",
    ),
    ("SECURITY_SMS_SERVICE", r#""Twilio""#, TWILIO),
    (
        "SECURITY_SMS_SERVICE_CONFIG",
        r#"{ URL = "https://sms.example/send", SECRET = "a secret for a webhook" }"#,
        r#"SECURITY_SMS_SERVICE = "webhook""#,
    ),
    ("SECURITY_URL_PREFIX", r#""/another""#, ""),
    ("SECURITY_USERNAME_ALLOWED_CHARS", r#"["L"]"#, ""),
    (
        "SECURITY_USER_IDENTITY_ATTRIBUTES",
        r#"["email", "us_phone_number"]"#,
        "",
    ),
    (
        "SECURITY_ZXCVBN_MINIMUM_SCORE",
        "4",
        r#"SECURITY_PASSWORD_COMPLEXITY_CHECKER = "zxcvbn""#,
    ),
    ("SESSION_COOKIE_DOMAIN", r#""a.example""#, HOST),
    (
        "SESSION_COOKIE_PARTITIONED",
        "true",
        "SESSION_COOKIE_SECURE = true",
    ),
    ("SESSION_COOKIE_PATH", r#""/another""#, ""),
    ("SESSION_COOKIE_SAMESITE", r#""Strict""#, ""),
    ("SESSION_PROTECTION", r#""strong""#, ""),
    ("TRUSTED_PROXIES", r#"["10.0.0.0/8"]"#, ""),
    ("VESTIBULE_LISTEN", r#""127.0.0.1:17""#, ""),
    ("VESTIBULE_LOG_FORMAT", r#""json""#, ""),
    ("VESTIBULE_SOCKET_MODE", r#""600""#, ""),
    ("WTF_CSRF_METHODS", r#"["POST"]"#, ""),
];

const TOTP: &str = r#"SECURITY_TOTP_SECRETS = { "1" = "secret" }"#;
const CORS: &str = r#"CORS_ORIGINS = ["https://app.example"]"#;
const SMTP: &str = r#"MAIL_SERVER = "mail.example""#;
const SMTPS: &str = "MAIL_SERVER = \"mail.example\"\nMAIL_PORT = 2465";
const TWILIO: &str = r#"SECURITY_SMS_SERVICE_CONFIG = { ACCOUNT_SID = "AC1", AUTH_TOKEN = "t", PHONE_NUMBER = "+15550199" }"#;
const HOST: &str = r#"SERVER_NAME = "a.example""#;
const UNIFIED: &str = r#"
SECURITY_UNIFIED_SIGNIN = true
SECURITY_TOTP_SECRETS = { "1" = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
SECURITY_TOTP_ISSUER = "tests"
"#;
const VIEWS: &str = r#"
SECURITY_POST_CONFIRM_VIEW = "/view"
SECURITY_CONFIRM_ERROR_VIEW = "/view"
SECURITY_RESET_VIEW = "/view"
SECURITY_RESET_ERROR_VIEW = "/view"
SECURITY_LOGIN_ERROR_VIEW = "/view"
SECURITY_POST_CHANGE_EMAIL_VIEW = "/view"
SECURITY_CHANGE_EMAIL_ERROR_VIEW = "/view"
"#;

/// Settings of which only mistakes are noticed, and a mistake: the browser is always redirected as
/// with "spa", and hashes of other schemes than these are always accepted.
const CHECKED_ONLY: [(&str, &str); 2] = [
    ("SECURITY_HASHING_SCHEMES", r#"["another"]"#),
    ("SECURITY_REDIRECT_BEHAVIOR", r#""another""#),
];

/// Another value of the key's type.
fn other(key: &Key) -> String {
    match key.kind {
        Kind::Flag => (key.default != "true").to_string(),
        Kind::Integer => "17".to_owned(),
        Kind::Duration | Kind::DurationOrOff => "\"17 minutes\"".to_owned(),
        Kind::List | Kind::SecretList => "[\"another\"]".to_owned(),
        Kind::Secret => "\"another secret, long enough to count\"".to_owned(),
        Kind::Text if key.name.ends_with("_URL") || key.name.ends_with("_VIEW") => {
            "\"/another\"".to_owned()
        }
        _ => "\"another\"".to_owned(),
    }
}

/// Reads a configuration: the secrets that every one needs, a line, and others beside it.
fn read(key: &Key, line: &str, beside: &str) -> Result<(Settings, ProgramSettings), String> {
    let mut text = format!("{line}\n{beside}");
    for secret in SECRETS.lines() {
        let name = secret.split(" =").next().unwrap_or_default();
        if name != key.name || line.is_empty() {
            writeln!(text, "{secret}").unwrap();
        }
    }
    let loaded = Loaded::read(&Sources {
        file: Some(&text),
        environment: &[],
        kept: None,
        read_file: &|path| std::fs::read_to_string(path),
    });
    let settings = loaded.and_then(|loaded| {
        let program = ProgramSettings::new(&loaded);
        Settings::new(&loaded, Listening::Local).map(|settings| (settings, program))
    });
    settings.map_err(|problems| format!("{problems:?}"))
}

/// Everything that the program reads of a configuration, secrets included. Fails if there is a
/// mistake in it. What only warns about a setting is not an effect.
fn typed(key: &Key, line: &str, beside: &str) -> Result<String, String> {
    let (mut settings, program) = read(key, line, beside)?;
    settings.advice.clear();
    settings.not_served.clear();
    let mut shown = format!("{settings:?} {program:?}");
    let secrets = &settings.secrets;
    let mut secret: Vec<_> = secrets.fallbacks.iter().collect();
    secret.push(&secrets.secret_key);
    secret.extend(&secrets.password_salt);
    secret.extend(&settings.csrf.secret_key);
    secret.extend(&settings.database.uri);
    secret.extend(settings.totp.secrets.iter().map(|(_, secret)| secret));
    secret.extend(&settings.recovery_codes.keys);
    if let MailRoute::Smtp(smtp) = &settings.mail.route {
        secret.extend(&smtp.password);
    }
    for secret in secret {
        write!(shown, " {}", secret.expose_secret()).unwrap();
    }
    Ok(shown)
}

#[test]
fn another_value_of_a_served_setting_changes_the_typed_settings() {
    let mut wrong = Vec::new();
    let checked_only = |key: &&Key| CHECKED_ONLY.iter().any(|(name, _)| *name == key.name);
    let served = keys::all().filter(|key| key.status == Status::Served);
    for key in served.filter(|key| !checked_only(key)) {
        let row = OTHERS.iter().find(|(name, ..)| *name == key.name);
        let (value, beside) = row.map_or_else(
            || (other(key), ""),
            |(_, value, beside)| ((*value).to_owned(), *beside),
        );
        let before = typed(key, "", beside);
        let after = typed(key, &format!("{} = {value}", key.name), beside);
        match (before, after) {
            (Ok(before), Ok(after)) if before != after => {}
            // Without it, the start is refused, and the error names it.
            (Err(missing), Ok(_)) if missing.contains(key.name) => {}
            (Ok(_), Ok(_)) => wrong.push(format!("{} = {value} has no effect", key.name)),
            (before, after) => wrong.push(format!(
                "{} = {value} is not legal: {:?} {:?}",
                key.name,
                before.err(),
                after.err()
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_exception_is_a_served_setting() {
    for (name, ..) in OTHERS {
        let key = keys::find(name);
        assert!(
            key.is_some_and(|key| key.status == Status::Served),
            "{name}"
        );
    }
}

#[test]
fn mistakes_in_the_settings_without_a_value_of_their_own_are_noticed() {
    for (name, mistake) in CHECKED_ONLY {
        let key = keys::find(name).unwrap();
        let (right, _) = read(key, "", "").unwrap();
        match read(key, &format!("{name} = {mistake}"), "") {
            Ok((wrong, _)) => {
                let noticed = wrong.advice.iter().any(|advice| advice.key == name);
                assert!(noticed, "{name} is not looked at");
                assert!(!right.advice.iter().any(|advice| advice.key == name));
            }
            Err(problems) => assert!(problems.contains(name), "{problems}"),
        }
    }
}
