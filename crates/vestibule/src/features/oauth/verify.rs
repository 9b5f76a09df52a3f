//! Verifying the caller by their identity at a provider.

use vestibule_store::{Applied, Change, IdentityChange};

use super::account::{self, Account};
use super::respond::{Answered, Outcome};
use super::sign_in::{NEXT, VIA};
use crate::app::App;
use crate::hooks::Event;
use crate::messages::Message;
use crate::session::keys;
use crate::session::request::RequestContext;
use crate::social::flow::Purpose;
use crate::social::redirect;

/// Makes the session fresh if the identity belongs to its user. The flow ends in the same
/// transaction as the entry in the audit log.
pub(super) async fn verify(
    app: &App,
    request: &mut RequestContext,
    answered: Answered<'_>,
) -> Outcome {
    let info = request.session.info().clone();
    let user = request.caller()?.user.clone();
    let account = account::find(app, &answered.identity).await?;
    let link = match &account {
        Account::Linked(owner, link) if owner.id == user.id => Some(*link),
        Account::Claimed(owner) if owner.id == user.id => None,
        _ => {
            let event = Event::SignInFailed {
                user_id: Some(user.id),
                via: VIA,
            };
            app.record(&info, &event).await?;
            if let Account::Refused(reason) = account {
                return Ok(Err(reason));
            }
            // Whether another user has the identity is not told.
            let claim = answered.identity.claim.as_deref();
            return Ok(Err(account::not_registered(claim.unwrap_or_default())));
        }
    };
    let user_id = user.id;
    let event = Event::Verified { user_id, via: VIA };
    let change = Change {
        consumes: vec![answered.flow.consume()],
        identity: link.map(|id| IdentityChange::Used { user_id, id }),
        ..Change::default()
    };
    match app.commit(&info, change, &event).await? {
        Applied::Done(_) => {}
        Applied::Spent => return Ok(Err(redirect::handshake_error("state"))),
        Applied::Stale => return Ok(Err(Message::OauthNotLinked.into())),
    }
    let now = app.unix_seconds();
    let session = request.session.data_mut();
    session.set_f64(keys::AUTHENTICATED_AT, now);
    let next = answered.flow.next().map(|next| (NEXT, next));
    let others: Vec<_> = next.into_iter().collect();
    let reply = redirect::succeeded(app, &info, Purpose::Verify, &user, &others)?;
    Ok(Ok(reply))
}
