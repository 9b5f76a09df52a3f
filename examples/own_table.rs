//! Accounts in an application's existing table: `cargo run -p vestibule --example own_table`.
//!
//! A custom [`Store`] finds, creates and changes users. It leaves out everything else (roles,
//! refresh tokens, deletion); the trait's defaults report that as not supported.

#![expect(clippy::print_stdout, reason = "an example prints to the terminal")]

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::routing::get;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use time::OffsetDateTime;
use vestibule::Settings;
use vestibule::admin::{self, NewAccount};
use vestibule::store::{
    Identity, NewUser, PasswordChange, Store, StoreError, User, UserId, UserKey, UserPatch,
};
use vestibule::{CurrentUser, Vestibule};

const CONFIGURATION: &str = r#"
SECRET_KEY = "only an example: make one with `vestibule secrets generate`"
SECURITY_PASSWORD_SALT = "only an example, too: 146585145368132386173505678016728509634"
SECURITY_URL_PREFIX = "/api/accounts"
SECURITY_CSRF_PROTECT_MECHANISMS = ["session", "basic"]
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true
WTF_CSRF_CHECK_DEFAULT = false
"#;

/// The shop's customers. `session_key` was added for vestibule: a new value signs the customer out
/// everywhere.
const TABLE: &str = "CREATE TABLE customers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    mail TEXT NOT NULL UNIQUE COLLATE NOCASE,
    secret TEXT,
    blocked INTEGER NOT NULL DEFAULT 0,
    session_key TEXT NOT NULL UNIQUE,
    favourite_colour TEXT)";

#[derive(Debug)]
struct Customers(Mutex<Connection>);

impl Customers {
    fn run<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Conflict {
                column: "email".to_owned(),
            },
            _ => StoreError::Other(error.to_string()),
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    let mut user = User::new(UserId(row.get("number")?), row.get("session_key")?);
    user.email = row.get("mail")?;
    user.password = row.get("secret")?;
    user.active = !row.get::<_, bool>("blocked")?;
    Ok(user)
}

#[async_trait::async_trait]
impl Store for Customers {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        let (condition, value) = match key {
            UserKey::Id(id) => ("number = ?1", id.to_string()),
            UserKey::Uniquifier(text) => ("session_key = ?1", text.to_owned()),
            UserKey::Identity {
                attribute: Identity::Email,
                value,
                ..
            } => ("mail = ?1", value.to_owned()),
            _ => return Ok(None),
        };
        let statement = format!("SELECT * FROM customers WHERE {condition}");
        self.run(|connection| connection.query_row(&statement, [value], read).optional())
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.run(|connection| {
            connection.query_row(
                "INSERT INTO customers (mail, secret, blocked, session_key)
                 VALUES (:mail, :secret, :blocked, :key) RETURNING *",
                named_params! {
                    ":mail": new.email,
                    ":secret": new.password,
                    ":blocked": !new.active,
                    ":key": new.fs_uniquifier,
                },
                read,
            )
        })
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        _: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let (set, old) = match patch.password {
            None => (None, None),
            Some(PasswordChange::Set(new)) => (Some(new), None),
            Some(PasswordChange::Upgrade { old, new }) => (Some(new), Some(old)),
        };
        let changed = self.run(|connection| {
            connection.execute(
                "UPDATE customers SET
                     secret = CASE WHEN :old IS NULL OR secret = :old
                              THEN coalesce(:secret, secret) ELSE secret END,
                     blocked = coalesce(:blocked, blocked),
                     session_key = coalesce(:key, session_key)
                 WHERE number = :id",
                named_params! {
                    ":old": old,
                    ":secret": set,
                    ":blocked": patch.active.map(|active| !active),
                    ":key": patch.fs_uniquifier,
                    ":id": id.0,
                },
            )
        })?;
        Ok(changed == 1)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.run(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))
    }
}

/// The application, with one customer.
pub(crate) async fn application() -> Result<Router, Box<dyn Error>> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLE)?;
    let settings = Settings::from_toml(CONFIGURATION)?;
    let vestibule = Vestibule::builder(settings)
        .datastore(Arc::new(Customers(Mutex::new(connection))))
        .build()?;
    let ana = NewAccount {
        email: "ana@example.com".to_owned(),
        username: None,
        password: "battery staple".to_owned(),
        active: true,
        confirmed: true,
    };
    admin::create(vestibule.app(), ana).await?;
    Ok(Router::new()
        .route(
            "/orders",
            get(|user: CurrentUser| async move { format!("customer {}\n", user.id) }),
        )
        .nest(vestibule.prefix(), vestibule.router())
        .layer(vestibule.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
    println!("http://{}/orders", listener.local_addr()?);
    axum::serve(listener, application().await?).await?;
    Ok(())
}
