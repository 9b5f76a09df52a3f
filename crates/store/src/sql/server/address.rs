//! Addresses of database servers, as SQLAlchemy writes them.

use std::str::FromStr as _;

use sqlx_mysql::MySqlConnectOptions;
use sqlx_postgres::PgConnectOptions;
use url::Url;

use super::pool::Pool;
use crate::StoreError;

/// Options of the drivers that ours understands, under its own names. What else stands behind
/// the question mark is for Python's driver, and is passed over.
const POSTGRES: [(&str, &str); 9] = [
    ("sslmode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("sslkey", "sslkey"),
    ("host", "host"),
    ("port", "port"),
    ("dbname", "dbname"),
    ("application_name", "application_name"),
    ("options", "options"),
];
const MYSQL: [(&str, &str); 8] = [
    ("ssl-mode", "ssl-mode"),
    ("ssl_mode", "ssl-mode"),
    ("ssl-ca", "ssl-ca"),
    ("ssl_ca", "ssl-ca"),
    ("ssl_cert", "ssl-cert"),
    ("ssl_key", "ssl-key"),
    ("unix_socket", "socket"),
    ("socket", "socket"),
];

/// Which kind of server an address names, whatever the driver behind the plus sign.
fn kind(scheme: &str) -> Option<&'static str> {
    match scheme.split('+').next()? {
        "postgresql" | "postgres" => Some("postgres"),
        "mysql" | "mariadb" => Some("mysql"),
        _ => None,
    }
}

/// Whether an address names a server that is served here.
#[must_use]
pub(crate) fn is_server(uri: &str) -> bool {
    uri.split_once(':')
        .is_some_and(|(scheme, _)| kind(scheme).is_some())
}

/// The connections to a server; none is made yet.
pub(super) fn pool(uri: &str) -> Result<Pool, StoreError> {
    // No word of the address itself: it holds a password.
    let malformed = |why: &str| StoreError::Schema(format!("the address of the database {why}"));
    let (scheme, rest) = uri
        .split_once("://")
        .ok_or_else(|| malformed("has no ://"))?;
    let kind = kind(scheme).ok_or_else(|| malformed("names no kind of server that is served"))?;
    // Where a socket is named behind the question mark, there may be no host.
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = if authority.is_empty() || authority.ends_with('@') {
        "localhost"
    } else {
        ""
    };
    let mut url = Url::parse(&format!("{kind}://{authority}{host}{path}"))
        .map_err(|error| malformed(&format!("cannot be read: {error}")))?;
    let known: &[(&str, &str)] = if kind == "mysql" { &MYSQL } else { &POSTGRES };
    let options: Vec<(String, String)> = url
        .query_pairs()
        .filter_map(|(name, value)| {
            let (_, ours) = known.iter().find(|(theirs, _)| *theirs == name)?;
            Some(((*ours).to_owned(), value.into_owned()))
        })
        .collect();
    url.set_query(None);
    if !options.is_empty() {
        url.query_pairs_mut().extend_pairs(options);
    }
    if kind == "mysql" {
        let options = MySqlConnectOptions::from_str(url.as_str())
            .map_err(|_| malformed("has an option that makes no sense"))?;
        Ok(Pool::mysql(options))
    } else {
        let options = PgConnectOptions::from_str(url.as_str())
            .map_err(|_| malformed("has an option that makes no sense"))?;
        Ok(Pool::postgres(options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_from_files() {
        for uri in [
            "postgresql://localhost/x",
            "postgresql+psycopg2://localhost/x",
            "postgres://localhost/x",
            "mysql+pymysql://localhost/x",
            "mariadb://localhost/x",
        ] {
            assert!(is_server(uri), "{uri}");
        }
        for uri in ["sqlite:///x.db", "oracle://localhost/x", "x.db", ""] {
            assert!(!is_server(uri), "{uri}");
        }
    }

    #[tokio::test]
    async fn addresses_are_those_of_sqlalchemy() {
        for uri in [
            "postgresql://ana:p%40ss%2Fword@db.example:5433/accounts?sslmode=require",
            "postgresql+psycopg://ana@/accounts?host=/var/run/postgresql&connect_timeout=3",
            "postgresql://ana@localhost/accounts?client_encoding=utf8&keepalives=1",
            "mysql+pymysql://ana:secret@localhost/accounts?charset=utf8mb4&autocommit=true",
            "mysql+mysqldb://ana@localhost/accounts?unix_socket=/run/mysqld/mysqld.sock",
        ] {
            assert!(pool(uri).is_ok(), "{uri}");
        }
    }

    #[test]
    fn attack_secret_in_a_log_a_mistake_in_an_address_does_not_show_it() {
        for uri in [
            "postgresql://ana:hunter2@local host/x",
            "postgresql://ana:hunter2@localhost:port/x",
            "mysql://ana:hunter2@localhost/x?ssl-mode=perhaps",
            "postgresql:ana:hunter2@localhost",
        ] {
            let error = pool(uri).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
