//! `config check`: it reports the same problems as a start, and shows the settings in force.

use serde_json::Value;

use crate::SPA;
use crate::support::{Folder, Server, done, stderr, stdout};

/// Checks that `config check` and `serve` fail with this complaint and the same errors. Returns
/// what `config check` shows.
#[track_caller]
fn refused_by_both(folder: &Folder, complaint: &str) -> String {
    let check = folder.run(&["config", "check"]);
    let serve = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(check.status.code(), Some(1), "{}", stdout(&check));
    assert_eq!(serve.status.code(), Some(1));
    assert!(stderr(&check).contains(complaint), "{}", stderr(&check));
    assert_eq!(stderr(&check), stderr(&serve));
    assert!(!stdout(&check).contains("would start"));
    stdout(&check)
}

#[test]
fn config_check_finds_what_stops_the_start() {
    let folder = Folder::new();
    folder.write(
        "no.pem",
        "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n",
    );
    std::fs::create_dir_all(folder.path().join("templates/security/email")).unwrap();
    folder.write(
        "templates/security/email/change_notice.txt",
        "Changed.\n{{ user.email | nonsense }}\n",
    );
    for (lines, complaint) in [
        (
            "SQLALCHEMY_DATABASE_URI = \"oracle://u:hidden@h/d\"\nSECRET_KEY = \"long enough to be one\"\nSECURITY_PASSWORD_SALT = \"salt\"",
            "SQLALCHEMY_DATABASE_URI: ",
        ),
        (
            "SQLALCHEMY_DATABASE_URI = \"sqlite:///a.db\"\nSECURITY_PASSWORD_SALT = \"s\"",
            "SECRET_KEY: is not set",
        ),
        ("VESTIBULE_LOG = \"info,=[\"", "VESTIBULE_LOG: "),
        (
            "SECURITY_TEMPLATES_FOLDER = \"absent\"",
            "SECURITY_TEMPLATES_FOLDER: absent: ",
        ),
        (
            "MAIL_SERVER = \"localhost\"\nMAIL_USE_TLS = true\nMAIL_CA_FILE = \"absent.pem\"",
            "MAIL_CA_FILE cannot be read",
        ),
        (
            "SECURITY_EMAIL_SENDER = \"care@exa mple.com\"",
            "SECURITY_EMAIL_SENDER: \"care@exa mple.com\" is not a valid sender",
        ),
        (
            "MAIL_SERVER = \"mail.example.com\"\nMAIL_PORT = 465\nMAIL_USE_TLS = true",
            "set MAIL_USE_SSL = true instead of MAIL_USE_TLS",
        ),
        (
            "MAIL_BACKEND = \"sendmail\"\nMAIL_SENDMAIL = \"/nonexistent/sendmail\"",
            "MAIL_SENDMAIL: /nonexistent/sendmail is not an executable program",
        ),
        (
            "SECURITY_LOGIN_SALT = \"reset-salt\"",
            "SECURITY_LOGIN_SALT: is the same as the default of SECURITY_RESET_SALT",
        ),
        (
            "SECURITY_CHANGEABLE = true\nSECURITY_TEMPLATES_FOLDER = \"templates\"",
            "templates/security/email/change_notice.txt:2: ",
        ),
        (
            "SECURITY_CHANGEABLE = true\nSECURITY_EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE = \"mails/changed\"",
            "SECURITY_EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE: \"mails/changed\" cannot be rendered",
        ),
        (
            "SECURITY_REGISTERABLE = true\nSECURITY_REGISTER_URL = \"/login\"",
            "SECURITY_REGISTER_URL: \"/login\" is also the path of SECURITY_LOGIN_URL",
        ),
        (
            "SECURITY_TRACKABLE = true\nSECURITY_TRACKABLE = false",
            "line 2",
        ),
    ] {
        folder.write("vestibule.toml", lines);
        let shown = refused_by_both(&folder, complaint);
        assert!(!shown.contains("hidden"), "{shown}");
    }
    assert!(!folder.path().join("a.db").exists());
}

