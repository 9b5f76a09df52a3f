//! Errors for addresses that cannot be used. They never show the address, because any part of it
//! may hold a password.

use crate::StoreError;

/// What an address should look like.
const FIX: &str = "write it as sqlite:///file.db, postgresql://user:password@host/name or \
     mysql://user:password@host/name";

/// Kinds of databases by the schemes of their addresses. Errors repeat only these names.
const NOT_SERVED: [(&str, &str); 14] = [
    ("cockroachdb", "CockroachDB"),
    ("db2", "Db2"),
    ("firebird", "Firebird"),
    ("http", "HTTP"),
    ("https", "HTTP"),
    ("mongodb", "MongoDB"),
    ("mssql", "SQL Server"),
    ("sqlserver", "SQL Server"),
    ("mysql", "MySQL"),
    ("mariadb", "MariaDB"),
    ("oracle", "Oracle"),
    ("postgres", "PostgreSQL"),
    ("postgresql", "PostgreSQL"),
    ("redis", "Redis"),
];

pub(super) fn malformed(what: &str) -> StoreError {
    StoreError::Address(what.to_owned())
}

/// The error for an address whose kind of database is not supported.
pub(super) fn not_served(uri: &str) -> StoreError {
    malformed(&format!("{}: {FIX}", kind(uri)))
}

/// Describes the kind of an address without quoting it.
fn kind(uri: &str) -> String {
    let uri = uri.to_ascii_lowercase();
    let scheme = uri.split_once("://").map(|(scheme, _)| scheme);
    let known = |scheme: &str| {
        let base = scheme.split('+').next().unwrap_or_default();
        let found = NOT_SERVED.iter().find(|(known, _)| *known == base);
        found.map(|(_, name)| format!("is of {name}, which this build does not serve"))
    };
    if uri.is_empty() {
        "is empty".to_owned()
    } else if uri.starts_with("jdbc:") {
        "is a JDBC address".to_owned()
    } else if uri.starts_with(['"', '\'']) {
        "is in quotes, which are taken as part of it".to_owned()
    } else if let Some(scheme) = scheme.filter(|scheme| !scheme.contains('=')) {
        known(scheme).unwrap_or_else(|| "has a scheme that is not known".to_owned())
    } else if uri.contains('=') && uri.contains(';') {
        "is an ODBC or ADO.NET connection string".to_owned()
    } else if uri.contains('=') {
        "is a libpq key=value string".to_owned()
    } else {
        "has no ://".to_owned()
    }
}

/// Whether a driver's option is about TLS or the identity of the server, in any spelling. Such an
/// option is never ignored.
#[must_use]
pub fn is_tls_option(name: &str) -> bool {
    let name = canonical(name);
    name.starts_with("ssl")
        || name.starts_with("tls")
        || name.starts_with("gss")
        || [
            "channelbinding",
            "encrypt",
            "requireauth",
            "requirepeer",
            "requiressl",
            "trustservercertificate",
            "usessl",
            "verifyservercertificate",
        ]
        .contains(&&*name)
}

/// An option's name without its case, dashes and underscores.
pub(super) fn canonical(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_'));
    letters.collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_secret_in_a_log_an_address_of_another_kind_is_named_by_its_kind_only() {
        for (uri, kind) in [
            ("host=127.0.0.1 user=app password=s3cret", "libpq key=value"),
            ("password=s3:cret host=127.0.0.1", "libpq key=value"),
            ("password=://s3cret", "libpq key=value"),
            ("password = 's3cret' host = db", "libpq key=value"),
            ("Server=db;Uid=app;Pwd=s3cret;", "ODBC"),
            ("jdbc:postgresql://db/x?user=a&password=s3cret", "JDBC"),
            ("jdbc:oracle:thin:app/s3cret@db:1521/x", "JDBC"),
            ("oracle://app:s3cret@db/x", "Oracle"),
            ("mssql+pyodbc://app:s3cret@db/x", "SQL Server"),
            ("s3cret://app@db/x", "a scheme that is not known"),
            ("\"postgresql://app:s3cret@db/x\"", "in quotes"),
            ("app:s3cret@db/x", "has no ://"),
            ("s3cret", "has no ://"),
            ("", "is empty"),
        ] {
            let said = not_served(uri).to_string();
            assert!(said.contains(kind), "{uri}: {said}");
            assert!(!said.contains("cret"), "{said}");
            assert!(said.contains("postgresql://user:password@host"), "{said}");
        }
    }

    #[test]
    fn options_about_tls_are_known_in_every_spelling() {
        for name in [
            "sslmode",
            "SSLMODE",
            "ssl-mode",
            "Ssl_Ca",
            "ssl",
            "tls_version",
            "channel_binding",
            "gssencmode",
            "require_auth",
            "useSSL",
        ] {
            assert!(is_tls_option(name), "{name}");
        }
        for name in ["charset", "connect_timeout", "host", "options", "pgbouncer"] {
            assert!(!is_tls_option(name), "{name}");
        }
    }
}
