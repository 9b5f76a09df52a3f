//! The limit on mails and SMS that strangers cause.

use vestibule_store::{GuessKey, Reservation, UserId};

use super::{Counted, counters, plain, slots};
use crate::app::App;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::settings::LimitMode;

/// The purpose of a recipient's counter.
const SEND: &str = "send";

/// Counts a mail or an SMS for a recipient, and returns whether it may be sent. The answer to the
/// request must not depend on it. `user_id` is the recipient's account, if there is one; a message
/// to a recipient without an account is counted as well, so that both cost the same.
///
/// # Errors
/// When the store fails.
pub(crate) async fn may_send(
    app: &App,
    info: &RequestInfo,
    recipient: &str,
    user_id: Option<UserId>,
) -> Result<bool, Fault> {
    let limits = &app.settings().limits;
    if limits.mode == LimitMode::Off || limits.send.is_empty() {
        return Ok(true);
    }
    let key = GuessKey {
        principal: principal(app, recipient),
        purpose: SEND,
        device: String::new(),
    };
    match app.guard().reserve(app, &slots(&key, &limits.send)).await? {
        Reservation::Granted(reserved) => {
            for guess in &reserved {
                let limit = (SEND, Counted::Recipient);
                counters::report_if_reached(app, info, guess, limit, user_id).await?;
            }
            Ok(true)
        }
        Reservation::Refused { .. } => {
            tracing::info!(limit = SEND, "a message over the limit was requested");
            Ok(limits.mode == LimitMode::Log)
        }
    }
}

/// The principal of a recipient: an address or a phone number, in any spelling.
pub(super) fn principal(app: &App, recipient: &str) -> String {
    app.guard().digest("recipient", &plain(app, recipient))
}
