//! The sources of settings, and their precedence.

use std::io;

use vestibule::program::{
    ConsumedBy, Listening, Loaded, Origin, Problem, STARTER, Settings, Sources, effective,
};

const SECRETS: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "a salt for tests"
SECURITY_TOTP_SECRETS = { "1" = "a totp secret for tests" }
"#;

fn no_file(_: &str) -> io::Result<String> {
    Err(io::Error::from(io::ErrorKind::NotFound))
}

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Loaded, Vec<Problem>> {
    let environment: Vec<(String, String)> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Loaded::read(&Sources {
        file: Some(file),
        environment: &environment,
        kept: Some(SECRETS),
        read_file: &|path| {
            if path == "/run/secret" {
                Ok("from a file\n".to_owned())
            } else {
                no_file(path)
            }
        },
    })
}

fn shown(loaded: &Loaded, name: &str) -> (String, Origin) {
    let setting = effective(loaded)
        .into_iter()
        .find(|setting| setting.name == name)
        .unwrap();
    (setting.value, setting.origin)
}

#[test]
fn the_starter_file_is_valid() {
    let loaded = load(STARTER, &[]).unwrap();
    let settings = Settings::new(&loaded, Listening::Local).unwrap();
    assert_eq!(settings.http.url_prefix, "/api/accounts");
    assert!(settings.login.return_generic_responses && settings.csrf.logout_csrf);
    assert_eq!(settings.csrf.time_limit, None);
    assert!(settings.not_served.is_empty(), "{:?}", settings.not_served);
    assert!(!settings.two_factor.same_channel);
    let accounts = &settings.accounts;
    assert!(accounts.register.enabled && accounts.recover.enabled);
    assert_eq!(accounts.links_consumed_by, ConsumedBy::Post);
}

#[test]
fn a_later_source_overrides_an_earlier_one() {
    let loaded = load(
        "SECURITY_PASSWORD_LENGTH_MIN = 10\nSESSION_COOKIE_NAME = \"file\"",
        &[("SESSION_COOKIE_NAME", "environment"), ("PATH", "/bin")],
    )
    .unwrap();
    assert_eq!(
        shown(&loaded, "SECURITY_PASSWORD_LENGTH_MIN"),
        ("10".to_owned(), Origin::File)
    );
    assert_eq!(
        shown(&loaded, "SESSION_COOKIE_NAME"),
        ("\"environment\"".to_owned(), Origin::Environment)
    );
    assert_eq!(
        shown(&loaded, "SECURITY_LOGIN_URL"),
        ("\"/login\"".to_owned(), Origin::Default)
    );
    assert_eq!(
        shown(&loaded, "SECRET_KEY"),
        ("********".to_owned(), Origin::Kept)
    );
}

#[test]
fn a_secret_may_come_from_a_file_but_only_from_one_source() {
    let loaded = load("", &[("SECRET_KEY_FILE", "/run/secret")]).unwrap();
    assert_eq!(shown(&loaded, "SECRET_KEY").1, Origin::Environment);
    let loaded = load("SECRET_KEY_FILE = \"/run/secret\"", &[]).unwrap();
    assert_eq!(shown(&loaded, "SECRET_KEY").1, Origin::File);
    for problems in [
        load(
            "",
            &[("SECRET_KEY", "x"), ("SECRET_KEY_FILE", "/run/secret")],
        ),
        load("SECRET_KEY = \"x\"\nSECRET_KEY_FILE = \"/run/secret\"", &[]),
    ] {
        let problems = problems.unwrap_err();
        assert!(problems[0].to_string().contains("both set"), "{problems:?}");
    }
    assert!(load("", &[("SECRET_KEY_FILE", "/elsewhere")]).is_err());
}

#[test]
fn no_value_of_a_secret_is_ever_shown() {
    let secret = "hunter2-hunter2-hunter2";
    let file = format!(
        "SECRET_KEY = {secret:?}\nSECRET_KEY_FALLBACKS = [{secret:?}]\nMAIL_PASSWORD = {secret:?}\n\
         SECURITY_TOTP_SECRETS = {{ a = {secret:?} }}\nSQLALCHEMY_DATABASE_URI = \"sqlite:///{secret}\""
    );
    let loaded = load(&file, &[]).unwrap();
    let settings = Settings::new(&loaded, Listening::Local).unwrap();
    for setting in effective(&loaded) {
        assert!(!setting.value.contains("hunter2"), "{}", setting.name);
    }
    assert!(!format!("{loaded:?}{settings:?}").contains("hunter2"));
}

