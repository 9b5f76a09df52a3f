//! The mails that an application under development would have sent, for its developer to read.
//!
//! Routes    `GET /dev/mailbox`, `GET /dev/mailbox.json`, both beside the prefix
//! Settings  none of `MAIL_SERVER`, `MAIL_BACKEND`, `MAIL_SUPPRESS_SEND`; the key comes from `SECRET_KEY`
//! Messages  `NOT_FOUND`
//! Mails     all, shown
//! Hooks     none
//! Never     is there where mails are sent, nor for anybody but the developer's own machine and who
//!           has the key that the start prints, nor for a page of another site

mod page;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use time::format_description::well_known::Rfc3339;
use vestibule_formats::hex;

use crate::app::App;
use crate::features::api::{Answer, Endpoint, Operation, Schema, Tag};
use crate::http::cookies::{self, Lifetime};
use crate::http::query::Query;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::http::trust::local;
use crate::mail::transport::Outgoing;
use crate::messages::Message;
use crate::secrets::derived;
use crate::settings::{CookieSettings, MailRoute, SameSite, Settings};

const TAG: Tag = Tag {
    name: "dev mailbox",
    about: "Emails for the developer. Available only if the server sends no emails, only on the machine itself, and only with the key that the server prints when it starts.",
};

/// What may stand in the page: its own style, and the mails in frames that run nothing.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);

/// The page.
const PAGE: &str = "/dev/mailbox";

/// The parameter that carries the key.
const KEY: &str = "key";

/// The cookie that the first visit with the key sets. It holds the key.
const COOKIE: &str = "vestibule_dev_mailbox";

/// Where it is, where mails go nowhere else.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !is_served(settings) {
        return Vec::new();
    }
    vec![
        Endpoint::at(PAGE).get(show, describe_page),
        Endpoint::at("/dev/mailbox.json").get(list, describe_list),
    ]
}

fn is_served(settings: &Settings) -> bool {
    matches!(settings.mail.route, MailRoute::DevMailbox)
}

/// The path of the page with its key, as the start prints it; none where mails are sent.
pub(crate) fn path_with_key(app: &App) -> Option<String> {
    is_served(app.settings()).then(|| format!("{PAGE}?{KEY}={}", key(app)))
}

/// The key: derived from `SECRET_KEY`, so that it is as random as that one, and a restart does not
/// close the tabs that are open.
fn key(app: &App) -> String {
    let keys = derived::keys(&app.settings().secrets, "vestibule dev mailbox");
    keys.first()
        .map(|key| hex::encode(&key[..16]))
        .unwrap_or_default()
}

/// `GET /dev/mailbox`: a page.
async fn show(
    State(app): State<App>,
    info: axum::Extension<RequestInfo>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(shown) = admit(&app, &info, &uri, &headers) else {
        return nothing(&app, &info);
    };
    let mails = app.mailbox().mails();
    let mut response = Response::new(Body::from(page::render(&mails)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    shown.remember(&info, &mut response);
    response
}

/// `GET /dev/mailbox.json`: the same for programs.
async fn list(
    State(app): State<App>,
    info: axum::Extension<RequestInfo>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(shown) = admit(&app, &info, &uri, &headers) else {
        return nothing(&app, &info);
    };
    let mails: Vec<Value> = app.mailbox().mails().iter().map(as_json).collect();
    let mut response = Reply::ok()
        .member("mails", mails)
        .member("sms", Vec::<Value>::new())
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .into_response();
    shown.remember(&info, &mut response);
    response
}

/// How the key came.
enum Shown {
    /// In the address, which the browser need not repeat.
    InAddress(String),
    InCookie,
}

impl Shown {
    /// Sets the cookie, so that the address is enough from now on.
    fn remember(&self, info: &RequestInfo, response: &mut Response) {
        let Self::InAddress(key) = self else { return };
        let cookie = CookieSettings {
            name: COOKIE.to_owned(),
            domain: None,
            path: "/dev".to_owned(),
            secure: info.secure(),
            http_only: true,
            same_site: Some(SameSite::Strict),
            partitioned: false,
            max_age: None,
        };
        if let Some(cookie) = cookies::set_cookie(&cookie, key, Lifetime::Session) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

/// Lets in the developer: on the machine itself, not through a page of another site, and with the key.
fn admit(app: &App, info: &RequestInfo, uri: &Uri, headers: &HeaderMap) -> Option<Shown> {
    if !local::is_from_this_machine(info, headers) || !local::is_asked_from_here(info, headers) {
        return None;
    }
    let key = key(app);
    let is_right =
        |sent: &str| bool::from(sent.as_bytes().ct_eq(key.as_bytes())) && !key.is_empty();
    if Query::of(uri).get(KEY).is_some_and(is_right) {
        return Some(Shown::InAddress(key));
    }
    cookies::cookie(headers, COOKIE)
        .is_some_and(is_right)
        .then_some(Shown::InCookie)
}

fn nothing(app: &App, info: &RequestInfo) -> Response {
    let rejection = Rejection::new(StatusCode::NOT_FOUND, Message::NotFound);
    app.answer(info, rejection)
}

fn as_json(mail: &Outgoing) -> Value {
    json!({
        "date": mail.date.format(&Rfc3339).ok(),
        "from": mail.from,
        "to": mail.to,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "text": mail.text,
        "html": mail.html,
        "links": page::links(mail),
    })
}

fn key_in_query() -> Value {
    json!({
        "name": KEY,
        "in": "query",
        "required": false,
        "description": "The key that the server prints when it starts. Required until the cookie is set.",
        "schema": { "type": "string" },
    })
}

fn key_in_cookie() -> Value {
    json!({
        "name": COOKIE,
        "in": "cookie",
        "required": false,
        "description": "The same key, which the browser keeps after the first request.",
        "schema": { "type": "string" },
    })
}

fn describe_page(_: &App) -> Operation {
    Operation::new("getDevMailboxPage", TAG, "Show the emails as a page")
        .parameter(key_in_query())
        .parameter(key_in_cookie())
        .answers(Answer::page("An HTML page."))
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
}

fn describe_list(_: &App) -> Operation {
    let text = Schema::text;
    let part = || text().with("type", vec!["string", "null"]);
    let mail = Schema::object()
        .must("date", text().with("format", "date-time"))
        .must("from", text())
        .must("to", text())
        .must("subject", text())
        .must("message_id", text())
        .must("text", part())
        .must("html", part())
        .must(
            "links",
            Schema::list(text()).about("The links in the email."),
        );
    let sms = Schema::object().open();
    Operation::new("getDevMailbox", TAG, "List the emails, newest first")
        .parameter(key_in_query())
        .parameter(key_in_cookie())
        .answers(
            Answer::ok("The emails that would have been sent since the server started.")
                .must("mails", Schema::list(mail))
                .must("sms", Schema::list(sms)),
        )
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
}
