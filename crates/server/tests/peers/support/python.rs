//! The Python process with the real Flask-Security: it starts reference servers, seeds databases
//! and signs values for the tests. `oracle/app.py` documents its protocol.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use serde_json::{Map, Value, json};

use super::users;

static PYTHON: LazyLock<Result<Python, String>> = LazyLock::new(Python::start);

/// The Python process that all tests of a run share. It ends with the run, when its standard input
/// closes.
pub(crate) struct Python {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    codes: Vec<(String, String)>,
    _process: Child,
}

/// The project's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Python {
    pub(crate) fn get() -> &'static Self {
        PYTHON.as_ref().unwrap_or_else(|reason| panic!("{reason}"))
    }

    fn start() -> Result<Self, String> {
        let oracle = root().join("oracle");
        let python = interpreter(&oracle)?;
        let mut process = Command::new(&python)
            .arg("-u")
            .arg(oracle.join("app.py"))
            .env_remove("PYTHONPATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!(
                    "{} does not start: {error}\n{}",
                    python.display(),
                    how_to_make(&oracle)
                )
            })?;
        let input = process.stdin.take().expect("a piped input");
        let output = BufReader::new(process.stdout.take().expect("a piped output"));
        let mut python = Self {
            pipes: Mutex::new((input, output)),
            codes: Vec::new(),
            _process: process,
        };
        let messages = python
            .try_ask(&json!({"op": "messages"}))
            .map_err(|error| {
                format!(
                    "the reference does not start: {error}\n{}",
                    how_to_make(&oracle)
                )
            })?;
        python.codes = messages
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(code, text)| Some((text.as_str()?.to_owned(), code.clone())))
            .collect();
        Ok(python)
    }

    fn try_ask(&self, request: &Value) -> Result<Value, String> {
        let mut pipes = self.pipes.lock().map_err(|error| error.to_string())?;
        writeln!(pipes.0, "{request}").map_err(|error| error.to_string())?;
        let mut line = String::new();
        pipes
            .1
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|error| format!("{error}: {line:?}"))?;
        match answer.get("error") {
            Some(error) if answer.as_object().is_some_and(|all| all.len() == 1) => {
                Err(error.to_string())
            }
            _ => Ok(answer),
        }
    }

    fn ask(&self, request: &Value) -> Value {
        self.try_ask(request)
            .unwrap_or_else(|error| panic!("the reference refused {request}: {error}"))
    }

    /// The `SECURITY_MSG_` code of a text from the reference.
    pub(crate) fn code_of(&self, text: &str) -> Option<&str> {
        self.codes
            .iter()
            .find(|(template, _)| fits(text, template))
            .map(|(_, code)| code.as_str())
    }

    /// Creates a database with all test users.
    pub(crate) fn seed(&self, config: &Map<String, Value>, log: &Path) {
        let (users, roles) = (users::everybody(), users::roles());
        self.ask(
            &json!({"op": "seed", "config": config, "users": users, "roles": roles, "log": log}),
        );
    }

    /// Starts a reference server and returns its process ID and port.
    pub(crate) fn serve(&self, config: &Map<String, Value>, log: &Path) -> (u64, u16) {
        let answer = self
            .try_ask(&json!({"op": "serve", "config": config, "log": log}))
            .unwrap_or_else(|error| {
                panic!(
                    "the reference does not start: {error}\n{}",
                    std::fs::read_to_string(log).unwrap_or_default()
                )
            });
        let number = |key: &str| answer[key].as_u64().expect("a number");
        (
            number("pid"),
            u16::try_from(number("port")).expect("a port"),
        )
    }

    pub(crate) fn stop(&self, pid: u64) {
        let _ = self.try_ask(&json!({"op": "stop", "pid": pid}));
    }

    /// Signs `payload` as the reference would have done `age` seconds ago. `kind` is `session`,
    /// `csrf`, or the name of one of the reference's salts without `_SALT`.
    pub(crate) fn sign(&self, kind: &str, secret: &str, payload: &Value, age: i64) -> String {
        let answer = self.ask(
            &json!({"op": "sign", "kind": kind, "secret": secret, "payload": payload, "age": age}),
        );
        answer["value"].as_str().expect("a text").to_owned()
    }

    /// The one-time code of a key in base32, at a time in seconds since 1970.
    pub(crate) fn one_time_code(&self, key: &str, at: u64) -> String {
        self.value(&json!({"op": "code", "key": key, "at": at}))
    }

    /// A key as the reference stores it with these `SECURITY_TOTP_SECRETS`.
    pub(crate) fn seal_key(&self, secrets: &Value, key: &str) -> String {
        self.value(&json!({"op": "seal_key", "secrets": secrets, "key": key}))
    }

    /// The key in a value that either server stored.
    pub(crate) fn open_key(&self, secrets: &Value, sealed: &str) -> String {
        self.value(&json!({"op": "open_key", "secrets": secrets, "sealed": sealed}))
    }

    fn value(&self, request: &Value) -> String {
        self.ask(request)["value"]
            .as_str()
            .expect("a text")
            .to_owned()
    }

    /// The value of a remember cookie for this identity.
    pub(crate) fn remember(&self, secret: &str, identity: &str) -> String {
        let answer = self.ask(&json!({"op": "digest", "secret": secret, "payload": identity}));
        answer["value"].as_str().expect("a text").to_owned()
    }
}

/// Whether a text matches this template with its placeholders (`%(name)s`) filled in.
pub(crate) fn fits(text: &str, template: &str) -> bool {
    let mut parts = template.split("%(");
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The conversion type (`s`, `d`) follows the closing parenthesis.
        let part = part
            .split_once(')')
            .and_then(|(_, behind)| behind.get(1..))
            .unwrap_or_default();
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        rest = match rest.find(part) {
            Some(at) => &rest[at + part.len()..],
            None => return false,
        };
    }
    rest.is_empty()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test command may choose another Python"
)]
pub(crate) fn interpreter(oracle: &Path) -> Result<PathBuf, String> {
    let python = std::env::var("VESTIBULE_ORACLE_PYTHON")
        .map_or_else(|_| oracle.join(".venv/bin/python"), PathBuf::from);
    if python.exists() {
        Ok(python)
    } else {
        Err(format!(
            "{} does not exist\n{}",
            python.display(),
            how_to_make(oracle)
        ))
    }
}

fn how_to_make(oracle: &Path) -> String {
    let (venv, list) = (oracle.join(".venv"), oracle.join("requirements.txt"));
    format!(
        "The comparison needs the reference, Flask-Security. Create its environment:\n  \
         python3 -m venv {venv} && {venv}/bin/pip install -r {list}\n\
         or set VESTIBULE_ORACLE_PYTHON to a Python that has those packages.",
        venv = venv.display(),
        list = list.display(),
    )
}
