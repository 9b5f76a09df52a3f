//! The dev mailbox: shows a developer the mails and SMS that the application would have sent.
//!
//! Routes    `GET /dev/mailbox`, `GET /dev/mailbox.json`, both beside the prefix
//! Settings  none of `MAIL_SERVER`, `MAIL_BACKEND`, `MAIL_SUPPRESS_SEND`; shows SMS unless
//!           `SECURITY_SMS_SERVICE` sends them; the key comes from `SECRET_KEY`
//! Messages  `NOT_FOUND`
//! Mails     all, shown, and all SMS
//! Hooks     none
//! Never     exists where mails are sent; answers another machine, a request without the key that
//!           the server prints at the start, or a page of another site

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
use crate::http::cookies::{self, Lifetime};
use crate::http::query::Query;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::http::trust::local;
use crate::mail::transport::Outgoing;
use crate::messages::Message;
use crate::openapi::{Answer, Endpoint, Operation, Schema, Tag};
use crate::secrets::derived;
use crate::settings::{CookieSettings, MailRoute, SameSite, Settings};
use crate::sms::transport::SmsMessage;

const TAG: Tag = Tag {
    name: "dev mailbox",
    about: "Emails and SMS for the developer. Available only if the server sends no emails, only on the machine itself, and only with the key that the server prints when it starts.",
};

/// The content security policy of the page: its own style, and mails in frames without scripts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);

/// The path of the page.
const PAGE: &str = "/dev/mailbox";

/// The query parameter that carries the key.
const KEY: &str = "key";

/// The cookie that the first request with the key sets. It holds the key.
const COOKIE: &str = "vestibule_dev_mailbox";

/// The endpoints of this feature: none where mails are sent.
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

/// The path of the page with its key, as the server prints it at the start. `None` where mails are
/// sent.
pub(crate) fn path_with_key(app: &App) -> Option<String> {
    is_served(app.settings()).then(|| format!("{PAGE}?{KEY}={}", key(app)))
}

/// The key. It is derived from `SECRET_KEY`, so it is as random as that one, and open tabs keep
/// working after a restart.
fn key(app: &App) -> String {
    let keys = derived::keys(&app.settings().secrets, "vestibule dev mailbox");
    keys.first()
        .map(|key| hex::encode(&key[..16]))
        .unwrap_or_default()
}

/// `GET /dev/mailbox`: shows the mails and SMS as a page.
async fn show(
    State(app): State<App>,
    info: axum::Extension<RequestInfo>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(presented) = admit(&app, &info, &uri, &headers) else {
        return not_found(&app, &info);
    };
    let page = page::render(&app.mailbox().mails(), &app.mailbox().sms());
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    presented.remember(&info, &mut response);
    response
}

/// `GET /dev/mailbox.json`: returns the mails and SMS for programs.
async fn list(
    State(app): State<App>,
    info: axum::Extension<RequestInfo>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(presented) = admit(&app, &info, &uri, &headers) else {
        return not_found(&app, &info);
    };
    let mails: Vec<Value> = app.mailbox().mails().iter().map(as_json).collect();
    let sms: Vec<Value> = app.mailbox().sms().iter().map(sms_as_json).collect();
    let mut response = Reply::ok()
        .member("mails", mails)
        .member("sms", sms)
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .into_response();
    presented.remember(&info, &mut response);
    response
}

/// The valid key of a request, and how it arrived.
enum PresentedKey {
    /// In the query string. The cookie carries it from then on.
    InQuery(String),
    InCookie,
}

impl PresentedKey {
    /// Sets the cookie, so that later requests need no key in the query.
    fn remember(&self, info: &RequestInfo, response: &mut Response) {
        let Self::InQuery(key) = self else { return };
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

/// Admits a request from this machine that has the key and was not sent by a page of another site.
fn admit(app: &App, info: &RequestInfo, uri: &Uri, headers: &HeaderMap) -> Option<PresentedKey> {
    if !local::is_from_this_machine(info, headers) || !local::is_asked_from_here(info, headers) {
        return None;
    }
    let key = key(app);
    let is_right =
        |sent: &str| bool::from(sent.as_bytes().ct_eq(key.as_bytes())) && !key.is_empty();
    if Query::of(uri).get(KEY).is_some_and(is_right) {
        return Some(PresentedKey::InQuery(key));
    }
    cookies::cookie(headers, COOKIE)
        .is_some_and(is_right)
        .then_some(PresentedKey::InCookie)
}

fn not_found(app: &App, info: &RequestInfo) -> Response {
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

fn sms_as_json(sms: &SmsMessage) -> Value {
    json!({
        "kind": "sms",
        "date": sms.date.format(&Rfc3339).ok(),
        "to": sms.to,
        "text": sms.text,
        "message_id": sms.message_id,
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
    Operation::new(
        "getDevMailboxPage",
        TAG,
        "Show the emails and SMS as a page",
    )
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
    let sms = Schema::object()
        .must("kind", Schema::only("sms"))
        .must("date", text().with("format", "date-time"))
        .must("to", text().about("The number in E.164 form."))
        .must("text", text())
        .must("message_id", text());
    Operation::new(
        "getDevMailbox",
        TAG,
        "List the emails and SMS, each newest first",
    )
    .parameter(key_in_query())
    .parameter(key_in_cookie())
    .answers(
        Answer::ok("The emails and SMS that would have been sent since the server started.")
            .must("mails", Schema::list(mail))
            .must("sms", Schema::list(sms)),
    )
    .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
}
