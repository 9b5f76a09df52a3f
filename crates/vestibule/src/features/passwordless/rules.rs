//! Which links sign in.

use vestibule_formats::link_token::LinkToken;
use vestibule_store::{Applied, Change, OnlyIf, User, UserChange, UserPatch};

use crate::app::App;
use crate::http::fault::Fault;
use crate::secrets::links::{self, Kind, Opened};
use crate::session::assurance;

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
    if assurance::sign_in_block(app, user).await?.is_some() {
        return Ok(Judged::Refused);
    }
    Ok(match opened {
        Opened::Valid(user, token) => Judged::Counts(user, token),
        Opened::Expired(Some(user)) => Judged::Late(user),
        Opened::Expired(None) | Opened::Invalid => Judged::Refused,
    })
}

/// Whether a link is used for the first time.
pub(super) enum Used {
    Now,
    Before,
}

/// Uses a link up, if it still fits its user.
pub(super) async fn consume(app: &App, user: &User, token: &LinkToken) -> Result<Used, Fault> {
    let patch = UserPatch {
        only_if: OnlyIf {
            email: user.email.clone(),
            fs_uniquifier: Some(user.fs_uniquifier.clone()),
            unconfirmed: false,
        },
        ..UserPatch::default()
    };
    let change = Change {
        consumes: Some(links::consume(app, Kind::Login, token)),
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        ..Change::default()
    };
    let applied = app.store().apply(change, app.clock().now()).await?;
    Ok(match applied {
        Applied::Done(_) => Used::Now,
        Applied::Spent | Applied::Stale => Used::Before,
    })
}
