//! `config import`: converts Flask configurations.

use std::os::unix::fs::PermissionsExt as _;

use vestibule::program::keys::all;
use vestibule::program::{Effective, Loaded, Origin, Sources, effective};
use vestibule_flask_config::{Import, Target as _};
use vestibule_server::flask_target::Vestibule;

use crate::SPA;
use crate::support::{Folder, done, refused, stderr, stdout};

fn loaded(toml: &str) -> Vec<Effective> {
    let loaded = Loaded::read(&Sources {
        file: Some(toml),
        environment: &[],
        kept: None,
        read_file: &|_| panic!("the configuration names no file"),
    });
    effective(&loaded.unwrap())
}

/// The settings that a configuration sets, one on each line.
fn set(toml: &str) -> String {
    let rows = loaded(toml).into_iter();
    rows.filter(|row| row.origin == Origin::File)
        .map(|row| format!("{} = {}\n", row.name, row.value))
        .collect()
}

/// Imports a file. Returns the configuration and the remarks.
fn import(folder: &Folder, source: &str) -> (String, String) {
    folder.write("flask_config.py", source);
    let output = folder.run(&["config", "import", "flask_config.py"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    (stdout(&output), stderr(&output))
}

#[test]
fn the_spa_configuration_is_imported_as_documented() {
    let folder = Folder::new();
    folder.write("spa.py", include_str!("flask/spa.py"));
    let output = folder.run(&["config", "import", "spa.py", "--output", "vestibule.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "wrote vestibule.toml\n");
    for line in stderr(&output).lines() {
        assert!(line.starts_with("spa.py: kept, but "), "{line}");
    }
    // The Python file sets two more views, for a feature that neither configuration enables.
    let views = "SECURITY_POST_OAUTH_VERIFY_VIEW = \"/post-oauth-verify\"\n\
                 SECURITY_VERIFY_ERROR_VIEW = \"/verify-error\"\n";
    let toml = folder.read("vestibule.toml");
    assert_eq!(set(&toml), set(&format!("{SPA}{views}")));
    let without: Vec<&str> = toml
        .lines()
        .filter(|line| !line.contains("VERIFY"))
        .collect();
    let rows = |toml: &str| {
        let rows = loaded(toml).into_iter();
        rows.map(|row| (row.name, row.value, row.origin))
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&without.join("\n")), rows(SPA));

    done(&folder.run(&["config", "check"]));
    let path = folder.path().join("vestibule.toml");
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_application_is_imported_as_far_as_it_can_be_read() {
    let folder = Folder::new();
    let (toml, remarks) = import(&folder, include_str!("flask/app.py"));
    assert_eq!(
        set(&toml),
        r#"MAIL_PORT = 587
MAX_CONTENT_LENGTH = 16384
PERMANENT_SESSION_LIFETIME = "36 hours"
REMEMBER_COOKIE_DURATION = 2592000
SECURITY_CSRF_COOKIE = { samesite = "Lax", secure = true }
SECURITY_EMAIL_SENDER = "accounts@example.com"
SECURITY_FRESHNESS = "-1 minutes"
SECURITY_REGISTERABLE = true
SECURITY_TOTP_SECRETS = ********
SECURITY_URL_PREFIX = "/api/accounts"
SECURITY_USER_IDENTITY_ATTRIBUTES = [{ email = { case_insensitive = true, mapper = "uia_email_mapper" } }, { us_phone_number = { mapper = "uia_phone_mapper" } }]
SECURITY_WEBAUTHN = true
SQLALCHEMY_DATABASE_URI = ********
"#
    );
    for line in [
        "SECURITY_TOTP_SECRETS = { 1 = \"aW4gdGhlIGZpbGUgaXRzZWxm\" }",
        "SECURITY_WEBAUTHN = true",
        "SECURITY_MSG_INVALID_PASSWORD = [\"That is \\\"not\\\" it.\", \"error\"]",
        "# SECRET_KEY: read from the environment, as before (flask_config.py:14)",
        "# SECURITY_PASSWORD_SALT: was read from the environment variable SALT (flask_config.py:15)",
        "# SECURITY_TOKEN_EXPIRE_TIMESTAMP = lambda user: 0",
        "# SECURITY_PASSWORD_LENGTH_MIN = 12",
        "# SECURITY_POST_LOGIN_VIEW = \".home\"",
        "# SECURITY_LOGIN_URL = f\"{BASE}/in\"",
        "# SECURITY_TRACKABEL = True",
        "#   COMPANY_NAME (line 31)",
    ] {
        assert!(toml.lines().any(|known| known == line), "{line} in\n{toml}");
    }
    for remark in [
        "flask_config.py:15: SECURITY_PASSWORD_SALT was read from the environment variable SALT: vestibule reads it from SECURITY_PASSWORD_SALT",
        "flask_config.py:15: SECURITY_PASSWORD_SALT has a secret as its default in the file",
        "flask_config.py:16: SQLALCHEMY_DATABASE_URI is a relative path",
        "flask_config.py:23: SECURITY_TOKEN_EXPIRE_TIMESTAMP: is a function; in an application of your own, use Builder::token_end",
        "flask_config.py:38: SECURITY_TRACKABEL: is not a setting; did you mean SECURITY_TRACKABLE?",
        "flask_config.py:39: SECURITY_POST_LOGIN_VIEW",
        "flask_config.py:42: SECURITY_PASSWORD_LENGTH_MIN: depends on the `if` on line 41",
        "flask_config.py:43: SECURITY_LOGIN_URL: is an f-string, which is not evaluated",
        "flask_config.py:44: reads settings from another source (from_pyfile)",
    ] {
        assert!(remarks.contains(remark), "{remark} in\n{remarks}");
    }
    for secret in ["salt-of-the-file", "aW4gdGhl"] {
        assert!(!remarks.contains(secret), "{remarks}");
    }
    assert!(!toml.contains("salt-of-the-file"), "{toml}");
    assert!(!remarks.contains("secrets generate"), "{remarks}");
    assert_eq!(
        import(&folder, include_str!("flask/app.py")),
        (toml.clone(), remarks)
    );

    folder.write("vestibule.toml", &toml);
    let check = folder.run(&["config", "check"]);
    assert_eq!(
        check.status.code(),
        Some(1),
        "the configuration has no secrets"
    );
    let check = folder
        .command(&["config", "check"])
        .env("SECRET_KEY", "a secret key for tests, long enough")
        .env("SECURITY_PASSWORD_SALT", "a salt for tests")
        .output()
        .unwrap();
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
}

#[test]
fn python_values_become_toml_values() {
    let folder = Folder::new();
    for (written, ours) in [
        (
            "SECRET_KEY = b'0123456789abcdef'",
            "SECRET_KEY = \"0123456789abcdef\"",
        ),
        (
            "SECRET_KEY_FALLBACKS = ('0123456789abcdef', \"fedcba9876543210\")",
            "SECRET_KEY_FALLBACKS = [\"0123456789abcdef\", \"fedcba9876543210\"]",
        ),
        (
            "SECURITY_LOGOUT_METHODS = {'POST', 'GET'}",
            "SECURITY_LOGOUT_METHODS = [\"POST\", \"GET\"]",
        ),
        ("WTF_CSRF_TIME_LIMIT = None", "WTF_CSRF_TIME_LIMIT = \"\""),
        (
            "WTF_CSRF_TIME_LIMIT = timedelta(hours=1).total_seconds()",
            "WTF_CSRF_TIME_LIMIT = 3600",
        ),
        (
            "REMEMBER_COOKIE_DURATION = datetime.timedelta(7)",
            "REMEMBER_COOKIE_DURATION = \"7 days\"",
        ),
        (
            "REMEMBER_COOKIE_DURATION = 2 * timedelta(seconds=1.5)",
            "REMEMBER_COOKIE_DURATION = \"3 seconds\"",
        ),
        ("SECURITY_TRACKABLE = 1", "SECURITY_TRACKABLE = true"),
        (
            "SECURITY_TRACKABLE = not False",
            "SECURITY_TRACKABLE = true",
        ),
        (
            "SECURITY_TRACKABLE = bool('')",
            "SECURITY_TRACKABLE = false",
        ),
        (
            "SECURITY_TRACKABLE: bool = True",
            "SECURITY_TRACKABLE = true",
        ),
        (
            "a = b = '/x'; SECURITY_URL_PREFIX = a",
            "SECURITY_URL_PREFIX = \"/x\"",
        ),
        (
            "class C:\n  P = '/x'\n  SECURITY_URL_PREFIX = P + '/y'",
            "SECURITY_URL_PREFIX = \"/x/y\"",
        ),
        (
            "SERVER_NAME = 'a'; SERVER_NAME = r'b'",
            "SERVER_NAME = \"b\"",
        ),
        (
            "c = app.config\nc['SERVER_NAME'] = str('a')",
            "SERVER_NAME = \"a\"",
        ),
        (
            "app.secret_key = '0123456789abcdef'",
            "SECRET_KEY = \"0123456789abcdef\"",
        ),
        (
            "CORS(app, origins=['https://a.example'])",
            "CORS_ORIGINS = [\"https://a.example\"]",
        ),
        ("app.config |= {'SERVER_NAME': 'a'}", "SERVER_NAME = \"a\""),
        (
            "B = {'SERVER_NAME': 'a'}\napp.config.update(**B)",
            "SERVER_NAME = \"a\"",
        ),
        (
            "SECURITY_WAN_ALLOW_AS_VERIFY = None",
            "SECURITY_WAN_ALLOW_AS_VERIFY = \"\"",
        ),
        (
            "MAIL_USE_TLS = os.environ.get('MAIL_USE_TLS', 'true').lower() in ('true', '1')",
            "MAIL_USE_TLS = true   # unless the environment overrides it, as before",
        ),
        (
            "DEBUG = environ.get('MY_DEBUG', False)",
            "DEBUG = false   # was read from the environment variable MY_DEBUG",
        ),
        (
            "SECURITY_EMAIL_SENDER = ('Ana', 'ana@example.com')",
            "SECURITY_EMAIL_SENDER = \"Ana <ana@example.com>\"",
        ),
        (
            "SECURITY_EMAIL_SENDER = ' Security < s@example.com > '",
            "SECURITY_EMAIL_SENDER = \"Security <s@example.com>\"",
        ),
        (
            "MAIL_DEFAULT_SENDER = '< s@example.com >'",
            "MAIL_DEFAULT_SENDER = \"s@example.com\"",
        ),
        (
            "SQLALCHEMY_DATABASE_URI = 'postgresql+psycopg2://u:p@h/d'",
            "SQLALCHEMY_DATABASE_URI = \"postgresql+psycopg2://u:p@h/d\"",
        ),
    ] {
        let (toml, remarks) = import(&folder, written);
        assert!(
            toml.lines().any(|line| line == ours),
            "{written}: {toml}{remarks}"
        );
    }
}

#[test]
fn unreadable_settings_are_reported_with_their_line_and_left_out() {
    let folder = Folder::new();
    for (written, why) in [
        (
            "SECRET_KEY = os.urandom(24)",
            ":1: SECRET_KEY: calls os.urandom(), and no code is run",
        ),
        (
            "SECRET_KEY = b'\\xff'",
            ":1: SECRET_KEY: is bytes that are not UTF-8",
        ),
        (
            "\nSECURITY_TRACKABLE = 'yes'",
            ":2: SECURITY_TRACKABLE: has a value of the wrong type",
        ),
        (
            "SERVER_NAME = [x for x in y]",
            ":1: SERVER_NAME: is an expression that is not evaluated",
        ),
        ("SERVER_NAME = f'{x}'", "is an f-string"),
        (
            "x = y()\nSERVER_NAME = x",
            ":2: SERVER_NAME: calls y(), and no code is run",
        ),
        (
            "while x:\n  SERVER_NAME = 'a'",
            ":2: SERVER_NAME: depends on the `while` on line 1",
        ),
        (
            "if x: pass\nelse: SERVER_NAME = 'a'",
            ":2: SERVER_NAME: depends on the `else` on line 2",
        ),
        (
            "if x:\n  A = 'a'\nSERVER_NAME = A",
            ":3: SERVER_NAME: depends on the `if` on line 1",
        ),
        (
            "app.config['SERVER_NAME'] += 'a'",
            ":1: SERVER_NAME: is changed in place",
        ),
        (
            "app.config['SERVER_NAME'].update(a=1)",
            ":1: SERVER_NAME: is changed by a method call",
        ),
        (
            "app.config[x] = 1",
            ":1: sets a setting whose name is unknown",
        ),
        (
            "app.config.update(**others())",
            ":1: sets settings that are not listed here",
        ),
        (
            "from .base import *",
            ":1: imports everything from .base: convert that file, too",
        ),
        (
            "app.config.from_object('settings')",
            ":1: reads settings from an object that is not in this file",
        ),
        (
            "SECURITY_USER_IDENTITY_ATTRIBUTES = [{'email': {'mapper': mine}}]",
            ":1: SECURITY_USER_IDENTITY_ATTRIBUTES: has a value of the wrong type",
        ),
        (
            "SECURITY_SMS_SERVICE_CONFIG = {'A': os.environ['B']}",
            "depends on the environment variable B",
        ),
        (
            "SQLALCHEMY_DATABASE_URI = 'mssql://u:pass@h/d'",
            "is the address of an unsupported database: ",
        ),
        (
            "app.config['SESION_COOKIE_NAME'] = 'x'",
            "did you mean SESSION_COOKIE_NAME?",
        ),
        (
            "SECURITY_CONFIRMABLE = True\nSECURITY_REDIRECT_BEHAVIOR = 'spa'",
            "before the server can start: SECURITY_POST_CONFIRM_VIEW",
        ),
    ] {
        let (toml, remarks) = import(&folder, written);
        assert!(remarks.contains(why), "{written}: {remarks}");
        if !written.contains("CONFIRMABLE") {
            assert_eq!(set(&toml), "", "{written}: {toml}");
        }
        assert!(!remarks.contains("pass@"), "{remarks}");
    }
}

#[test]
fn the_class_to_import_can_be_named() {
    let folder = Folder::new();
    let source = "class Base:\n    SECURITY_TRACKABLE = True\n\n\
                  class Production(Base):\n    SESSION_COOKIE_SECURE = True\n\n\
                  class Development(Base):\n    DEBUG = True\n";
    let (toml, remarks) = import(&folder, source);
    assert_eq!(set(&toml), "SECURITY_TRACKABLE = true\n");
    let several = "flask_config.py: several classes have settings (Base, Production, \
                   Development): select one with --class; only the settings of Base, which all of them \
                   inherit, are imported";
    assert!(remarks.contains(several), "{remarks}");
    let named =
        |class: &str| folder.run(&["config", "import", "flask_config.py", "--class", class]);
    let output = named("Production");
    assert_eq!(
        set(&stdout(&output)),
        "SECURITY_TRACKABLE = true\nSESSION_COOKIE_SECURE = true\n"
    );
    refused(
        &named("Testing"),
        "has no class Testing; its classes with settings are Base, Production, Development",
    );
}

#[test]
fn a_file_that_is_not_a_configuration_is_refused() {
    let folder = Folder::new();
    let run = |name: &str| folder.run(&["config", "import", name]);
    refused(&run("absent.py"), "absent.py: ");
    std::fs::write(folder.path().join("latin.py"), b"X = '\xe9'").unwrap();
    refused(&run("latin.py"), "latin.py: is not UTF-8");
    folder.write("large.py", &"#".repeat(1024 * 1024 + 1));
    refused(&run("large.py"), "large.py: is larger than 1 MiB");
    refused(&run("/dev/zero"), "/dev/zero: is larger than 1 MiB");
    folder.write("a.py", "SERVER_NAME = 'a'\n");
    folder.write("there.toml", "mine");
    refused(
        &folder.run(&["config", "import", "a.py", "--output", "there.toml"]),
        "there.toml: already exists",
    );
    assert_eq!(folder.read("there.toml"), "mine");
    let output = folder.run(&["config", "import"]);
    assert_eq!(output.status.code(), Some(2));
    // An empty file is not an error.
    folder.write("empty.py", "");
    assert_eq!(set(&done(&run("empty.py"))), "");
    // Terminal control sequences are escaped.
    folder.write("hostile.py", "SERVER_NAME = \"\x1b[2J\" + x(\"\x1b\")\n");
    let output = run("hostile.py");
    assert!(!stdout(&output).contains('\x1b') && !stderr(&output).contains('\x1b'));
}

#[test]
fn an_unclosed_bracket_or_string_is_reported_and_nothing_is_written() {
    let folder = Folder::new();
    for (source, why) in [
        (
            "A = 1\nX = (\nSECURITY_TRACKABLE = True\nSECRET_KEY = 'abc'\n",
            "a bracket opened on line 2 is never closed",
        ),
        (
            "X = {'a': [1, 2}\nSECURITY_TRACKABLE = True\n",
            "a bracket opened on line 1 is never closed",
        ),
        (
            "A = f(\n  g(1),\n  [2]\n\nSECURITY_TRACKABLE = True",
            "a bracket opened on line 1 is never closed",
        ),
        (
            "\nSERVER_NAME = 'a\nSECURITY_TRACKABLE = True\n",
            "a string opened on line 2 is never closed",
        ),
        (
            "X = 1\nY = \"\"\"a\nSECURITY_TRACKABLE = True\n",
            "a string opened on line 2 is never closed",
        ),
    ] {
        folder.write("flask_config.py", source);
        for arguments in [
            &["config", "import", "flask_config.py"][..],
            &[
                "config",
                "import",
                "flask_config.py",
                "--output",
                "new.toml",
            ],
        ] {
            refused(&folder.run(arguments), why);
        }
        assert!(!folder.path().join("new.toml").exists());
    }
    let source = "X = [(1, {2: ')'}), # (\n  \"]\"]\nSECURITY_TRACKABLE = True\n";
    assert!(
        import(&folder, source)
            .0
            .contains("SECURITY_TRACKABLE = true")
    );
}

#[test]
fn unknown_keys_and_unusable_hashes_get_a_hint() {
    let folder = Folder::new();
    for (written, remark) in [
        (
            "SECURITY_RESET_WITHIN = '1 days'",
            "did you mean SECURITY_RESET_PASSWORD_WITHIN?",
        ),
        (
            "SECURITY_PASSWORD_MIN_LENGTH = 12",
            "did you mean SECURITY_PASSWORD_LENGTH_MIN?",
        ),
        (
            "SECURITY_PASSWORD_HASH = 'plaintext'",
            "existing plain-text passwords are not accepted",
        ),
        (
            "SECURITY_PASSWORD_HASH = 'des_crypt'",
            "existing hashes of that scheme cannot be verified",
        ),
    ] {
        let (toml, remarks) = import(&folder, written);
        assert!(remarks.contains(remark), "{written}: {toml}{remarks}");
        assert!(!remarks.contains("still verified"), "{remarks}");
    }
}

#[test]
fn attack_secrets_in_the_defaults_of_environment_variables_are_not_imported() {
    let folder = Folder::new();
    for name in [
        "SECRET_KEY",
        "SECURITY_PASSWORD_SALT",
        "MAIL_PASSWORD",
        "GITHUB_CLIENT_SECRET",
        "CORPORATE_CLIENT_SECRET",
    ] {
        let source = format!("{name} = os.environ.get('OTHER', 'the secret of a developer')\n");
        let (toml, remarks) = import(&folder, &source);
        assert!(!toml.contains("developer"), "{toml}");
        assert!(!remarks.contains("developer"), "{remarks}");
        let told = format!("{name} has a secret as its default in the file");
        assert!(remarks.contains(&told), "{remarks}");
    }
}

/// Values of every type for every setting: the server starts with the result, or the remarks say
/// what is missing.
#[test]
fn any_value_of_any_setting_is_accepted_or_reported() {
    const VALUES: [&str; 16] = [
        "None",
        "True",
        "0",
        "-1",
        "1.5",
        "99999999",
        "''",
        "'a'",
        "'/a'",
        "' a@b.example '",
        "b'0123456789abcdef'",
        "['a', 1]",
        "{'a': 'b', 1: 2}",
        "[{'email': {}}]",
        "timedelta(days=-1)",
        "os.environ.get('A', 1)",
    ];
    for value in VALUES {
        let lines = all().map(|key| format!("app.config['{}'] = {value}\n", key.name));
        let source: String = lines.collect();
        let result = vestibule_flask_config::import(source.as_bytes(), "a.py", None, &Vestibule);
        let Import { toml, remarks } = result.unwrap();
        for problem in Vestibule.problems(&toml) {
            let announced = format!("before the server can start: {problem}");
            let from_environment = format!("# {}: ", problem.setting);
            assert!(
                toml.contains(&from_environment)
                    || remarks.iter().any(|remark| remark.ends_with(&announced)),
                "{value}: {problem} in {toml}"
            );
        }
    }
}
