//! schemathesis generates valid and invalid requests from the document, and checks each answer
//! against it: status, media type, headers, members and codes. No answer may be a 5xx.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Folder, Server, done, stderr, stdout};
use crate::{EVERYTHING, python_program};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
response_schema_conformance,response_headers_conformance,unsupported_method,\
allow_header_conformance,missing_required_header,ignored_auth";

/// The number of requests that are generated for each operation, besides the boundary values of the
/// schema. A number rather than a time, so that a slow machine sends the same requests.
const MADE_UP: &str = "40";

/// Cheap password hashing, so that the time goes into requests.
const CHEAP: &str = "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = \
{ argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1 }\n";

/// Wrong credentials are answered with 401 however many there were, which schemathesis insists on.
const UNLIMITED: &str = "SECURITY_LIMITS = \"off\"\n";

const LOGIN: &str = "{}/api/accounts/login?include_auth_token";

/// A server with users, and its folder.
struct Bench {
    folder: Folder,
    server: Server,
}

impl Bench {
    fn new(limits: &str) -> Self {
        let folder = Folder::new();
        let settings = format!("{EVERYTHING}{CHEAP}{limits}");
        folder.write("vestibule.toml", &settings);
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

    /// Signs ana in, and returns the `response` member of the answer and the session cookie.
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

    /// Runs schemathesis with these credentials, and returns from the log every operation with each
    /// status that it was answered with.
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

/// The document with complete paths: if it comes from a file, schemathesis uses one server for all
/// paths.
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

/// The document with answers that may have no other members than those that it lists.
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
            "{what} was never answered with {status}: {answered:?}"
        );
    }
}

#[test]
fn unauthenticated_requests_are_answered_as_documented() {
    let answered = Bench::new("").ask("");
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
fn requests_with_a_token_are_answered_as_documented() {
    let bench = Bench::new(UNLIMITED);
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
fn requests_with_a_session_are_answered_as_documented() {
    let bench = Bench::new(UNLIMITED);
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
fn requests_with_basic_authentication_are_answered_as_documented() {
    let answered = Bench::new(UNLIMITED).ask(
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
