//! Connecting to a server.
//!
//! A pooler such as PgBouncer may run each transaction in another session of PostgreSQL. Statements
//! prepared in one session are then unknown in the next, or belong to another program. A pooler is
//! detected when a connection starts: a setting that the client sends is missing in the session,
//! or is refused.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx_core::connection::Connection as _;
use sqlx_core::error::DatabaseError;
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::row::Row as _;
use sqlx_mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx_postgres::{PgConnectOptions, PgConnection};

use super::error::refuses_sign_in;
use super::wire::{Link, Session};

/// The setting that shows whether a session is our own.
const MARK: &str = "vestibule.session";
const SHOW_MARK: &str = "SELECT current_setting('vestibule.session', true)";

/// The options of a connection.
pub(super) enum Options {
    /// With whether there is a pooler, if the address says.
    Postgres(PgConnectOptions, Option<bool>),
    MySql(MySqlConnectOptions),
}

/// The place of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Tcp(String, u16),
    Socket(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A server that can be connected to.
pub(super) struct Target {
    options: Options,
    place: Place,
    /// Whether a pooler was detected.
    pooled: AtomicBool,
}

pub(super) enum Connection {
    Postgres(PgConnection, Session),
    MySql(MySqlConnection),
}

impl Target {
    pub(super) fn new(options: Options, place: Place) -> Self {
        let pooled = matches!(options, Options::Postgres(_, Some(true)));
        Self {
            options,
            place,
            pooled: AtomicBool::new(pooled),
        }
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.options, Options::Postgres(..))
    }

    /// The error of a server that does not answer.
    pub(super) fn silent(&self, waited: Duration) -> sqlx_core::Error {
        let what = format!(
            "no connection to {} within {} seconds",
            self.place,
            waited.as_secs()
        );
        io::Error::new(io::ErrorKind::TimedOut, what).into()
    }

    pub(super) async fn connect(&self) -> Result<Connection, sqlx_core::Error> {
        let connected = match &self.options {
            Options::Postgres(options, pooler) => self.postgres(options, *pooler).await,
            Options::MySql(options) => MySqlConnection::connect_with(options)
                .await
                .map(Connection::MySql),
        };
        let mut connection = connected.map_err(|error| self.told(error))?;
        connection.link().limit().await?;
        Ok(connection)
    }

    async fn postgres(
        &self,
        options: &PgConnectOptions,
        pooler: Option<bool>,
    ) -> Result<Connection, sqlx_core::Error> {
        let whole = pooler == Some(false);
        if whole || self.pooled.load(Ordering::Relaxed) {
            let session = if whole {
                Session::Whole
            } else {
                Session::Pooled
            };
            let connection = PgConnection::connect_with(options).await?;
            return Ok(Connection::Postgres(connection, session));
        }
        // It need not be secret. It only has to differ from those of other connections.
        let mark = format!("{:016x}", RandomState::new().build_hasher().finish());
        let marked = options.clone().options([(MARK, &mark)]);
        let connection = match PgConnection::connect_with(&marked).await {
            Ok(mut connection) => {
                if is_marked(&mut connection, &mark).await? {
                    return Ok(Connection::Postgres(connection, Session::Whole));
                }
                connection
            }
            Err(sqlx_core::Error::Database(refused)) if is_about_options(&*refused) => {
                PgConnection::connect_with(options).await?
            }
            Err(error) => return Err(error),
        };
        if !self.pooled.swap(true, Ordering::Relaxed) {
            tracing::info!(
                "a pooler stands before the database: each statement gets a transaction of its own"
            );
        }
        Ok(Connection::Postgres(connection, Session::Pooled))
    }

    /// Adds the place of the server to an I/O error.
    fn told(&self, error: sqlx_core::Error) -> sqlx_core::Error {
        let sqlx_core::Error::Io(cause) = error else {
            return error;
        };
        let place = &self.place;
        let what = match place {
            Place::Tcp(host, _) if is_resolution(&cause) => {
                format!("the host {host} cannot be resolved: {cause}")
            }
            // An error of rustls.
            _ if cause.kind() == io::ErrorKind::InvalidData => {
                format!("no secure connection to {place}: {cause}")
            }
            _ => format!("{place} cannot be reached: {cause}"),
        };
        io::Error::new(cause.kind(), what).into()
    }
}

/// Whether a name could not be resolved. The standard library has no error kind for it.
fn is_resolution(cause: &io::Error) -> bool {
    cause.raw_os_error().is_none() && cause.to_string().contains("lookup address")
}

/// Whether a server may have refused the settings of a connection, rather than the user or every
/// connection.
fn is_about_options(refused: &dyn DatabaseError) -> bool {
    let code = refused.code().unwrap_or_default();
    let about_others = code.starts_with("57") || code.starts_with("53") || code == "3D000";
    !about_others && !refuses_sign_in(refused)
}

/// Whether the session has the settings of this connection.
async fn is_marked(connection: &mut PgConnection, mark: &str) -> Result<bool, sqlx_core::Error> {
    let row = raw_sql(SHOW_MARK).fetch_one(connection).await?;
    let found: Option<String> = row.try_get(0)?;
    Ok(found.as_deref() == Some(mark))
}

impl Connection {
    pub(super) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Postgres(connection, session) => Link::Postgres(connection, *session),
            Self::MySql(connection) => Link::MySql(connection),
        }
    }
}
