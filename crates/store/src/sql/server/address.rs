//! Addresses of database servers, as SQLAlchemy writes them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx_mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx_postgres::PgConnectOptions;
use url::{Url, form_urlencoded};

use super::pool::Pool;
use super::target::{Options, Place, Target};
use super::tls::{Mode, Tls, TlsOptions, VARIABLES};
use super::uri_parts::UriParts;
use crate::StoreError;
use crate::sql::address::{is_tls_option, malformed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Postgres,
    MySql,
}

/// The parts of an address. It has no `Debug`, because it holds a password.
pub(crate) struct Address {
    engine: Engine,
    host: String,
    port: u16,
    /// Instead of the host: the Unix socket of MySQL, or the folder of PostgreSQL's sockets.
    socket: Option<PathBuf>,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    application_name: Option<String>,
    /// Settings of the session, which libpq calls `options`.
    session: Option<String>,
    tls: Tls,
    /// Whether a pooler is between us and the server. `None` if the address does not say.
    pooler: Option<bool>,
}

/// The kind of server for the scheme of an address. The driver after the plus sign is ignored.
fn engine(scheme: &str) -> Option<Engine> {
    match scheme.split('+').next()? {
        "postgresql" | "postgres" => Some(Engine::Postgres),
        "mysql" | "mariadb" => Some(Engine::MySql),
        _ => None,
    }
}

/// Whether an address names a supported kind of server.
#[must_use]
pub(crate) fn is_server(uri: &str) -> bool {
    uri.split_once(':')
        .is_some_and(|(scheme, _)| engine(&scheme.to_ascii_lowercase()).is_some())
}

/// Reads an address. libpq's environment variables replace TLS options that it does not have.
///
/// # Errors
/// When the address is malformed, or has a TLS option that is not supported.
#[expect(
    clippy::disallowed_methods,
    reason = "the driver reads libpq's variables itself, and passes over what it does not know"
)]
pub(crate) fn read(uri: &str) -> Result<Address, StoreError> {
    Address::read(uri, &|name| std::env::var(name).ok())
}

/// Creates a pool for a server. It opens no connection yet.
pub(super) fn pool(uri: &str) -> Result<Pool, StoreError> {
    Ok(Pool::new(read(uri)?.target()?))
}

impl Address {
    fn read(uri: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, StoreError> {
        let (scheme, rest) = uri
            .trim()
            .split_once("://")
            .ok_or_else(|| malformed("has no :// after its scheme"))?;
        let engine = engine(&scheme.to_ascii_lowercase())
            .ok_or_else(|| malformed("names no kind of server that is served"))?;
        let parts = UriParts::of(rest)?;
        let mut address = Self {
            engine,
            host: parts.host.unwrap_or_else(|| "localhost".to_owned()),
            port: parts.port.unwrap_or(match engine {
                Engine::Postgres => 5432,
                Engine::MySql => 3306,
            }),
            socket: None,
            user: parts.user,
            password: parts.password,
            database: parts.database,
            application_name: None,
            session: None,
            tls: Tls::off(),
            pooler: None,
        };
        let mut tls = TlsOptions::default();
        for (name, value) in form_urlencoded::parse(parts.query.as_bytes()) {
            if is_tls_option(&name) {
                tls.take(&name, value.into_owned())?;
            } else {
                address.take(&name, value.into_owned())?;
            }
        }
        if engine == Engine::Postgres {
            for name in VARIABLES {
                if let Some(value) = variable(name).filter(|value| !value.is_empty()) {
                    tls.take_variable(name, value);
                }
            }
        }
        if address.host.starts_with('/') {
            address.socket = Some(PathBuf::from(&address.host));
        }
        address.tls = match engine {
            Engine::Postgres => tls.postgres()?,
            Engine::MySql => tls.mysql()?,
        };
        // As in libpq, connections to a socket are not encrypted.
        if engine == Engine::Postgres && address.socket.is_some() {
            address.tls.mode = Mode::Off;
        }
        Ok(address)
    }

    /// Applies an option that is not about TLS. Options for Python's drivers are ignored.
    fn take(&mut self, name: &str, value: String) -> Result<(), StoreError> {
        match (self.engine, name) {
            (_, "user") => self.user = Some(value),
            (_, "password") => self.password = Some(value),
            (_, "host") if !value.is_empty() => self.host = value,
            (_, "port") => {
                self.port = value
                    .parse()
                    .map_err(|_| malformed("has an option port that is no number of a port"))?;
            }
            (Engine::MySql, "unix_socket" | "socket") => self.socket = Some(PathBuf::from(value)),
            (Engine::Postgres, "dbname") => self.database = Some(value),
            (Engine::Postgres, "application_name") => self.application_name = Some(value),
            (Engine::Postgres, "options") => self.session = Some(value),
            (Engine::Postgres, "pgbouncer") => {
                self.pooler = Some(match value.to_ascii_lowercase().as_str() {
                    "true" | "1" | "yes" | "on" => true,
                    "false" | "0" | "no" | "off" => false,
                    _ => return Err(malformed("has an option pgbouncer: write true or false")),
                });
            }
            // These files and services are not read. They may require TLS: ignoring them is unsafe.
            (Engine::Postgres, "service" | "servicefile")
            | (Engine::MySql, "read_default_file" | "read_default_group" | "option_files") => {
                return Err(malformed(
                    "names a file of options, which is not read: write the options into the address",
                ));
            }
            _ => {}
        }
        Ok(())
    }

    /// The target of connections.
    pub(super) fn target(&self) -> Result<Target, StoreError> {
        self.tls.check_files()?;
        let options = match self.engine {
            Engine::Postgres => Options::Postgres(self.postgres()?, self.pooler),
            Engine::MySql => Options::MySql(self.mysql()),
        };
        Ok(Target::new(options, self.place()))
    }

    /// Where the server is, for error messages.
    fn place(&self) -> Place {
        match &self.socket {
            Some(socket) => Place::Socket(socket.clone()),
            None => Place::Tcp(self.host.clone(), self.port),
        }
    }

    /// Checks that the files that the address names can be read.
    ///
    /// # Errors
    /// When a file cannot be read. The error names it.
    pub(crate) fn check_files(&self) -> Result<(), StoreError> {
        self.tls.check_files()
    }

    /// Whether an attacker in the network can read passwords and accounts: the server is not on
    /// this machine, and its identity is not verified.
    pub(crate) fn is_exposed(&self) -> bool {
        let is_local = self.socket.is_some()
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        !is_local && self.tls.mode != Mode::Verify
    }

    /// The option that requests verification of the server.
    pub(crate) fn verifying_option(&self) -> &'static str {
        match self.engine {
            Engine::Postgres => "sslmode=verify-full",
            Engine::MySql => "ssl_ca=/path/to/ca.pem",
        }
    }

