//! Chromium without a window, driven through `chromedriver` (`WebDriver`, W3C Recommendation).

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::http::Request;
use crate::program::{Folder, terminate, wait_for};

/// Arguments that keep Chromium from doing anything but what a test asks for.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
];

/// A `chromedriver` process, which ends with its test.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start(folder: &Folder) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let log = File::create(folder.path().join("chromedriver.log")).unwrap();
        let child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            // Chromium writes to these, too.
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver is not installed: {error}"));
        let driver = Self { child, port };
        wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // On SIGTERM, chromedriver ends the browsers that it started.
        terminate(&self.child);
        let _ = self.child.wait();
    }
}

/// One browser with an empty profile.
pub(crate) struct Chromium {
    session: String,
    driver: Driver,
    _profile: Folder,
}

impl Chromium {
    pub(crate) fn start() -> Self {
        let profile = Folder::new();
        let driver = Driver::start(&profile);
        let data = profile.path().join("profile");
        let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", data.display()));
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "timeouts": { "script": 20_000 },
            "webauthn:virtualAuthenticators": true,
        });
        let begun = command(
            &driver,
            "POST",
            "/session",
            &json!({ "capabilities": { "alwaysMatch": capabilities } }),
        );
        let session = begun["sessionId"].as_str().unwrap().to_owned();
        Self {
            session,
            driver,
            _profile: profile,
        }
    }

    /// Sends a command of this session, and returns its value.
    pub(crate) fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        command(&self.driver, method, &path, body)
    }

    /// Loads a page in the current tab.
    pub(crate) fn open(&self, address: &str) {
        self.command("POST", "/url", &json!({ "url": address }));
    }

    /// Runs a script in the current tab, and returns what it returns. A promise is awaited.
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        let body = json!({ "script": script, "args": arguments });
        self.command("POST", "/execute/sync", &body)
    }

    /// Opens a new tab, makes it the current one, and returns its name.
    pub(crate) fn new_tab(&self) -> String {
        let opened = self.command("POST", "/window/new", &json!({ "type": "tab" }));
        let tab = opened["handle"].as_str().unwrap().to_owned();
        self.switch_to(&tab);
        tab
    }

    /// The name of the current tab.
    pub(crate) fn tab(&self) -> String {
        let tab = self.command("GET", "/window", &Value::Null);
        tab.as_str().unwrap().to_owned()
    }

    pub(crate) fn switch_to(&self, tab: &str) {
        self.command("POST", "/window", &json!({ "handle": tab }));
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        let _ = Request::new("DELETE", &path).send(self.driver.port);
    }
}

fn command(driver: &Driver, method: &str, path: &str, body: &Value) -> Value {
    let mut request = Request::new(method, path);
    if method == "POST" {
        request = request.json(body);
    }
    let answer = request.send(driver.port).unwrap();
    let mut said = answer.json().expect("JSON from chromedriver");
    assert_eq!(answer.status, 200, "{method} {path} {body}: {said:#}");
    said["value"].take()
}
