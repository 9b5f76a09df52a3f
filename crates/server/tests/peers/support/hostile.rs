//! Sends hostile requests to our server and checks that it refuses or survives them.

use std::time::Duration;

use serde_json::json;

use super::compare;
use super::config;
use super::database::Users;
use super::folder::Folder;
use super::http::{Response, exchange};
use super::jar::Jar;
use super::peer::{Vestibule, fresh_database};
use super::requests::{sign_in, who};
use super::users::ANA;

/// The form that a refusal may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A 4xx with the JSON envelope.
    Envelope,
    /// For bytes that no HTTP parser understands: a bare 4xx or a closed connection is also fine.
    Raw,
}

/// Our server without the reference, and every fault found so far.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) server: Vestibule,
    before: Users,
    requests: usize,
    faults: Vec<String>,
    _folder: Folder,
}

impl Target {
    pub(crate) fn start(name: &str) -> Self {
        let folder = Folder::new(name);
        let database = fresh_database(folder.file("ours.db"));
        let server = Vestibule::start(&config::spa_with(&json!({})), &folder, database);
        let before = server.database.users();
        Self {
            server,
            before,
            requests: 0,
            faults: Vec::new(),
            _folder: folder,
        }
    }

    /// Sends bytes that the server must refuse.
    pub(crate) fn refuses(&mut self, name: &str, bytes: &[u8], refusal: Refusal) {
        self.requests += 1;
        if let Err(fault) = self.judge(bytes, refusal) {
            self.faults.push(format!("{name}: {fault}"));
        }
    }

    fn judge(&self, bytes: &[u8], refusal: Refusal) -> Result<(), String> {
        let answer = exchange(self.server.port, bytes, Duration::from_secs(20))?;
        if answer.is_empty() && refusal == Refusal::Raw {
            return Ok(());
        }
        let shown = || {
            String::from_utf8_lossy(&answer)
                .chars()
                .take(400)
                .collect::<String>()
        };
        let Some(response) = Response::parse(&answer) else {
            return Err(format!("not HTTP: {:?}", shown()));
        };
        if !(400..500).contains(&response.status) {
            return Err(format!("{}: {}", response.status, shown()));
        }
        let bare = refusal == Refusal::Raw && response.body.is_empty();
        if bare {
            return Ok(());
        }
        if response.body.is_empty() && !bytes.starts_with(b"HEAD") {
            return Err(format!("{} with an empty body", response.status));
        }
        compare::envelope_fault(&response).map_or(Ok(()), Err)
    }

    /// Sends bytes that may get any answer except a 5xx or one that shows a signed-in user.
    pub(crate) fn survives(&mut self, name: &str, bytes: &[u8]) {
        self.requests += 1;
        match exchange(self.server.port, bytes, Duration::from_secs(20)) {
            Err(error) => self.faults.push(format!("{name}: {error}")),
            Ok(answer) => {
                if let Some(response) = Response::parse(&answer) {
                    let known = response
                        .json()
                        .is_some_and(|body| body["response"].get("user").is_some());
                    if response.status >= 500 || known {
                        self.faults.push(format!(
                            "{name}: {}: {}",
                            response.status,
                            String::from_utf8_lossy(&answer)
                        ));
                    }
                }
            }
        }
    }

    /// Checks that no row changed, that nothing panicked, and that a user can still sign in.
    pub(crate) fn finish(self, at_least: usize) {
        let log = self.server.log();
        assert!(
            self.faults.is_empty(),
            "{} of {}:\n  - {}",
            self.faults.len(),
            self.requests,
            self.faults.join("\n  - ")
        );
        assert!(self.requests >= at_least, "{} requests", self.requests);
        assert!(!log.contains("panicked"), "{log}");
        assert_eq!(
            self.server.database.users(),
            self.before,
            "no partial effect"
        );
        let mut jar = Jar::default();
        assert_eq!(
            jar.send(sign_in(ANA), self.server.port).status,
            200,
            "{log}"
        );
        let answer = jar.send(who(), self.server.port).json().expect("JSON");
        assert!(answer["response"].get("user").is_some(), "{answer}");
    }
}
