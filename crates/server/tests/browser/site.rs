//! An app in a browser: vestibule, nginx with the page, and Chromium.

use std::thread;

use serde_json::{Value, json};

use crate::chromium::Chromium;
use crate::front::{Front, Host, free_port};
use crate::page::page;
use crate::program::{Folder, Server, stderr};

pub(crate) const ANA: &str = "ana@example.com";
pub(crate) const PASSWORD: &str = "battery-staple";

/// The settings of every test's server, with cheap password hashing.
const COMMON: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__time_cost = 1, argon2__memory_cost = 1024, argon2__parallelism = 1 }
SECURITY_URL_PREFIX = "/api/accounts"
SECURITY_CSRF_PROTECT_MECHANISMS = ["session", "basic"]
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true
SECURITY_CSRF_COOKIE_NAME = "XSRF-TOKEN"
WTF_CSRF_CHECK_DEFAULT = false
SECURITY_WEBAUTHN = true
"#;

/// How the page reaches vestibule.
#[derive(Clone, Copy)]
pub(crate) enum Api {
    /// Through nginx, with this host.
    Behind(Host),
    /// At vestibule's own port, which is another origin.
    OwnPort,
}

/// A server and everything that a user needs to sign in. Chromium is dropped first.
pub(crate) struct Site {
    pub(crate) chromium: Chromium,
    pub(crate) front: Front,
    _server: Server,
    _folder: Folder,
}

impl Site {
    /// Starts an app with these settings and with an account that can sign in with [`PASSWORD`], and
    /// opens its page.
    pub(crate) fn start(settings: &str) -> Self {
        Self::reached(Api::Behind(Host::Browser), |_| settings.to_owned())
    }

    /// Like [`Self::start`], with settings that depend on the port of the page.
    pub(crate) fn reached(api: Api, settings: impl Fn(u16) -> String) -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let settings = settings(port);
        folder.write("vestibule.toml", &format!("{COMMON}{settings}"));
        let (chromium, server) = thread::scope(|scope| {
            let chromium = scope.spawn(Chromium::start);
            let server = serve(&folder);
            (chromium.join().unwrap(), server)
        });
        let (base, host) = match api {
            Api::Behind(host) => ("/api/accounts/".to_owned(), host),
            Api::OwnPort => (
                format!("http://localhost:{}/api/accounts/", server.port),
                Host::Vestibule,
            ),
        };
        let site = Self {
            chromium,
            front: Front::start(port, &page(&base), server.port, host),
            _server: server,
            _folder: folder,
        };
        site.open();
        site
    }

    /// Loads the page in the current tab.
    pub(crate) fn open(&self) {
        self.chromium.open(&self.front.origin());
    }

    /// Loads the page in a new tab, which has no authenticator yet. Returns the name of the tab.
    pub(crate) fn new_tab(&self) -> String {
        let tab = self.chromium.new_tab();
        self.open();
        tab
    }

    /// Sends a request from the page. The reply has its status as `status`.
    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> Value {
        let arguments = [json!(method), json!(path), body.clone()];
        self.chromium
            .run("return request(...arguments)", &arguments)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.request("POST", path, body)
    }

    /// Runs a ceremony of the page, with these changes of its first request.
    pub(crate) fn ceremony(&self, name: &str, changes: &Value) -> Value {
        let arguments = [json!(name), changes.clone()];
        self.chromium
            .run("return ceremony(...arguments)", &arguments)
    }

    /// Runs a ceremony that has to succeed.
    #[track_caller]
    pub(crate) fn succeeds(&self, name: &str, changes: &Value) -> Value {
        let done = self.ceremony(name, changes);
        assert_eq!(done["status"], 200, "{name}: {done:#}");
        done
    }

    /// Signs in with the password.
    pub(crate) fn sign_in(&self) -> Value {
        let credentials = json!({ "email": ANA, "password": PASSWORD });
        let done = self.post("login", &credentials);
        assert_eq!(done["status"], 200, "{done:#}");
        done
    }

    pub(crate) fn sign_out(&self) {
        let done = self.post("logout", &json!({}));
        assert_eq!(done["status"], 200, "{done:#}");
    }

    /// Whether the browser has a session of the user.
    pub(crate) fn is_signed_in(&self) -> bool {
        let reply = self.request("GET", "authz", &Value::Null);
        match reply["status"].as_u64() {
            Some(200) => reply["user"] == ANA,
            Some(401) => false,
            _ => panic!("{reply:#}"),
        }
    }

    /// The user's passkeys, as the API lists them.
    pub(crate) fn passkeys(&self) -> Vec<Value> {
        let reply = self.request("GET", "wan-register", &Value::Null);
        let listed = reply["registered_credentials"].as_array();
        listed.unwrap_or_else(|| panic!("{reply:#}")).clone()
    }
}

/// Starts vestibule, and creates the account.
fn serve(folder: &Folder) -> Server {
    let server = Server::start(folder, &[]);
    let words = ["users", "create", ANA, "--password", PASSWORD];
    let made = folder.run(&[&words[..], &["--confirmed"]].concat());
    assert!(made.status.success(), "{}", stderr(&made));
    server
}

/// The error code of a refusal.
#[track_caller]
pub(crate) fn code(reply: &Value) -> &str {
    let code = reply["error_codes"][0].as_str();
    code.unwrap_or_else(|| panic!("no error: {reply:#}"))
}
