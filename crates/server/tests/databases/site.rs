//! A server with a database, and an SMTP server that receives its mails.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::jar::{Jar, with_token};
use crate::post::Post;
use crate::program::{Folder, Server, done, stderr};
use crate::server::{Engine, Schema};

/// The number of concurrent clients.
pub(crate) const AT_ONCE: usize = 64;

pub(crate) const ANA: &str = "ana@example.com";
pub(crate) const PASSWORD: &str = "battery-staple";

/// The settings of every test's server, with cheap password hashing.
pub(crate) const COMMON: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__time_cost = 1, argon2__memory_cost = 1024, argon2__parallelism = 1 }
SECURITY_URL_PREFIX = "/api/accounts"
SECURITY_CSRF_PROTECT_MECHANISMS = ["session", "basic"]
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true
SECURITY_CSRF_COOKIE_NAME = "XSRF-TOKEN"
WTF_CSRF_CHECK_DEFAULT = false
"#;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
    Mysql,
    /// Encoded in Latin-1, like [`Self::LatinMysql`].
    LatinPostgres,
    LatinMysql,
}

impl Database {
    /// A new database on its server; none for `SQLite`, whose file is in the site's folder.
    fn schema(self) -> Option<Schema> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Schema::postgres()),
            Self::Mysql => Some(Schema::mysql()),
            Self::LatinPostgres => Some(Schema::latin1(Engine::Postgres)),
            Self::LatinMysql => Some(Schema::latin1(Engine::Mysql)),
        }
    }
}

/// A server and everything that it needs. The database is dropped last.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) folder: Folder,
    pub(crate) post: Post,
    schema: Option<Schema>,
}

impl Site {
    /// Starts a server with these settings, a new database and a mail server.
    pub(crate) fn start(database: Database, settings: &str) -> Self {
        Self::start_with_post(database, settings, Post::open())
    }

    /// Like [`Self::start`], with this mail server, which may be closed.
    pub(crate) fn start_with_post(database: Database, settings: &str, post: Post) -> Self {
        let schema = database.schema();
        let uri = schema
            .as_ref()
            .map_or("sqlite:///accounts.db", |schema| &schema.uri);
        let site = Self::with_post(Folder::new(), uri, settings, post, |_| {});
        Self { schema, ..site }
    }

    /// Starts a server on the database at `uri`, after `prepare` has run in its folder.
    pub(crate) fn at(folder: Folder, uri: &str, settings: &str, prepare: impl Fn(&Folder)) -> Self {
        Self::with_post(folder, uri, settings, Post::open(), prepare)
    }

    fn with_post(
        folder: Folder,
        uri: &str,
        settings: &str,
        post: Post,
        prepare: impl Fn(&Folder),
    ) -> Self {
        let settings = format!(
            "{settings}\n\
             SQLALCHEMY_DATABASE_URI = \"{uri}\"\n\
             MAIL_SERVER = \"127.0.0.1\"\n\
             MAIL_PORT = {}\n",
            post.port
        );
        folder.write("vestibule.toml", &settings);
        prepare(&folder);
        Self {
            server: Server::start(&folder, &[]),
            folder,
            post,
            schema: None,
        }
    }

    /// Creates an account that can sign in with [`PASSWORD`].
    pub(crate) fn create(&self, email: &str) {
        let words = ["users", "create", email, "--password", PASSWORD];
        let made = self.folder.run(&[&words[..], &["--confirmed"]].concat());
        assert!(made.status.success(), "{}", stderr(&made));
    }

    /// The addresses of all accounts, as they are stored.
    pub(crate) fn accounts(&self) -> Vec<String> {
        let listed = done(&self.folder.run(&["users", "list", "--json"]));
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let users = listed.as_array().unwrap_or_else(|| panic!("{listed}"));
        users
            .iter()
            .map(|user| user["email"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The number of mails in the outbox, those that are being sent included.
    pub(crate) fn waiting(&self) -> u32 {
        self.count("SELECT COUNT(*) FROM vestibule_outbox")
    }

    /// The number that a query returns.
    pub(crate) fn count(&self, query: &str) -> u32 {
        if let Some(schema) = &self.schema {
            return schema.ask(query).trim().parse().unwrap();
        }
        let file = self.folder.path().join("accounts.db");
        let file = rusqlite::Connection::open(file).unwrap();
        file.query_row(query, (), |row| row.get(0)).unwrap()
    }

    /// Runs a statement directly in the database, and returns its output.
    pub(crate) fn sql(&self, statement: &str) -> String {
        self.schema.as_ref().unwrap().ask(statement)
    }

    /// Sends a request without cookies.
    pub(crate) fn ask(&self, request: Request) -> Response {
        Jar::default().send(request, self.server.port)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.ask(Request::post(&format!("/api/accounts{path}"), body))
    }

    /// Sends [`AT_ONCE`] requests at the same time, each on its own connection.
    pub(crate) fn at_once(&self, request: impl Fn(usize) -> Request + Sync) -> Vec<Response> {
        let (start, port) = (Barrier::new(AT_ONCE), self.server.port);
        let client = |number| {
            let request = request(number);
            start.wait();
            request.send(port).unwrap()
        };
        std::thread::scope(|scope| {
            let client = &client;
            let threads: Vec<_> = (0..AT_ONCE)
                .map(|number| scope.spawn(move || client(number)))
                .collect();
            let answers = threads.into_iter().map(|thread| thread.join().unwrap());
            answers.collect()
        })
    }

    /// A new browser without cookies.
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            jar: Jar::default(),
            port: self.server.port,
        }
    }

    /// Whether the user can sign in with this password.
    pub(crate) fn signs_in(&self, email: &str, password: &str) -> bool {
        self.browser().sign_in(email, password).status == 200
    }
}

/// A browser that runs the app: it sends its cookies, and the CSRF cookie's value as a header.
pub(crate) struct Browser {
    jar: Jar,
    port: u16,
}

impl Browser {
    pub(crate) fn get(&mut self, target: &str) -> Response {
        self.jar.send(Request::get(target), self.port)
    }

    /// The request that this browser would send now.
    pub(crate) fn request(&self, path: &str, body: &Value) -> Request {
        let request = Request::post(&format!("/api/accounts{path}"), body);
        let request = with_token(request, &self.jar);
        match self.jar.header() {
            Some(cookies) => request.header("Cookie", cookies),
            None => request,
        }
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response {
        let request = Request::post(&format!("/api/accounts{path}"), body);
        self.jar.send(with_token(request, &self.jar), self.port)
    }

    pub(crate) fn sign_in(&mut self, email: &str, password: &str) -> Response {
        self.post("/login", &json!({"email": email, "password": password}))
    }

    pub(crate) fn is_in(&mut self) -> bool {
        match self.get("/api/accounts/authz").status {
            200 => true,
            401 => false,
            other => panic!("{other}"),
        }
    }
}

/// The body of a registration.
pub(crate) fn newcomer(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "password_confirm": PASSWORD})
}

/// The view that an answer redirects to, and the query.
pub(crate) fn destination(answer: &Response) -> (&str, &str) {
    assert_eq!(answer.status, 302, "{answer:?}");
    let target = answer.first("location").unwrap();
    target.split_once('?').unwrap_or((target, ""))
}

/// The stable code of a refusal.
pub(crate) fn code(answer: &Response) -> String {
    let said = answer.json().unwrap();
    let codes = &said["response"]["error_codes"];
    codes[0]
        .as_str()
        .unwrap_or_else(|| panic!("{said}"))
        .to_owned()
}
