//! The mails that the application under test sends.

use std::sync::Mutex;

use async_trait::async_trait;
use vestibule::{DeliveryError, Mailer, Outgoing};

use super::{Browser, TestApp};

/// A mailer that keeps the mails instead of sending them.
#[derive(Debug, Default)]
pub(crate) struct Sent(Mutex<Vec<Outgoing>>);

#[async_trait]
impl Mailer for Sent {
    async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

impl TestApp {
    /// Sends the mails in the outbox, and returns all mails to an address, the oldest first.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Outgoing> {
        self.all_mails()
            .await
            .into_iter()
            .filter(|mail| mail.to == to)
            .collect()
    }

    /// Sends the mails in the outbox, and returns all mails to all addresses.
    pub(crate) async fn all_mails(&self) -> Vec<Outgoing> {
        loop {
            let before = self.sent.0.lock().unwrap().len();
            self.vestibule.background(std::future::ready(())).await;
            let mails = self.sent.0.lock().unwrap().clone();
            if mails.len() == before {
                return mails;
            }
        }
    }

    /// The path of the link in the last mail to an address.
    pub(crate) async fn link(&self, to: &str) -> String {
        let mails = self.mails(to).await;
        let text = mails.last().and_then(|mail| mail.text.clone()).unwrap();
        path_in(&text).unwrap_or_else(|| panic!("no link in {text}"))
    }
}

const ORIGIN: &str = "http://localhost:5000";

/// The path of the last link in a text that contains a token.
pub(crate) fn path_in(text: &str) -> Option<String> {
    let links = text.split(ORIGIN).skip(1).filter_map(|rest| {
        let path = rest.split([' ', '\n', '\r', '"', '<', '>', ')']).next()?;
        path.contains('.')
            .then(|| path.trim_end_matches('.').to_owned())
    });
    links.last()
}

/// The token at the end of a link.
pub(crate) fn token_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// The redirect target of an answer, and its query parameters.
pub(crate) fn destination(answer: &super::Answer) -> (String, Vec<(String, String)>) {
    assert_eq!(answer.status, 302, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap();
    let (path, query) = location.split_once('?').unwrap_or((location, ""));
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    (path.to_owned(), pairs.collect())
}

impl Browser<'_> {
    /// Sends the session's CSRF token in the header from now on.
    pub(crate) async fn with_csrf(mut self) -> Self {
        let csrf = self.get("/api/accounts/login").await.csrf_token();
        self.header("x-xsrf-token", &csrf)
    }
}
