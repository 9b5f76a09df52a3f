//! Linking an identity at a provider to the caller's account.

use vestibule_store::{
    Applied, Change, IdentityChange, NewIdentity, OnlyIf, StoreError, UserChange, UserPatch,
};

use super::respond::{Answered, Outcome};
use super::sign_in::NEXT;
use crate::app::App;
use crate::codes::notice;
use crate::hooks::Event;
use crate::messages::Message;
use crate::session::request::RequestContext;
use crate::social::flow::Purpose;
use crate::social::redirect;

/// The name of the provider, in the query of the redirect.
const LINKED: &str = "linked";

impl Answered<'_> {
    /// The identity as the store keeps it.
    pub(super) fn new_identity(&self) -> NewIdentity {
        let identity = &self.identity;
        let label = identity.address.as_ref().or(identity.name.as_ref());
        NewIdentity {
            provider: self.provider.name().to_owned(),
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            label: label.cloned(),
        }
    }
}

/// Links the identity. The flow ends in the same transaction.
pub(super) async fn link(
    app: &App,
    request: &mut RequestContext,
    answered: Answered<'_>,
) -> Outcome {
    let info = request.session.info().clone();
    let user = request.caller()?.user.clone();
    let identity = &answered.identity;
    let provider = answered.provider.name();
    let linked = app
        .store()
        .linked_identity(&identity.issuer, &identity.subject)
        .await?;
    match linked {
        None => {
            let patch = UserPatch {
                only_if: OnlyIf::same_as(&user),
                ..UserPatch::default()
            };
            let change = Change {
                consumes: vec![answered.flow.consume()],
                user: Some(UserChange::Update(user.id, Box::new(patch))),
                identity: Some(IdentityChange::Link(Some(user.id), answered.new_identity())),
                mails: notice::factor_added(app, &info, &user, provider)?
                    .into_iter()
                    .collect(),
                ..Change::default()
            };
            let event = Event::SignInMethodAdded {
                user_id: user.id,
                method: provider,
            };
            match app.commit(&info, change, &event).await {
                Ok(Applied::Done(_)) => {}
                Ok(Applied::Spent) => return Ok(Err(redirect::handshake_error("state"))),
                Ok(Applied::Stale) => return Ok(Err(redirect::handshake_error("session"))),
                Err(StoreError::Conflict { .. }) => {
                    return Ok(Err(Message::OauthAlreadyLinked.into()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        // The user linked it before.
        Some(linked) if linked.user_id == user.id => {}
        Some(_) => return Ok(Err(Message::OauthAlreadyLinked.into())),
    }
    let next = answered.flow.next().map(|next| (NEXT, next));
    let others: Vec<_> = [(LINKED, provider)].into_iter().chain(next).collect();
    let reply = redirect::succeeded(app, &info, Purpose::Link, &user, &others)?;
    Ok(Ok(reply))
}
