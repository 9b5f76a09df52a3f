//! Whose account it is: the user of an identity at a provider.

use vestibule_store::{Identity, User, UserKey};

use crate::app::App;
use crate::http::fault::Fault;
use crate::identity;
use crate::messages::{LocalizedMessage, Message};
use crate::providers::ProviderIdentity;
use crate::settings::Linking;
use crate::social::redirect;

/// The longest text of a provider that a message repeats, in characters.
const LONGEST_SHOWN: usize = 120;

/// The account that an identity belongs to.
pub(super) enum Account {
    /// The identity is linked to this user. Holds the key of the link.
    Linked(Box<User>, i64),
    /// The claim of the identity is this user's.
    Claimed(Box<User>),
    /// No account has the address, which the provider vouches for.
    None {
        /// The address, as the provider sends it.
        address: String,
    },
    /// The identity belongs to no account that it may sign in to.
    Refused(LocalizedMessage),
}

/// Finds the account of an identity.
///
/// A link always counts, because the user made it while signed in. A claim counts only with
/// `SECURITY_OAUTH_LINKING = "address"`, and an address only if the provider says that it is
/// verified.
pub(super) async fn find(app: &App, identity: &ProviderIdentity) -> Result<Account, Fault> {
    let store = app.store();
    let linked = store.linked_identity(&identity.issuer, &identity.subject);
    if let Some(linked) = linked.await? {
        let user = store.user(UserKey::Id(linked.user_id)).await?;
        return Ok(match user {
            Some(user) => Account::Linked(Box::new(user), linked.id),
            None => Account::Refused(Message::OauthNotLinked.into()),
        });
    }
    let Some(claim) = identity.claim.as_deref() else {
        return Ok(Account::Refused(redirect::handshake_error("claim")));
    };
    let attribute = identity.attribute;
    if !app.settings().identity.has(attribute.column()) {
        return Ok(Account::Refused(redirect::handshake_error("attribute")));
    }
    let is_address = attribute == Identity::Email;
    let is_vouched_for = is_address
        && identity.address_verified == Some(true)
        && identity.address.as_deref() == Some(claim);
    let by_claim = app.settings().oauth.linking == Linking::Address;
    // Whether an account has the claim is not told to a client that may have made it up.
    if by_claim && is_address && !is_vouched_for {
        return Ok(Account::Refused(Message::OauthAddressNotVerified.into()));
    }
    if !by_claim && !is_vouched_for {
        return Ok(Account::Refused(Message::OauthNotLinked.into()));
    }
    match identity::by_attribute(app, attribute, claim).await? {
        Some(_) if !by_claim => Ok(Account::Refused(Message::OauthNotLinked.into())),
        // An attacker may have created the account before the owner of the address. A deactivated
        // one is refused as such.
        Some(user) if user.active && is_unconfirmed(app, &user) => {
            Ok(Account::Refused(Message::ConfirmationRequired.into()))
        }
        Some(user) => Ok(Account::Claimed(Box::new(user))),
        None if is_vouched_for => Ok(Account::None {
            address: claim.to_owned(),
        }),
        None => Ok(Account::Refused(not_registered(claim))),
    }
}

/// Whether the user never confirmed the address although the settings require it.
fn is_unconfirmed(app: &App, user: &User) -> bool {
    app.settings().login.confirmable && user.confirmed_at.is_none()
}

/// The message that no account has this claim.
pub(super) fn not_registered(claim: &str) -> LocalizedMessage {
    let shown = claim.chars().filter(|c| !c.is_control());
    let shown: String = shown.take(LONGEST_SHOWN).collect();
    Message::IdentityNotRegistered.with("id", shown)
}