    fn postgres(&self) -> Result<PgConnectOptions, StoreError> {
        // All parts go into the query, where every value is percent-encoded.
        let mut url = Url::parse("postgres://localhost")
            .map_err(|_| malformed("cannot be handed to the driver"))?;
        let mode = match self.tls.mode {
            Mode::Off => "disable",
            Mode::Prefer => "prefer",
            Mode::Require => "require",
            Mode::Verify => "verify-full",
        };
        let path =
            |path: &Option<PathBuf>| path.as_deref().map(Path::to_string_lossy).map(Into::into);
        let pairs: [(&str, Option<String>); 11] = [
            ("host", Some(self.host.clone())),
            ("port", Some(self.port.to_string())),
            ("user", self.user.clone()),
            ("password", self.password.clone()),
            ("dbname", self.database.clone()),
            ("application_name", self.application_name.clone()),
            ("options", self.session.clone()),
            ("sslmode", Some(mode.to_owned())),
            ("sslrootcert", path(&self.tls.ca)),
            ("sslcert", path(&self.tls.cert)),
            ("sslkey", path(&self.tls.key)),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, &value);
            }
        }
        let options = PgConnectOptions::from_str(url.as_str())
            .map_err(|_| malformed("cannot be handed to the driver"))?;
        // Poolers refuse this setting, and the store reads no floating-point numbers.
        Ok(options.extra_float_digits(Option::<i8>::None))
    }

    fn mysql(&self) -> MySqlConnectOptions {
        let mut options = MySqlConnectOptions::new().ssl_mode(match self.tls.mode {
            Mode::Off => MySqlSslMode::Disabled,
            Mode::Prefer => MySqlSslMode::Preferred,
            Mode::Require => MySqlSslMode::Required,
            Mode::Verify => MySqlSslMode::VerifyIdentity,
        });
        options = match &self.socket {
            Some(path) => options.socket(path),
            None => options.host(&self.host).port(self.port),
        };
        if let Some(user) = &self.user {
            options = options.username(user);
        }
        if let Some(password) = &self.password {
            options = options.password(password);
        }
        if let Some(database) = &self.database {
            options = options.database(database);
        }
        if let Some(ca) = &self.tls.ca {
            options = options.ssl_ca(ca);
        }
        if let (Some(cert), Some(key)) = (&self.tls.cert, &self.tls.key) {
            options = options.ssl_client_cert(cert).ssl_client_key(key);
        }
        options
    }
}

#[cfg(test)]
mod tests;
