//! schemathesis makes up requests from the document, good ones and bad ones, and looks
//! whether each answer is one that the document names: its status, its type, its headers,
//! its members, its codes. Nobody may be answered with a 5xx.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Folder, Server, done, stderr, stdout};
use crate::{EVERYTHING, python_program};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
response_schema_conformance,response_headers_conformance,unsupported_method,\
allow_header_conformance,missing_required_header,ignored_auth";

/// How many requests are made up for each operation, besides those at the edges of what the
/// document allows. A number and not a time: a slow machine asks the same questions.
const MADE_UP: &str = "40";

/// Cheap to hash with, so that the time goes into questions.
const CHEAP: &str = "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = \
{ argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1 }\n";

const LOGIN: &str = "{}/api/accounts/login?include_auth_token";

/// A server with users, and a folder for the run.
struct Bench {
    folder: Folder,
    server: Server,
}

impl Bench {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("vestibule.toml", &format!("{EVERYTHING}{CHEAP}"));
        let password = ["--password", "battery staple"];
        for more in [
            &["ana@example.com", "--username", "anana", "--confirmed"][..],
            &["new@example.com"],
            &["gone@example.com", "--inactive", "--confirmed"],
        ] {
            done(&folder.run(&[&["users", "create"], more, &password].concat()));
        }
        let environment = [("VESTIBULE_LOG", "debug"), ("VESTIBULE_LOG_FORMAT", "json")];
        let server = Server::start(&folder, &environment);
        let document = done(&folder.run(&["openapi"]));
        let document = serde_json::from_str(&document).unwrap();
        folder.write("openapi.json", &strict(at_the_root(document)).to_string());
        Self { folder, server }
    }

    /// Signs ana in, and gives what the answer has and the session cookie.
    fn sign_in(&self) -> (Value, String) {
        let jar = self.folder.path().join("jar");
        let credentials = r#"{"email": "ana@example.com", "password": "battery staple"}"#;
        let json = "Content-Type: application/json";
        let jar_path = jar.to_str().unwrap();
        let answer = self
            .server
            .curl(&["-c", jar_path, LOGIN, "-H", json, "-d", credentials]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let cookie = self.folder.read("jar").lines().find_map(|line| {
            line.split_once("\tsession\t")
                .map(|(_, value)| value.to_owned())
        });
        (answer["response"].clone(), cookie.unwrap())
    }

    /// Lets schemathesis ask with these credentials; what was answered, from the log.
    fn ask(self, credentials: &str) -> BTreeSet<(String, u64)> {
        self.folder.write("schemathesis.toml", credentials);
        let output = python_program("schemathesis")
            .args(["--no-color", "run", "openapi.json", "--url"])
            .arg(format!("http://localhost:{}", self.server.port))
            .args(["--checks", CHECKS])
            .args(["--max-examples", MADE_UP, "--seed", "1"])
            .args(["--generation-database", "none", "--continue-on-failure"])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert!(output.status.success(), "{said}");
        self.server.stop();
        let log = self.folder.read("log");
        let mut answered = BTreeSet::new();
        for line in log.lines().filter(|line| line.starts_with('{')) {
            let entry: Value = serde_json::from_str(line).unwrap();
            assert_ne!(entry["level"], "ERROR", "{line}");
            if entry["message"] == "answered" {
                let path = entry["path"].as_str().unwrap();
                let path = path.strip_prefix("/api/accounts").unwrap_or(path);
                let what = format!("{} {path}", entry["method"].as_str().unwrap());
                answered.insert((what, entry["status"].as_u64().unwrap()));
            }
        }
        answered
    }
}

/// The document with whole paths: of a file, schemathesis knows one server for all paths.
fn at_the_root(mut document: Value) -> Value {
    let prefix = document["servers"][0]["url"].as_str().unwrap().to_owned();
    let mut paths = serde_json::Map::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut item = item.clone();
        let own = item.as_object_mut().unwrap().remove("servers");
        let prefix = own.map_or(prefix.as_str(), |_| "");
        paths.insert(format!("{prefix}{path}"), item);
    }
    document["paths"] = paths.into();
    document["servers"] = json!([{"url": "/"}]);
    document
}

/// The document with answers that may have no member beyond those that it names.
fn strict(mut document: Value) -> Value {
    fn close(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.values_mut().for_each(close);
                if members.get("type") == Some(&json!("object"))
                    && members.contains_key("properties")
                {
                    members
                        .entry("additionalProperties")
                        .or_insert(json!(false));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut document["components"]["responses"]);
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            if let Some(responses) = operation.get_mut("responses") {
                close(responses);
            }
        }
    }
    document
}

#[track_caller]
fn assert_answered(answered: &BTreeSet<(String, u64)>, expected: &[(&str, u64)]) {
    for (what, status) in expected {
        assert!(
            answered.contains(&((*what).to_owned(), *status)),
            "never {what} {status}: {answered:?}"
        );
    }
}

#[test]
fn a_stranger_is_answered_as_promised() {
    let answered = Bench::new().ask("");
    assert_answered(
        &answered,
        &[
            ("GET /healthz", 200),
            ("GET /readyz", 200),
            ("GET /openapi.json", 200),
            ("GET /login", 200),
            ("POST /login", 200),
            ("POST /login", 400),
            ("GET /logout", 302),
            ("POST /logout", 200),
            ("GET /verify", 401),
            ("GET /authz", 401),
            ("GET /authz", 400),
            ("POST /refresh-token", 400),
        ],
    );
}

#[test]
fn whoever_has_a_token_is_answered_as_promised() {
    let bench = Bench::new();
    let (answer, _) = bench.sign_in();
    let token = answer["user"]["authentication_token"].as_str().unwrap();
    let answered = bench.ask(&format!("[auth.openapi.token]\napi_key = \"{token}\"\n"));
    assert_answered(
        &answered,
        &[
            ("GET /verify", 200),
            ("POST /verify", 200),
            ("POST /verify", 400),
            ("GET /authz", 200),
            ("GET /authz", 403),
        ],
    );
}

#[test]
fn whoever_has_a_session_is_answered_as_promised() {
    let bench = Bench::new();
    let (answer, cookie) = bench.sign_in();
    let token = answer["csrf_token"].as_str().unwrap();
    let answered = bench.ask(&format!(
        "[auth.openapi.session]
api_key = \"{cookie}\"
[parameters]
\"header.X-XSRF-Token\" = \"{token}\"
"
    ));
    assert_answered(
        &answered,
        &[
            ("GET /verify", 200),
            ("POST /verify", 200),
            ("POST /login", 400),
            ("GET /authz", 200),
            ("GET /authz", 403),
        ],
    );
}

#[test]
fn whoever_sends_a_password_each_time_is_answered_as_promised() {
    let answered = Bench::new().ask(
        "[auth.openapi.basic]\nusername = \"ana@example.com\"\npassword = \"battery staple\"\n",
    );
    assert_answered(
        &answered,
        &[
            ("GET /verify", 200),
            ("POST /verify", 400),
            ("GET /authz", 403),
        ],
    );
}
