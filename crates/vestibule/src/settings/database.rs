//! Where users are kept.

use secrecy::SecretString;

use super::reader::Reader;

/// `SQLALCHEMY_DATABASE_URI` and the names of the tables.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// The address of the database, as SQLAlchemy writes it; it may hold a password.
    pub uri: Option<SecretString>,
    /// The table of users.
    pub user_table: String,
    /// The table of roles.
    pub role_table: String,
    /// The table of who has which role.
    pub roles_users_table: String,
    /// The table of passkeys.
    pub webauthn_table: String,
    /// The table of refresh tokens.
    pub refresh_table: String,
}

impl DatabaseSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
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
