//! Signing in with an identity at a provider.

use vestibule_store::{IdentityChange, User};

use super::account::{self, Account};
use super::register::{self, Registered};
use super::respond::{Answered, Outcome};
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::messages::LocalizedMessage;
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::social::flow::Purpose;
use crate::social::redirect;

/// The name of the factor in events.
pub(super) const VIA: &str = "oauth";

/// The name of the target at which the app continues, in the query of a redirect.
pub(super) const NEXT: &str = "next";

/// Signs the user of the identity in. The flow ends in the same transaction.
pub(super) async fn sign_in(
    app: &App,
    request: &mut RequestContext,
    answered: Answered<'_>,
) -> Outcome {
    let info = request.session.info().clone();
    let authentication = match authenticate(app, &info, &answered).await? {
        Ok(authentication) => *authentication,
        Err(reason) => {
            let event = Event::SignInFailed {
                user_id: None,
                via: VIA,
            };
            app.record(&info, &event).await?;
            return Ok(Err(reason));
        }
    };
    let user = authentication.user.clone();
    let reply = match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(_) => {
            let next = answered.flow.next().map(|next| (NEXT, next));
            let others: Vec<_> = next.into_iter().collect();
            redirect::succeeded(app, &info, Purpose::SignIn, &user, &others)?
        }
        SignInOutcome::SecondFactor(_) => redirect::second_factor(app, &info, &user)?,
        SignInOutcome::Refused(reason) => return Ok(Err(reason)),
    };
    Ok(Ok(reply))
}

/// Finds the user of the identity, or makes an account.
async fn authenticate(
    app: &App,
    info: &RequestInfo,
    answered: &Answered<'_>,
) -> Result<Result<Box<Authentication>, LocalizedMessage>, Fault> {
    let mut account = account::find(app, &answered.identity).await?;
    if let Account::None { address } = &account
        && app.settings().oauth.auto_register
    {
        match register::register(app, info, answered, address).await? {
            // The flow ended when the account was created.
            Registered::Created(user) => return Ok(Ok(Box::new(by(app, *user, answered)))),
            Registered::Refused(reason) => return Ok(Err(reason)),
            // Another request was faster.
            Registered::Taken => account = account::find(app, &answered.identity).await?,
        }
    }
    let (user, link) = match account {
        Account::Linked(user, link) => (user, Some(link)),
        Account::Claimed(user) => (user, None),
        Account::None { address } => return Ok(Err(account::not_registered(&address))),
        Account::Refused(reason) => return Ok(Err(reason)),
    };
    let user_id = user.id;
    let used = link.map(|id| IdentityChange::Used { user_id, id });
    let ended = redirect::handshake_error("state");
    let authentication = by(app, *user, answered)
        .with_identity(used)
        .consuming(answered.flow.consume(), ended);
    Ok(Ok(Box::new(authentication)))
}

/// An authentication by the provider.
fn by(app: &App, user: User, answered: &Answered<'_>) -> Authentication {
    let factor = if answered.provider.counts_as_second_factor() {
        Factor::MultiFactorProvider
    } else {
        Factor::Provider
    };
    Authentication::by(app, user, factor)
}
