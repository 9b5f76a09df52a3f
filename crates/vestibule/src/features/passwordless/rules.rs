//! Checking the links that sign in.

use vestibule_formats::link_token::LinkToken;
use vestibule_store::User;

use crate::app::App;
use crate::http::fault::Fault;
use crate::links::{self, Kind, Opened};
use crate::session::assurance;

/// The outcome of checking a link.
pub(super) enum Judged {
    /// The link is valid for this user.
    Valid(Box<User>, LinkToken),
    /// The link of this user has expired.
    Expired(Box<User>),
    /// The link is invalid, or its user may not sign in.
    Invalid,
}

/// Checks a link and looks up its user. A user who may not sign in with a password may not sign in
/// with a link either.
pub(super) async fn judge(app: &App, token: &str) -> Result<Judged, Fault> {
    let opened = links::open(app, Kind::Login, token).await?;
    let (Opened::Valid(user, _) | Opened::Expired(Some(user))) = &opened else {
        return Ok(Judged::Invalid);
    };
    if assurance::sign_in_block(app, user).is_some() {
        return Ok(Judged::Invalid);
    }
    Ok(match opened {
        Opened::Valid(user, token) => Judged::Valid(user, token),
        Opened::Expired(Some(user)) => Judged::Expired(user),
        Opened::Expired(None) | Opened::Invalid => Judged::Invalid,
    })
}
