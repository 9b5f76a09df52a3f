//! Accounts in your own axum application: `cargo run -p vestibule --example embed`.
//!
//! <http://127.0.0.1:5000> serves the API under `/api/accounts`, and routes that know the user.

#![expect(clippy::print_stdout, reason = "an example prints to the terminal")]

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, http::StatusCode, http::Uri};
use serde_json::{Value, json};
use vestibule::Reply;
use vestibule::admin::{self, NewAccount};
use vestibule::{AuthRequired, CurrentUser, MaybeUser, PasswordCheck, PhoneNumbers};
use vestibule::{DeliveryError, Mailer, Outgoing};
use vestibule::{Event, EventContext};
use vestibule::{LocalizedMessage, Message};
use vestibule::{Mechanism, Settings};
use vestibule::{Unauthenticated, UsernameCheck, Vestibule, store::MemoryStore};
use vestibule::{permissions_accepted, permissions_required, roles_accepted, roles_required};

/// The names are those of Flask-Security. In production, set the secrets in the environment.
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

/// Open to everyone; greets a signed-in user by name.
async fn home(MaybeUser(user): MaybeUser) -> String {
    let name = user.and_then(|user| user.email.clone());
    format!("Hello, {}!\n", name.as_deref().unwrap_or("stranger"))
}
/// Requires a signed-in user, by session or token. Behind a layer, the extractor is not needed.
async fn me(user: CurrentUser) -> Json<Value> {
    let roles: Vec<&str> = user.roles().iter().map(|role| &*role.name).collect();
    Json(json!({ "email": user.email, "roles": roles }))
}
async fn report() -> &'static str {
    "All is well.\n"
}
async fn close_account(user: CurrentUser) -> String {
    format!("account {} could be closed now.\n", user.id)
}

/// The application's own response for unauthenticated requests.
fn sign_in_first(reply: &Reply, _: &Unauthenticated<'_>) -> Response {
    let body = json!({ "please": "sign in", "codes": reply.members().get("error_codes") });
    (reply.status(), Json(body)).into_response()
}
fn said(reply: &Reply, besides: &Value) -> Response {
    let body = json!({ "response": reply.members(), "besides": besides });
    (reply.status(), Json(body)).into_response()
}
fn hear(event: &Event<'_>, from: &EventContext<'_>) {
    if let Event::SignedIn { user_id, .. } = event {
        println!("user {user_id} signed in from {:?}", from.address());
    }
}

/// The application's own rules, in addition to those of the settings.
#[derive(Debug)]
struct Shop;
fn not_our_name(text: &str, code: Message) -> Vec<LocalizedMessage> {
    let said = LocalizedMessage::from(code).in_own_words("That name is ours.");
    Vec::from_iter(text.contains("shop").then_some(said))
}
#[async_trait::async_trait]
impl PasswordCheck for Shop {
    async fn check(&self, password: &str, _: &[&str]) -> Vec<LocalizedMessage> {
        not_our_name(password, Message::PasswordTooSimple)
    }
}
impl UsernameCheck for Shop {
    fn check(&self, username: &str) -> Vec<LocalizedMessage> {
        not_our_name(username, Message::UsernameInvalidLength)
    }
}
impl PhoneNumbers for Shop {
    fn normalise(&self, text: &str) -> Option<String> {
        Some(format!("+43{}", text.strip_prefix('0')?))
    }
}
#[async_trait::async_trait]
impl Mailer for Shop {
    async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError> {
        println!("to {}: {:?}", mail.to, mail.text);
        Ok(())
    }
}

/// The application, with users in memory; one of them is an editor.
pub(crate) async fn application() -> Result<Router, Box<dyn Error>> {
    let settings = Settings::from_toml(CONFIGURATION).map_err(|all| format!("{all:?}"))?;
    let vestibule = Vestibule::builder(settings)
        .datastore(Arc::new(MemoryStore::default()))
        .on_event(hear)
        .on_unauthenticated(sign_in_first)
        .on_unauthorized(|reply, asked| said(reply, &json!(asked.roles_required())))
        .on_reauthentication(|reply, asked| said(reply, &json!(asked.within().as_secs())))
        .render_json(|reply| said(reply, &Value::Null))
        .mailer(Arc::new(Shop))
        .password_check(Shop)
        .username_check(Shop)
        .phone_numbers(Shop)
        .build()?;
    tokio::spawn(vestibule.background(std::future::pending()));
    let ana = NewAccount {
        email: "ana@example.com".to_owned(),
        username: None,
        password: "battery staple".to_owned(),
        active: true,
        confirmed: true,
    };
    let (app, may) = (vestibule.app(), vec!["report-read".to_owned()]);
    let ana = admin::create(app, ana).await?;
    let editor = admin::roles::create(app, "editor".to_owned(), None, may).await?;
    admin::roles::give(app, &ana, &editor).await?;

    let reader = permissions_accepted(["report-read"]);
    let (by, minute) = ([Mechanism::Session], Duration::from_secs(60));
    let now = AuthRequired::new().methods(by).within(minute).grace(minute);
    let nothing = async |uri: Uri| (StatusCode::NOT_FOUND, format!("nothing at {uri}\n"));
    Ok(Router::new()
        .route("/", get(home))
        .route("/api/me", get(me))
        .route("/api/report", get(report).layer(reader))
        .route("/audit", get(report).layer(permissions_required(["audit"])))
        .route("/api/draft", get(report).layer(roles_accepted(["editor"])))
        .route("/api/admin", get(report).layer(roles_required(["admin"])))
        .route("/api/close", post(close_account).layer(now))
        .nest(vestibule.prefix(), vestibule.router())
        .fallback(nothing)
        .layer(vestibule.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
    let service = application().await?;
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, service).await?)
}
