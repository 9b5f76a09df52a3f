//! The grace period: after a fresh proof of identity, the caller is not asked for another for a
//! while.
//!
//! A grace period that an authentication policy grants counts for every policy that is no stricter.
//! One that a query of `/authz` earns counts for the same query only, because the client chooses
//! its numbers.

use std::time::Duration;

use vestibule_formats::flask_session::Session;

use super::keys;

/// Who chose how recent a proof of identity has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChosenBy {
    /// The settings or the embedding application.
    Server,
    /// The client, in the query of a request to `/authz`. It may choose any number there, so the
    /// grace period that it earns counts for the same query only.
    Client,
}

/// A grace period that was earned, to be stored once the request is allowed.
#[derive(Debug)]
pub(crate) struct Grace {
    /// The end of the period in seconds since 1970, if it counts for other policies as well.
    until: Option<i64>,
    /// The session key.
    key: &'static str,
    /// The value of that key.
    value: String,
}

impl Grace {
    /// A period that counts for every policy whose freshness limit is at least `within`.
    pub(super) fn of_policy(until: i64, within: Duration) -> Self {
        Self {
            until: Some(until),
            key: keys::GRACE_WITHIN,
            value: format!("{until}/{}", within.as_secs()),
        }
    }

    /// A period that counts for one query only.
    pub(super) fn of_query(until: i64, within: Duration, grace: Duration) -> Self {
        Self {
            until: None,
            key: keys::GRACE_ASKED,
            value: format!("{until}/{}", limits(within, grace)),
        }
    }

    /// Stores the period in the session.
    pub(super) fn keep(self, session: &mut Session) {
        if let Some(until) = self.until {
            session.set_i64(keys::GRACE_UNTIL, until);
        }
        session.set_str(self.key, &self.value);
    }
}

/// Whether an earlier query with the same limits earned a grace period that has not ended.
pub(super) fn asked_before(session: &Session, within: Duration, grace: Duration, now: i64) -> bool {
    let entry = session.get_str(keys::GRACE_ASKED);
    let until = entry.as_deref().and_then(|entry| {
        let (until, asked) = entry.split_once('/')?;
        let same = asked == limits(within, grace);
        until.parse::<i64>().ok().filter(|_| same)
    });
    until.is_some_and(|until| now < until)
}

fn limits(within: Duration, grace: Duration) -> String {
    format!("{}/{}", within.as_secs(), grace.as_secs())
}