#[test]
fn config_check_shows_settings_and_risks_despite_problems() {
    let folder = Folder::new();
    folder.write(
        "vestibule.toml",
        "SECRET_KEY = \"a very secret key, long enough\"\nSECURITY_TRACKABEL = true\n\
         SECURITY_TRACKABLE = \"yes\"\nSECURITY_LOGIN_URL = \"login\"\nDEBUG = true\n\
         VESTIBULE_LOG = \"=[\"\n",
    );
    let output = folder.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = stderr(&output);
    for part in [
        "4 problems",
        "SECURITY_TRACKABEL: is not a setting",
        "SECURITY_TRACKABLE: has a value of the wrong type",
        "SECURITY_LOGIN_URL: \"login\" is not a path",
        "VESTIBULE_LOG: ",
    ] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
    let shown = stdout(&output);
    for part in [
        "SECRET_KEY",
        "********",
        "SECURITY_LOGIN_URL",
        "risky: DEBUG",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("very secret"), "{shown}");

    let output = folder.run(&["config", "check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(said["starts"], false);
    assert_eq!(said["problems"].as_array().unwrap().len(), 4, "{said}");
    let advice = said["advice"].as_array().unwrap();
    assert!(
        advice.iter().any(|advice| advice["key"] == "DEBUG"),
        "{said}"
    );
    assert!(!stdout(&output).contains("very secret"));
}

#[test]
fn the_json_lists_the_settings_in_force() {
    let folder = Folder::new();
    folder.write("vestibule.toml", "MAIL_SSL_CERTFILE = \"cert.pem\"\n");
    let said: Value =
        serde_json::from_str(&done(&folder.run(&["config", "check", "--json"]))).unwrap();
    assert_eq!(said["starts"], true);
    assert_eq!(said["problems"], Value::Array(Vec::new()));
    assert_eq!(
        said["settings"],
        serde_json::json!([{
            "name": "MAIL_SSL_CERTFILE",
            "value": "\"cert.pem\"",
            "from": "file",
            "remark": "not served by this version",
        }])
    );
    let all: Value =
        serde_json::from_str(&done(&folder.run(&["config", "check", "--all", "--json"]))).unwrap();
    assert!(all["settings"].as_array().unwrap().len() > 100);
}

#[test]
fn spa_configuration_gets_no_wrong_advice() {
    let folder = Folder::new();
    folder.write("vestibule.toml", SPA);
    // A start without a configuration writes the starter file.
    let afresh = Folder::new();
    Server::start(&afresh, &[]).stop();
    for (folder, expected) in [
        (
            &folder,
            &[
                "SECURITY_LOGOUT_CSRF",
                "SECURITY_RETURN_GENERIC_RESPONSES",
                "SECURITY_TOTP_ISSUER",
            ][..],
        ),
        (&afresh, &["DEBUG"][..]),
    ] {
        let said: Value =
            serde_json::from_str(&done(&folder.run(&["config", "check", "--json"]))).unwrap();
        let advice: Vec<_> = said["advice"]
            .as_array()
            .unwrap()
            .iter()
            .map(|advice| advice["key"].as_str().unwrap())
            .collect();
        assert_eq!(advice, expected, "{said:#}");
        let not_served: Vec<_> = said["settings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|setting| setting["remark"] == "not served by this version")
            .map(|setting| setting["name"].as_str().unwrap())
            .collect();
        assert!(not_served.is_empty(), "{said:#}");
    }
}

#[test]
fn a_unix_socket_that_cannot_be_opened_is_found_without_opening_it() {
    let folder = Folder::new();
    folder.write("plain", "no socket");
    for (path, complaint) in [
        ("absent/sock", "the folder of absent/sock does not exist"),
        ("plain", "plain exists and is not a socket"),
    ] {
        let listen = format!("VESTIBULE_LISTEN = \"unix:{path}\"\n");
        folder.write("vestibule.toml", &listen);
        let check = folder.run(&["config", "check"]);
        let serve = folder.run(&["serve"]);
        assert_eq!(check.status.code(), Some(1));
        assert!(stderr(&check).contains(complaint), "{}", stderr(&check));
        assert_eq!(stderr(&check), stderr(&serve));
    }
}