#[test]
fn messages_are_replaced_by_code() {
    let loaded = load(
        "SECURITY_MSG_INVALID_PASSWORD = \"No.\"\nSECURITY_MSG_LOGIN = [\"Please.\", \"info\"]",
        &[("SECURITY_MSG_DISABLED_ACCOUNT", "Off.")],
    )
    .unwrap();
    let settings = Settings::new(&loaded, Listening::Local).unwrap();
    assert_eq!(settings.messages["INVALID_PASSWORD"].text, "No.");
    assert_eq!(settings.messages["LOGIN"].text, "Please.");
    assert_eq!(settings.messages["DISABLED_ACCOUNT"].text, "Off.");
    assert!(load("SECURITY_MSG_NO_SUCH_CODE = \"x\"", &[]).is_err());
}

/// The reference's configuration for single-page apps, as its users have it.
const SPA: &str = r#"
SECURITY_FLASH_MESSAGES = false
SECURITY_URL_PREFIX = "/api/accounts"
SECURITY_RECOVERABLE = true
SECURITY_TRACKABLE = true
SECURITY_CHANGEABLE = true
SECURITY_CONFIRMABLE = true
SECURITY_REGISTERABLE = true
SECURITY_UNIFIED_SIGNIN = true
SECURITY_POST_CONFIRM_VIEW = "/confirmed"
SECURITY_CONFIRM_ERROR_VIEW = "/confirm-error"
SECURITY_RESET_VIEW = "/reset-password"
SECURITY_RESET_ERROR_VIEW = "/reset-password-error"
SECURITY_LOGIN_ERROR_VIEW = "/login-error"
SECURITY_POST_OAUTH_LOGIN_VIEW = "/post-oauth-login"
SECURITY_REDIRECT_BEHAVIOR = "spa"
SECURITY_CSRF_PROTECT_MECHANISMS = ["session", "basic"]
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true
SECURITY_CSRF_COOKIE_NAME = "XSRF-TOKEN"
WTF_CSRF_CHECK_DEFAULT = false
WTF_CSRF_TIME_LIMIT = ""
SECURITY_REDIRECT_HOST = "localhost:8080"
"#;

#[test]
fn the_references_spa_configuration_is_accepted_unchanged() {
    let loaded = load(SPA, &[]).unwrap();
    let settings = Settings::new(&loaded, Listening::Local).unwrap();
    assert!(settings.not_served.is_empty(), "{:?}", settings.not_served);
    assert!(settings.two_factor.same_channel);
    assert_eq!(settings.csrf.time_limit, None);
    assert_eq!(settings.csrf.protect_mechanisms.len(), 2);
    assert_eq!(
        settings.redirect.redirect_host.as_deref(),
        Some("localhost:8080")
    );
}

#[test]
fn flask_settings_without_a_meaning_here_are_accepted() {
    let lines = "SQLALCHEMY_ECHO = false\nPROPAGATE_EXCEPTIONS = true\nMAIL_TIMEOUT = 5\nEXAMPLE_CLIENT_ID = \"x\"";
    assert!(load(lines, &[]).is_ok());
}

#[test]
fn a_public_server_without_a_mail_route_is_warned_about() {
    let lines = "SECRET_KEY = \"a secret key for tests, long enough\"
SECURITY_PASSWORD_SALT = \"146585145368132386173505678016728509634\"
";
    let warned_as = |name: &str, more: &str, listening: Listening| {
        let lines = format!("{lines}SERVER_NAME = {name:?}\n{more}");
        let loaded = load(&lines, &[]).unwrap();
        let settings = Settings::new(&loaded, listening).unwrap();
        let warnings = settings.warnings(listening);
        warnings
            .iter()
            .any(|warning| warning.to_string().contains("MAIL_SERVER"))
    };
    let warned = |more: &str, listening| warned_as("app.example.com", more, listening);
    let recoverable = "SECURITY_RECOVERABLE = true
SECURITY_RESET_VIEW = \"/reset\"
SECURITY_RESET_ERROR_VIEW = \"/reset-error\"\n";
    assert!(warned(recoverable, Listening::Public));
    // Behind a proxy, a public server listens on loopback.
    assert!(warned(recoverable, Listening::Local));
    assert!(!warned_as("localhost", recoverable, Listening::Local));
    assert!(!warned("", Listening::Public));
    let with_server = format!("{recoverable}MAIL_SERVER = \"mail.example.com\"\n");
    assert!(!warned(&with_server, Listening::Public));
}
