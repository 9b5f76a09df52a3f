//! Accounts in an axum application of one's own: `cargo run -p vestibule --example embed`.
//!
//! The endpoints of vestibule are nested under `/api/accounts`, the application's own routes
//! stand beside them and know who is asking.

#![expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use vestibule::admin::{self, Draft};
use vestibule::hooks::Event;
use vestibule::http::reply::Reply;
use vestibule::settings::Settings;
use vestibule::store::{MemoryStore, NewRole, Store};
use vestibule::{
    AuthRequired, CurrentUser, MaybeUser, Unauthenticated, Vestibule, permissions_accepted,
    roles_required,
};

/// The names are those of Flask-Security. The secrets belong into the environment.
const CONFIGURATION: &str = r#"
SECRET_KEY = "only an example: make one with `vestibule secrets generate`"
SECURITY_PASSWORD_SALT = "only an example, too: 146585145368132386173505678016728509634"
SECURITY_URL_PREFIX = "/api/accounts"
SECURITY_CSRF_PROTECT_MECHANISMS = ["session", "basic"]
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true
SECURITY_CSRF_COOKIE_NAME = "XSRF-TOKEN"
WTF_CSRF_CHECK_DEFAULT = false
WTF_CSRF_TIME_LIMIT = ""
"#;

/// Open to strangers; greets by name whoever is signed in.
async fn home(MaybeUser(user): MaybeUser) -> String {
    let name = user.and_then(|user| user.email.clone());
    format!(
        "Hello, {}!\n",
        name.unwrap_or_else(|| "stranger".to_owned())
    )
}

/// For whoever is signed in, by session or token.
async fn me(user: CurrentUser) -> Json<Value> {
    let roles: Vec<&str> = user.roles().iter().map(|role| &*role.name).collect();
    Json(json!({ "email": user.email, "roles": roles }))
}

/// Behind a layer: the handler need not ask.
async fn report() -> &'static str {
    "All is well.\n"
}

/// Wants a password that was given a moment ago.
async fn close_account(user: CurrentUser) -> String {
    format!(
        "{} could be closed now.\n",
        user.email.as_deref().unwrap_or("It")
    )
}

/// What the application says instead of ours.
fn sign_in_first(reply: &Reply, _: &Unauthenticated<'_>) -> Response {
    let body = json!({ "please": "sign in", "codes": reply.members().get("error_codes") });
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

/// The application: users in memory, one of them an editor.
pub(crate) async fn application() -> Result<Router, Box<dyn Error>> {
    let settings =
        Settings::from_toml(CONFIGURATION).map_err(|problems| format!("{problems:?}"))?;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let vestibule = Vestibule::builder(settings)
        .datastore(Arc::clone(&store))
        .on_event(|event, _| {
            if let Event::SignedIn { user_id, .. } = event {
                println!("user {user_id} signed in");
            }
        })
        .on_unauthenticated(sign_in_first)
        .build()?;
    // Mails leave from here, beside the requests.
    tokio::spawn(vestibule.background(std::future::pending()));
    let ana = Draft {
        email: "ana@example.com".to_owned(),
        username: None,
        password: "battery staple".to_owned(),
        active: true,
        confirmed: true,
    };
    let ana = admin::create(vestibule.app(), ana).await?;
    let editor = NewRole {
        name: "editor".to_owned(),
        description: None,
        permissions: vec!["report-read".to_owned()],
        created_at: vestibule.app().clock().now(),
    };
    let editor = store.create_role(editor).await?;
    store.give_role(ana.id, editor.id).await?;

    let a_minute = Duration::from_secs(60);
    Ok(Router::new()
        .route("/", get(home))
        .route("/api/me", get(me))
        .route(
            "/api/report",
            get(report).layer(permissions_accepted(["report-read"])),
        )
        .route("/api/admin", get(report).layer(roles_required(["admin"])))
        .route(
            "/api/close",
            post(close_account).layer(AuthRequired::new().within(a_minute).grace(a_minute)),
        )
        .nest(vestibule.prefix(), vestibule.router())
        .fallback(|request: Request| async move {
            (
                StatusCode::NOT_FOUND,
                format!("nothing at {}\n", request.uri().path()),
            )
        })
        .layer(vestibule.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
    println!(
        "http://{}/ (ana@example.com, battery staple)",
        listener.local_addr()?
    );
    let service = application()
        .await?
        .into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
