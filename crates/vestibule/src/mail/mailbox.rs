//! The mailbox for development: keeps mails and SMS in memory, where the developer reads them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::transport::{DeliveryError, Mailer, Outgoing};
use crate::sms::transport::{SmsMessage, SmsSender};

/// How many mails are kept, and how many SMS.
const KEPT: usize = 200;

/// The mails and SMS that were sent last.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    mails: Kept<Outgoing>,
    sms: Kept<SmsMessage>,
}

/// The last of what was kept, newest first.
#[derive(Debug)]
struct Kept<T>(Mutex<VecDeque<T>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Kept<T> {
    fn push(&self, item: T) {
        let mut items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        items.push_front(item);
        items.truncate(KEPT);
    }

    fn all(&self) -> Vec<T> {
        let items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().cloned().collect()
    }
}

impl Mailbox {
    /// The mails, newest first.
    pub(crate) fn mails(&self) -> Vec<Outgoing> {
        self.mails.all()
    }

    /// The SMS, newest first.
    pub(crate) fn sms(&self) -> Vec<SmsMessage> {
        self.sms.all()
    }
}

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError> {
        self.mails.push(mail.clone());
        Ok(())
    }
}

#[async_trait]
impl SmsSender for Mailbox {
    async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError> {
        self.sms.push(sms.clone());
        Ok(())
    }
}

/// A mailer that sends nothing (`MAIL_SUPPRESS_SEND`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nowhere;

#[async_trait]
impl Mailer for Nowhere {
    async fn send(&self, _: &Outgoing) -> Result<(), DeliveryError> {
        Ok(())
    }
}
