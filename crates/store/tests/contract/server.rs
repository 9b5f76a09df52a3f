//! Databases on real servers. Each test gets its own.
//!
//! `TEST_POSTGRES` and `TEST_MYSQL` are the addresses of the servers. A test fails if its server
//! does not answer.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A database that is dropped at the end of its test.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) uri: String,
    pub(crate) engine: Engine,
    name: String,
    server: Address,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Mysql,
}

/// The address of a server: `engine://user:password@host:port`.
#[derive(Debug, Clone)]
struct Address {
    base: String,
    user: String,
    password: String,
    host: String,
    port: String,
}

impl Schema {
    pub(crate) fn postgres() -> Self {
        Self::new(Engine::Postgres)
    }

    pub(crate) fn mysql() -> Self {
        Self::new(Engine::Mysql)
    }

    /// A database whose encoding covers only the languages of western Europe.
    pub(crate) fn latin1(engine: Engine) -> Self {
        let schema = Self::unmade(engine);
        let name = &schema.name;
        schema.administer(&match engine {
            Engine::Postgres => {
                format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
            }
            Engine::Mysql => format!("CREATE DATABASE {name} CHARACTER SET latin1"),
        });
        schema
    }

    pub(crate) fn new(engine: Engine) -> Self {
        let schema = Self::unmade(engine);
        let create = match engine {
            Engine::Postgres => format!("CREATE DATABASE {}", schema.name),
            Engine::Mysql => format!("CREATE DATABASE {} CHARACTER SET utf8mb4", schema.name),
        };
        schema.administer(&create);
        schema
    }

    fn unmade(engine: Engine) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("vestibule_test_{}_{number}", std::process::id());
        let server = Address::of(engine);
        Self {
            uri: format!("{}/{name}", server.base),
            engine,
            name,
            server,
        }
    }

    /// A copy of this database with its contents. `PostgreSQL` makes one copy at a time, and only
    /// of a database without connections.
    pub(crate) fn copy(&self) -> Self {
        match self.engine {
            Engine::Postgres => {
                let copy = Self::unmade(self.engine);
                let (name, original) = (&copy.name, &self.name);
                copy.administer(&format!("CREATE DATABASE {name} TEMPLATE {original}"));
                copy
            }
            Engine::Mysql => {
                let copy = Self::new(self.engine);
                let mut dump = Command::new("mariadb-dump")
                    .args(self.server.options())
                    .arg(&self.name)
                    .stdout(Stdio::piped())
                    .spawn()
                    .expect("mariadb-dump is installed");
                let dumped = dump.stdout.take().expect("a piped output");
                done("copy", copy.client().stdin(dumped));
                assert!(dump.wait().is_ok_and(|status| status.success()));
                copy
            }
        }
    }

    /// The server's own client in this database. Without an argument, it reads statements from its
    /// input. It prints each row as a line, without column names.
    pub(crate) fn client(&self) -> Command {
        self.client_in(&self.name)
    }

    fn client_in(&self, database: &str) -> Command {
        match self.engine {
            Engine::Postgres => {
                let mut psql = Command::new("psql");
                psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1"])
                    .arg(format!("{}/{database}", self.server.base));
                psql
            }
            Engine::Mysql => {
                let mut mariadb = Command::new("mariadb");
                mariadb
                    .args(self.server.options())
                    .args(["--batch", "--skip-column-names", "--unbuffered"])
                    .arg(format!("--database={database}"));
                mariadb
            }
        }
    }

    /// Runs a statement in this database and returns its output.
    pub(crate) fn ask(&self, statement: &str) -> String {
        self.run(self.client(), statement)
    }

    /// Runs a statement on the server, outside this database.
    pub(crate) fn administer(&self, statement: &str) -> String {
        let outside = match self.engine {
            Engine::Postgres => "postgres",
            Engine::Mysql => "",
        };
        self.run(self.client_in(outside), statement)
    }

    fn run(&self, mut client: Command, statement: &str) -> String {
        let flag = match self.engine {
            Engine::Postgres => "-c",
            Engine::Mysql => "-e",
        };
        done(statement, client.args([flag, statement]))
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.administer(&match self.engine {
            Engine::Postgres => format!("DROP DATABASE {} WITH (FORCE)", self.name),
            Engine::Mysql => format!("DROP DATABASE {}", self.name),
        });
    }
}

impl Address {
    fn of(engine: Engine) -> Self {
        let whole = match engine {
            Engine::Postgres => variable(
                "TEST_POSTGRES",
                "postgresql://postgres@127.0.0.1:5432/postgres",
            ),
            Engine::Mysql => variable("TEST_MYSQL", "mysql://root@127.0.0.1:3306/test"),
        };
        let parts = || {
            let (base, _) = whole.rsplit_once('/')?;
            let (who, place) = base.split_once("://")?.1.split_once('@')?;
            let (host, port) = place.split_once(':')?;
            Some((base, who.split_once(':').unwrap_or((who, "")), host, port))
        };
        let (base, (user, password), host, port) =
            parts().unwrap_or_else(|| panic!("engine://user@host:port/database, not {whole:?}"));
        Self {
            base: base.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            host: host.to_owned(),
            port: port.to_owned(),
        }
    }

    /// The options for `MariaDB`'s clients.
    fn options(&self) -> [String; 4] {
        [
            format!("--host={}", self.host),
            format!("--port={}", self.port),
            format!("--user={}", self.user),
            format!("--password={}", self.password),
        ]
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the addresses of the test servers"
)]
fn variable(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

/// Runs a client to its end and returns its output.
fn done(what: &str, client: &mut Command) -> String {
    let output = client
        .output()
        .unwrap_or_else(|error| panic!("{client:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
