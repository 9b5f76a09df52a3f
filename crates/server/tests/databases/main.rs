//! The real program on every kind of database: many refreshes of one token at once.

#![expect(
    clippy::unwrap_used,
    reason = "a test that does not get what it asks for ends there"
)]

#[path = "../../../store/tests/contract/server.rs"]
mod server;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod support;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde_json::{Value, json};

use server::Schema;
use support::{Folder, Server, stderr};

const AT_ONCE: usize = 64;

/// A server with one user, on some database.
struct Site {
    server: Server,
    _folder: Folder,
    _schema: Option<Schema>,
}

impl Site {
    fn start(schema: Option<Schema>, grace: u32) -> Self {
        let folder = Folder::new();
        let uri = schema
            .as_ref()
            .map_or("sqlite:///accounts.db", |schema| &schema.uri);
        folder.write(
            "vestibule.toml",
            &format!(
                "SECURITY_URL_PREFIX = \"/api/accounts\"\n\
                 SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true\n\
                 WTF_CSRF_CHECK_DEFAULT = false\n\
                 SECURITY_REFRESH_TOKEN = true\n\
                 SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"\n\
                 SECURITY_REFRESH_TOKEN_GRACE = {grace}\n\
                 SECRET_KEY = \"a secret key for tests, long enough\"\n\
                 SECURITY_PASSWORD_SALT = \"146585145368132386173505678016728509634\"\n\
                 SQLALCHEMY_DATABASE_URI = \"{uri}\"\n"
            ),
        );
        let words = "users create ana@example.com --password battery-staple --confirmed";
        let words: Vec<&str> = words.split(' ').collect();
        let made = folder.run(&words);
        assert!(made.status.success(), "{}", stderr(&made));
        Self {
            server: Server::start(&folder, &[]),
            _folder: folder,
            _schema: schema,
        }
    }

    fn refresh_token(&self) -> String {
        let body = json!({"email": "ana@example.com", "password": "battery-staple"});
        let (status, said) = post(self.server.port, "/login?include_auth_token", &body);
        assert_eq!(status, 200, "{said}");
        token_in(&said)
    }

    fn exchange(&self, token: &str) -> (u16, Value) {
        exchange(self.server.port, token)
    }

    /// Many at once with one token: the successors that were handed out.
    fn exchange_at_once(&self, token: &str) -> Vec<String> {
        let start = Arc::new(Barrier::new(AT_ONCE));
        let port = self.server.port;
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (start, token) = (Arc::clone(&start), token.to_owned());
                std::thread::spawn(move || {
                    start.wait();
                    exchange(port, &token)
                })
            })
            .collect();
        let mut successors = Vec::new();
        for thread in threads {
            match thread.join().unwrap() {
                (200, said) => successors.push(token_in(&said)),
                (status, said) => assert_eq!(status, 400, "{said}"),
            }
        }
        successors
    }
}

fn token_in(said: &Value) -> String {
    let token = said["response"]["user"]["refresh_token"].as_str();
    token.unwrap_or_else(|| panic!("{said}")).to_owned()
}

fn exchange(port: u16, token: &str) -> (u16, Value) {
    post(port, "/refresh-token", &json!({"refresh_token": token}))
}

/// One request on a connection of its own.
fn post(port: u16, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let head = format!(
        "POST /api/accounts{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
    let mut said = String::new();
    connection.read_to_string(&mut said).unwrap();
    let status = said.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = said.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// Without grace: as the reference judges, whoever comes second has a copy.
fn one_wins_and_the_family_ends(schema: Option<Schema>) {
    let site = Site::start(schema, 0);
    let token = site.refresh_token();
    let successors = site.exchange_at_once(&token);
    assert_eq!(successors.len(), 1, "exactly one success");
    let (status, said) = site.exchange(&successors[0]);
    assert_eq!(status, 400, "the family has ended: {said}");
    // Another family of the same user is none of this.
    let other = site.refresh_token();
    assert_eq!(site.exchange(&other).0, 200);
}

/// With grace: tabs that wake up together all go on.
fn all_get_the_same_successor(schema: Option<Schema>) {
    let site = Site::start(schema, 10);
    let token = site.refresh_token();
    let successors = site.exchange_at_once(&token);
    assert_eq!(successors.len(), AT_ONCE);
    let different: BTreeSet<&String> = successors.iter().collect();
    assert_eq!(different.len(), 1, "one and the same successor");
    let (status, said) = site.exchange(&successors[0]);
    assert_eq!(status, 200, "the family goes on: {said}");
    // Two exchanges ago is reuse, however short a time it was.
    assert_eq!(site.exchange(&token).0, 400);
    assert_eq!(
        site.exchange(&token_in(&said)).0,
        400,
        "the family has ended"
    );
}

#[test]
fn attack_refresh_token_fork_sqlite_without_grace() {
    one_wins_and_the_family_ends(None);
}

#[test]
fn attack_refresh_token_fork_sqlite_with_grace() {
    all_get_the_same_successor(None);
}

#[test]
fn attack_refresh_token_fork_postgres_without_grace() {
    one_wins_and_the_family_ends(Some(Schema::postgres()));
}

#[test]
fn attack_refresh_token_fork_postgres_with_grace() {
    all_get_the_same_successor(Some(Schema::postgres()));
}

#[test]
fn attack_refresh_token_fork_mysql_without_grace() {
    one_wins_and_the_family_ends(Some(Schema::mysql()));
}

#[test]
fn attack_refresh_token_fork_mysql_with_grace() {
    all_get_the_same_successor(Some(Schema::mysql()));
}
