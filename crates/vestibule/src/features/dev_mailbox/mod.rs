//! The mails that an application under development would have sent, for its developer to read.
//!
//! Routes    `GET /dev/mailbox`, `GET /dev/mailbox.json`, both beside the prefix
//! Settings  none of `MAIL_SERVER`, `MAIL_BACKEND`, `MAIL_SUPPRESS_SEND`
//! Messages  `NOT_FOUND`
//! Mails     all, shown
//! Hooks     none
//! Never     is there where mails are sent, nor for anybody but the developer's own machine

mod page;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::app::App;
use crate::features::api::{Answer, Endpoint, Operation, Schema, Tag};
use crate::http::facts::Facts;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::mail::transport::Outgoing;
use crate::messages::Message;
use crate::settings::{MailRoute, Settings};

const TAG: Tag = Tag {
    name: "dev mailbox",
    about: "Mails, for whoever develops. Only where no mail is sent, and only on the machine itself.",
};

/// What may stand in the page: its own style, and the mails in frames that run nothing.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);

/// Where it is, where mails go nowhere else.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !matches!(settings.mail.route, MailRoute::DevMailbox) {
        return Vec::new();
    }
    vec![
        Endpoint::at("/dev/mailbox").get(show, describe_page),
        Endpoint::at("/dev/mailbox.json").get(list, describe_list),
    ]
}

/// `GET /dev/mailbox`: a page.
async fn show(
    State(app): State<App>,
    facts: axum::Extension<Facts>,
    headers: HeaderMap,
) -> Response {
    if !is_the_developers_own(&facts, &headers) {
        return nothing(&app, &facts);
    }
    let mails = app.post().mailbox.mails();
    let mut response = Response::new(Body::from(page::render(&mails)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `GET /dev/mailbox.json`: the same for programs.
async fn list(
    State(app): State<App>,
    facts: axum::Extension<Facts>,
    headers: HeaderMap,
) -> Response {
    if !is_the_developers_own(&facts, &headers) {
        return nothing(&app, &facts);
    }
    let mails: Vec<Value> = app.post().mailbox.mails().iter().map(as_json).collect();
    Reply::ok()
        .member("mails", mails)
        .member("sms", Vec::<Value>::new())
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .into_response()
}

/// Whether the request was made on this machine, to this machine: links in here sign in.
fn is_the_developers_own(facts: &Facts, headers: &HeaderMap) -> bool {
    let forwarded = [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "via",
    ];
    let host = facts.host();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    facts.address().is_none_or(|address| address.is_loopback())
        && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
        && !forwarded.iter().any(|name| headers.contains_key(*name))
}

fn nothing(app: &App, facts: &Facts) -> Response {
    let rejection = Rejection::new(StatusCode::NOT_FOUND, Message::NotFound);
    app.answer(facts, rejection)
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

fn describe_page(_: &App) -> Operation {
    Operation::new("getDevMailboxPage", TAG, "The mails, as a page")
        .answers(Answer::page("A page for people."))
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
        .must("links", Schema::list(text()).about("The addresses in it."));
    let sms = Schema::object().open();
    Operation::new("getDevMailbox", TAG, "The mails, the newest first")
        .answers(
            Answer::ok("What would have been sent since the server started.")
                .must("mails", Schema::list(mail))
                .must("sms", Schema::list(sms)),
        )
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
}
