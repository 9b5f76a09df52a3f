//! The mailbox for development: keeps mails in memory, where the developer reads them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::transport::{MailError, Mailer, Outgoing};

/// How many mails are kept.
const KEPT: usize = 200;

/// The mails that were sent last.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(Mutex<VecDeque<Outgoing>>);

impl Mailbox {
    /// The mails, newest first.
    pub(crate) fn mails(&self) -> Vec<Outgoing> {
        let mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().cloned().collect()
    }
}

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, mail: &Outgoing) -> Result<(), MailError> {
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push_front(mail.clone());
        mails.truncate(KEPT);
        Ok(())
    }
}

/// A mailer that sends nothing (`MAIL_SUPPRESS_SEND`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nowhere;

#[async_trait]
impl Mailer for Nowhere {
    async fn send(&self, _: &Outgoing) -> Result<(), MailError> {
        Ok(())
    }
}
