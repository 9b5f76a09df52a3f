//! The mails and SMS that the application under test sends.

use std::sync::Mutex;

use async_trait::async_trait;
use vestibule::{DeliveryError, Mailer, Outgoing, SmsMessage, SmsSender};

use super::{Browser, TestApp};

/// Keeps mails and SMS instead of sending them.
#[derive(Debug, Default)]
pub(crate) struct Sent(Mutex<Vec<Outgoing>>, Mutex<Vec<SmsMessage>>);

#[async_trait]
impl SmsSender for Sent {
    async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError> {
        self.1.lock().unwrap().push(sms.clone());
        Ok(())
    }
}

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
            let count = || self.sent.0.lock().unwrap().len() + self.sent.1.lock().unwrap().len();
            let before = count();
            self.vestibule.background(std::future::ready(())).await;
            if count() == before {
                return self.sent.0.lock().unwrap().clone();
            }
        }
    }

    /// Sends what is in the outbox, and returns all SMS to a number, the oldest first.
    pub(crate) async fn sms(&self, to: &str) -> Vec<String> {
        self.all_mails().await;
        let sms = self.sent.1.lock().unwrap();
        let to_number = sms.iter().filter(|sms| sms.to == to);
        to_number.map(|sms| sms.text.clone()).collect()
    }

    /// The one-time code in the last SMS to a number.
    pub(crate) async fn texted_code(&self, to: &str) -> String {
        let sms = self.sms(to).await;
        let text = sms.last().unwrap();
        let code = text.split([' ', '.', '#', '\n']).find(|word| is_code(word));
        code.unwrap_or_else(|| panic!("no code in {text}"))
            .to_owned()
    }

    /// The one-time code in the last mail to an address.
    pub(crate) async fn mailed_code(&self, to: &str) -> String {
        let mails = self.mails(to).await;
        let text = mails.last().and_then(|mail| mail.text.clone()).unwrap();
        let code = text.lines().find(|line| is_code(line));
        code.unwrap_or_else(|| panic!("no code in {text}"))
            .to_owned()
    }

    /// The path of the link in the last mail to an address.
    pub(crate) async fn link(&self, to: &str) -> String {
        let mails = self.mails(to).await;
        let text = mails.last().and_then(|mail| mail.text.clone()).unwrap();
        path_in(&text).unwrap_or_else(|| panic!("no link in {text}"))
    }
}

/// Whether a text is a one-time code.
pub(crate) fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

const ORIGIN: &str = "http://localhost:5000";

/// The path of the last link in a text that contains a token.
pub(crate) fn path_in(text: &str) -> Option<String> {
    let links = text.split(ORIGIN).skip(1).filter_map(|rest| {
        let path = rest.split([' ', '\n', '\r', '"', '<', '>', ')']).next()?;
        (path.contains('.') || path.contains("/us-verify-link?"))
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
