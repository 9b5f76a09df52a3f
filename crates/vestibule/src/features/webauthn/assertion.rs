//! Checking the response of an authenticator that proves the possession of a passkey.

use vestibule_formats::ceremony_state::{Ceremony, CeremonyState};
use vestibule_formats::webauthn::{self, Authenticated, AuthenticationResponse};
use vestibule_store::{Passkey, PasskeyChange, PasskeyUsage, User, UserKey};

use super::ceremony::RelyingParty;
use super::wire;
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::messages::Message;
use crate::session::proof::Factor;
use crate::session::request::RequestContext;

/// A passkey whose possession was proved.
pub(super) struct Proven {
    /// The user whom the passkey belongs to.
    pub(super) user: User,
    /// What the user has shown.
    pub(super) factor: Factor,
    /// The change of the passkey's row, which fails if another request used the passkey meanwhile.
    pub(super) used: PasskeyChange,
}

/// Checks the response in the body. `usages` are those that the passkey may be registered for, and
/// `owner` is the user whom it has to belong to, if that is known.
///
/// # Errors
/// 400 if the response does not prove the possession of such a passkey.
pub(super) async fn check(
    app: &App,
    request: &RequestContext,
    state: &CeremonyState,
    usages: &[PasskeyUsage],
    owner: Option<&User>,
) -> Result<Proven, HandlerError> {
    let fields = request.body.fields()?;
    let typed = wire::read_credential(fields)?;
    let response =
        webauthn::parse_authentication(typed).map_err(|_| wire::refuse(Message::ApiError))?;
    let found = app.store().passkey(response.credential_id()).await?;
    let passkey = found.ok_or_else(|| wire::refuse(Message::WebauthnUnknownCredentialId))?;
    let user = app.store().user(UserKey::Id(passkey.user_id)).await?;
    let user = user.ok_or_else(|| wire::refuse(Message::WebauthnUnknownCredentialId))?;
    if !is_of(&response, &user) || owner.is_some_and(|owner| owner.id != user.id) {
        return Err(wire::refuse(Message::WebauthnMismatchUserHandle).into());
    }
    if !usages.iter().any(|usage| passkey.is_for(*usage)) {
        return Err(wire::refuse(Message::WebauthnCredentialWrongUsage).into());
    }
    let info = request.session.info();
    let party = RelyingParty::of(app, info);
    let verified = party.verify(state, |expected| {
        response.verify(expected, &passkey.public_key, passkey.sign_count)
    });
    let authenticated = match verified {
        Ok(authenticated) => authenticated,
        Err(invalid) => {
            let event = Event::SignInFailed {
                user_id: Some(user.id),
                via: Factor::Passkey.name(),
            };
            app.record(info, &event).await?;
            let cause = wire::cause(invalid);
            return Err(wire::refuse(Message::WebauthnNoVerify.with("cause", cause)).into());
        }
    };
    Ok(Proven {
        factor: factor(&authenticated),
        used: used(&passkey, &authenticated),
        user,
    })
}

/// Whether the user handle in the response, if there is one, is the user's.
fn is_of(response: &AuthenticationResponse, user: &User) -> bool {
    let handle = user.fs_webauthn_user_handle.as_deref();
    response
        .user_handle()
        .is_none_or(|returned| handle.is_some_and(|handle| handle.as_bytes() == returned))
}

fn factor(authenticated: &Authenticated) -> Factor {
    if authenticated.user_verified {
        Factor::VerifiedPasskey
    } else {
        Factor::Passkey
    }
}

fn used(passkey: &Passkey, authenticated: &Authenticated) -> PasskeyChange {
    PasskeyChange::Used {
        id: passkey.id,
        user_id: passkey.user_id,
        old_sign_count: passkey.sign_count,
        sign_count: authenticated.sign_count,
        backup_state: authenticated.backed_up,
        device_type: authenticated.device_type().to_owned(),
    }
}

/// The usages that suit a ceremony.
pub(super) fn usages(app: &App, ceremony: Ceremony) -> Vec<PasskeyUsage> {
    match ceremony {
        Ceremony::SecondFactor => vec![PasskeyUsage::Secondary],
        Ceremony::Verify => app.settings().webauthn.allow_as_verify.clone(),
        Ceremony::SignIn | Ceremony::Register => vec![PasskeyUsage::First],
    }
}
