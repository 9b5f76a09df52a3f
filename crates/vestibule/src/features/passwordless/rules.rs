//! Which links sign in.

use vestibule_formats::link_token::LinkToken;
use vestibule_store::User;

use crate::app::App;
use crate::http::fault::Fault;
use crate::links::{self, Kind, Opened};
use crate::session::assurance;
use crate::session::proof::{Factor, Proof};

/// What a link says.
pub(super) enum Judged {
    /// It counts, for this user.
    Counts(Box<User>, LinkToken),
    /// It did.
    Late(Box<User>),
    /// It does not.
    Refused,
}

/// Whose link it is. Whoever would not be let in with a password is not let in with a link.
pub(super) async fn judge(app: &App, token: &str) -> Result<Judged, Fault> {
    let opened = links::open(app, Kind::Login, token).await?;
    let (Opened::Valid(user, _) | Opened::Expired(Some(user))) = &opened else {
        return Ok(Judged::Refused);
    };
    let proof = Proof::of(Factor::SignInLink);
    if assurance::sign_in_block(app, user, &proof).await?.is_some() {
        return Ok(Judged::Refused);
    }
    Ok(match opened {
        Opened::Valid(user, token) => Judged::Counts(user, token),
        Opened::Expired(Some(user)) => Judged::Late(user),
        Opened::Expired(None) | Opened::Invalid => Judged::Refused,
    })
}
