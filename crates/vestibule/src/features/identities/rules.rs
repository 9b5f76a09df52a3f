//! Unlinking an identity without locking its user out.

use vestibule_store::{
    Applied, Change, FactorColumn, IdentityChange, OnlyIf, PasskeyUsage, User, UserChange,
    UserPatch,
};

use crate::app::App;
use crate::codes::{methods, notice};
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::settings::Method;

/// The outcome of unlinking.
pub(super) enum Unlinked {
    /// The identity is no longer linked.
    Done,
    /// The caller has no such identity.
    Unknown,
    /// The caller has no other way to sign in.
    OnlyWayIn,
}

/// Unlinks one of the user's identities. Of several requests at the same time, none takes the last
/// way to sign in away.
pub(super) async fn unlink(
    app: &App,
    info: &RequestInfo,
    user: &User,
    id: &str,
) -> Result<Unlinked, Fault> {
    let linked = app.store().linked_identities_of(user.id).await?;
    let is_meant = |id_of: i64| id.parse() == Ok(id_of);
    let Some(identity) = linked.iter().find(|identity| is_meant(identity.id)) else {
        return Ok(Unlinked::Unknown);
    };
    let is_usable = |name: &str| app.providers().get(name).is_some();
    let mut others = linked.iter().filter(|other| other.id != identity.id);
    let has_way_in = has_way_in(app, user).await?;
    if !has_way_in && !others.any(|other| is_usable(&other.provider)) {
        return Ok(Unlinked::OnlyWayIn);
    }
    // The methods that the decision depends on.
    let only_if = OnlyIf {
        fs_uniquifier: Some(user.fs_uniquifier.clone()),
        ..OnlyIf::default()
    };
    let patch = UserPatch {
        only_if: only_if.with(FactorColumn::UnifiedSecrets, user),
        ..UserPatch::default()
    };
    let change = Change {
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        identity: Some(IdentityChange::Unlink {
            user_id: user.id,
            id: identity.id,
            unless_last: !has_way_in,
        }),
        mails: notice::factor_removed(app, info, user, &identity.provider)?
            .into_iter()
            .collect(),
        ..Change::default()
    };
    let event = Event::SignInMethodRemoved {
        user_id: user.id,
        method: &identity.provider,
    };
    if let Applied::Done(_) = app.commit(info, change, &event).await? {
        return Ok(Unlinked::Done);
    }
    // Another request changed the user's ways to sign in, or unlinked the identity.
    let linked = app.store().linked_identities_of(user.id).await?;
    Ok(if linked.iter().any(|other| other.id == identity.id) {
        Unlinked::OnlyWayIn
    } else {
        Unlinked::Unknown
    })
}

/// Whether the user can begin a sign-in without any identity at a provider.
async fn has_way_in(app: &App, user: &User) -> Result<bool, Fault> {
    let settings = app.settings();
    let unified = settings.unified.enabled;
    let by_method = methods::active(app, user)
        .into_iter()
        .any(|method| match method {
            Method::Password => unified || settings.login.serves_password_login(),
            Method::Email | Method::Sms | Method::Authenticator => unified,
        });
    let by_link = settings.accounts.passwordless.enabled && user.email.is_some();
    if by_method || by_link {
        return Ok(true);
    }
    let first = Some(PasskeyUsage::First);
    Ok(settings.webauthn.allow_as_first_factor
        && settings.webauthn.enabled
        && app.store().has_passkey(user.id, first).await?)
}
