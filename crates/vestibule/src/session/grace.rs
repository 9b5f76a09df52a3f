//! Grace: that somebody who proved who they are is not asked again for a time.
//!
//! What a door of ours gives counts at every door that allows proofs of that age. What a question
//! at `/authz` gives counts for the same question alone: its numbers are whoever's who asks.

use std::time::Duration;

use vestibule_formats::flask_session::Session;

use super::keys;

/// Who decides how recent a proof of identity has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SaidBy {
    /// The settings, or the application.
    Us,
    /// The query of a request to `/authz`. Every caller may ask what they like there, so the grace
    /// period that it earns counts for the same question alone.
    Question,
}

/// Grace that was earned, and counts once the request is let in.
#[derive(Debug)]
pub(crate) struct Grace {
    /// Until when, where that counts at other doors, too.
    until: Option<i64>,
    /// What of the session says so.
    name: &'static str,
    note: String,
}

impl Grace {
    /// At every door that allows proofs of that age.
    pub(super) fn of_door(until: i64, within: Duration) -> Self {
        Self {
            until: Some(until),
            name: keys::GRACE_WITHIN,
            note: format!("{until}/{}", within.as_secs()),
        }
    }

    /// For one question.
    pub(super) fn of_question(until: i64, within: Duration, grace: Duration) -> Self {
        Self {
            until: None,
            name: keys::GRACE_ASKED,
            note: format!("{until}/{}", question(within, grace)),
        }
    }

    /// Puts it into the session.
    pub(super) fn keep(self, session: &mut Session) {
        if let Some(until) = self.until {
            session.set_i64(keys::GRACE_UNTIL, until);
        }
        session.set_str(self.name, &self.note);
    }
}

/// Whether the same question was answered before, and its time of grace is not over.
pub(super) fn asked_before(session: &Session, within: Duration, grace: Duration, now: i64) -> bool {
    let noted = session.get_str(keys::GRACE_ASKED);
    let until = noted.as_deref().and_then(|noted| {
        let (until, asked) = noted.split_once('/')?;
        let same = asked == question(within, grace);
        until.parse::<i64>().ok().filter(|_| same)
    });
    until.is_some_and(|until| now < until)
}

fn question(within: Duration, grace: Duration) -> String {
    format!("{}/{}", within.as_secs(), grace.as_secs())
}
