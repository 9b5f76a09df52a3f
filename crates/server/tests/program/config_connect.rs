//! `config check --connect`: the services that the program uses are tested, and nothing is changed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Folder, done, stderr, stdout};

const LIFE: &str = "SECURITY_RECOVERABLE = true\nSECURITY_RESET_VIEW = \"/r\"\n\
     SECURITY_RESET_ERROR_VIEW = \"/e\"\nSECURITY_EMAIL_SENDER = \"care@example.com\"\n";

/// A mail server that accepts one connection and records the commands that it receives.
struct MailServer {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
            for line in lines.map_while(Result::ok) {
                shared.lock().unwrap().push(line);
                stream.write_all(b"250 fine\r\n").unwrap();
            }
        });
        Self { port, heard }
    }
}

#[test]
fn successful_checks_are_shown_in_a_table_and_nothing_is_created() {
    let folder = Folder::new();
    let server = MailServer::start();
    folder.write(
        "vestibule.toml",
        &format!(
            "{LIFE}MAIL_SERVER = \"127.0.0.1\"\nMAIL_PORT = {}\n",
            server.port
        ),
    );
    let shown = done(&folder.run(&["config", "check", "--connect"]));
    let rows: Vec<Vec<&str>> = shown
        .lines()
        .skip_while(|line| !line.starts_with("CHECK"))
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .take_while(|row: &Vec<&str>| !row.is_empty())
        .collect();
    let place = format!("127.0.0.1:{} answers, without encryption", server.port);
    assert_eq!(
        rows,
        [
            vec!["CHECK", "RESULT", "DETAIL"],
            vec![
                "database",
                "ok",
                "the server creates vestibule-data/vestibule.db when it starts"
            ],
            vec!["mail server name", "ok", "127.0.0.1 is 127.0.0.1"],
            vec!["mail server", "ok", &place],
            vec![
                "mail security/email/reset_instructions",
                "ok",
                "rendered in en, de, fr, es"
            ],
            vec![
                "mail security/email/reset_notice",
                "ok",
                "rendered in en, de, fr, es"
            ],
        ],
        "{shown}"
    );
    assert!(shown.ends_with("the server would start with this configuration\n"));
    assert_eq!(*server.heard.lock().unwrap(), ["EHLO example.com", "QUIT"]);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");

    // An existing database.
    done(&folder.run(&["db", "init"]));
    folder.write("vestibule.toml", "");
    let shown = done(&folder.run(&["config", "check", "--connect"]));
    assert!(
        shown.contains("vestibule.db has everything that is needed"),
        "{shown}"
    );
    assert!(shown.contains("mails go to the dev mailbox"), "{shown}");
}

#[test]
fn a_failed_check_exits_with_one_and_names_the_fix() {
    let folder = Folder::new();
    // It accepts connections and sends nothing, as port 465 does to a client that expects a
    // greeting without TLS.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    folder.write(
        "vestibule.toml",
        &format!(
            "{LIFE}SECRET_KEY = \"a secret key, long enough\"\nSECURITY_PASSWORD_SALT = \"salt\"\n\
             SQLALCHEMY_DATABASE_URI = \"sqlite:///absent/folder/app.db\"\n\
             MAIL_SERVER = \"127.0.0.1\"\nMAIL_PORT = {port}\nMAIL_TIMEOUT = 1\n"
        ),
    );
    let begun = Instant::now();
    let output = folder.run(&["config", "check", "--connect", "--json"]);
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("2 checks failed"),
        "{}",
        stderr(&output)
    );
    let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(said["starts"], true);
    let detail = |check: &str| {
        let tried = said["connections"].as_array().unwrap();
        let one = tried.iter().find(|one| one["check"] == check).unwrap();
        assert_eq!(one["ok"], false, "{one}");
        one["detail"].as_str().unwrap().to_owned()
    };
    assert!(detail("database").contains("the folder absent/folder does not exist"));
    let detail = detail("mail server");
    assert!(
        detail.contains("sends no greeting") && detail.contains("MAIL_USE_SSL"),
        "{detail}"
    );
    assert!(!folder.path().join("absent").exists());
}

#[test]
fn config_check_with_listen_reports_what_serve_would() {
    let folder = Folder::new();
    folder.write(
        "vestibule.toml",
        "SECRET_KEY = \"a secret key, long enough\"\nSECURITY_PASSWORD_SALT = \"salt\"\n",
    );
    done(&folder.run(&["config", "check"]));
    let public = ["--listen", "0.0.0.0:0"];
    let check = folder.run(&[&["config", "check"], &public[..]].concat());
    let serve = folder.run(&[&["serve"], &public[..]].concat());
    assert!(
        stderr(&check).contains("TRUSTED_HOSTS"),
        "{}",
        stderr(&check)
    );
    assert_eq!(stderr(&check), stderr(&serve));
}
