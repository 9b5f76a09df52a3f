//! Settings of the database.

use secrecy::SecretString;
use vestibule_store::sql::is_tls_option;

use super::reader::Reader;

/// Settings of the database: `SQLALCHEMY_DATABASE_URI` and the names of the tables.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// The URI of the database in SQLAlchemy's format; it may contain a password.
    pub uri: Option<SecretString>,
    /// The table of users.
    pub user_table: String,
    /// The table of roles.
    pub role_table: String,
    /// The table that assigns roles to users.
    pub roles_users_table: String,
    /// The table of passkeys.
    pub webauthn_table: String,
    /// The table of refresh tokens.
    pub refresh_table: String,
}

impl DatabaseSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let options = reader.table("SQLALCHEMY_ENGINE_OPTIONS");
        let arguments = options.get("connect_args").and_then(|args| args.as_table());
        if arguments.is_some_and(|args| args.keys().any(|name| is_tls_option(name))) {
            reader.problem(
                "SQLALCHEMY_ENGINE_OPTIONS",
                "contains TLS options in connect_args, which this server does not read",
                "write them into SQLALCHEMY_DATABASE_URI, after the question mark",
            );
        }
        Self {
            uri: reader.secret("SQLALCHEMY_DATABASE_URI"),
            user_table: reader.text("USER_TABLE_NAME"),
            role_table: reader.text("ROLE_TABLE_NAME"),
            roles_users_table: reader.text("ROLES_USERS_TABLE_NAME"),
            webauthn_table: reader.text("WEBAUTHN_TABLE_NAME"),
            refresh_table: reader.text("REFRESH_TABLE_NAME"),
        }
    }
}
