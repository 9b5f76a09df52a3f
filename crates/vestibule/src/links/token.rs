//! What is in a link, and what a link that comes back is worth.

use vestibule_formats::hash::fingerprint;
use vestibule_formats::link_token::{LinkCodec, LinkError, LinkToken};
use vestibule_formats::sign::KeyRing;
use vestibule_store::{OneTimeSecret, User, UserKey};

use super::kind::{KINDS, Kind};
use crate::app::App;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::rng;
use crate::settings::{Settings, endpoints};

/// Makes and reads the tokens of every kind.
#[derive(Debug)]
pub(crate) struct Links(Vec<LinkCodec>);

/// A link.
#[derive(Debug)]
pub(crate) struct Link {
    /// What is in it.
    pub(crate) token: String,
    /// All of it.
    pub(crate) url: String,
}

/// What a link that came back says.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It counts, for this user.
    Valid(Box<User>, LinkToken),
    /// It did, until it was too old; it would be for this user.
    Expired(Option<Box<User>>),
    /// It does not count.
    Invalid,
}

impl Links {
    pub(crate) fn new(keys: &KeyRing, settings: &Settings) -> Self {
        let codec = |kind: Kind| {
            let row = kind.row();
            let salt = &(row.settings)(settings).salt;
            LinkCodec::new(keys, row.purpose, Some(salt))
        };
        Self(KINDS.into_iter().map(codec).collect())
    }

    fn codec(&self, kind: Kind) -> &LinkCodec {
        &self.0[kind as usize]
    }
}

/// Makes the link that confirms an address.
pub(crate) fn confirm(app: &App, info: &RequestInfo, uniquifier: &str, email: &str) -> Link {
    let email = fingerprint_of(app, email);
    make(
        app,
        info,
        Kind::Confirm,
        &[Some(uniquifier), email.as_deref()],
    )
}

/// Makes the link that resets a password. It is bound to the address that it is mailed to.
pub(crate) fn reset(app: &App, info: &RequestInfo, user: &User) -> Link {
    let password = user
        .password
        .as_deref()
        .and_then(|hash| fingerprint_of(app, hash));
    let email = user
        .email
        .as_deref()
        .and_then(|email| fingerprint_of(app, email));
    let parts = [
        Some(user.fs_uniquifier.as_str()),
        password.as_deref(),
        email.as_deref(),
    ];
    make(app, info, Kind::Reset, &parts)
}

/// Makes the link that signs in. It is bound to the address that it is mailed to.
pub(crate) fn login(app: &App, info: &RequestInfo, user: &User) -> Link {
    let email = user
        .email
        .as_deref()
        .and_then(|email| fingerprint_of(app, email));
    let parts = [Some(user.fs_uniquifier.as_str()), email.as_deref()];
    make(app, info, Kind::Login, &parts)
}

/// Makes the link that confirms a new address.
pub(crate) fn change_email(app: &App, info: &RequestInfo, user: &User, new_email: &str) -> Link {
    let old = user
        .email
        .as_deref()
        .and_then(|email| fingerprint_of(app, email));
    let parts = [
        Some(user.fs_uniquifier.as_str()),
        old.as_deref(),
        Some(new_email),
    ];
    make(app, info, Kind::ChangeEmail, &parts)
}

/// How many fingerprints are in a link that resets a password.
pub(crate) const IN_RESET: u32 = 2;

/// Makes so many fingerprints and drops them, to take as long as a link that holds them.
pub(crate) fn pad_fingerprints(app: &App, fingerprints: u32) {
    for _ in 0..fingerprints {
        std::hint::black_box(fingerprint_of(app, "padding@example.com"));
    }
}

fn fingerprint_of(app: &App, text: &str) -> Option<String> {
    fingerprint::fingerprint(text, &rng::bytes(app.random()))
}

fn make(app: &App, info: &RequestInfo, kind: Kind, parts: &[Option<&str>]) -> Link {
    let token = app.links().codec(kind).seal(parts, app.unix_now());
    let path = (kind.row().path)(app.settings());
    let url = endpoints::under(&endpoint(app, info, path), &token);
    Link { token, url }
}

/// The address of an endpoint of ours, as it stands in a mail: on the public address, if one is
/// configured, or on the believed host, whose port is not the client's to choose.
pub(crate) fn endpoint(app: &App, info: &RequestInfo, path: &str) -> String {
    let http = &app.settings().http;
    let origin = http.public_origin.clone().unwrap_or_else(|| {
        let scheme = if info.secure() { "https" } else { "http" };
        format!("{scheme}://{}", http.hosts.in_links(info.host()))
    });
    format!("{origin}{}{path}", http.url_prefix)
}

/// Reads the token of a link, and looks up whose it is. A link that is bound to an address is
/// invalid once the address is another.
pub(crate) async fn open(app: &App, kind: Kind, token: &str) -> Result<Opened, Fault> {
    let row = kind.row();
    let settings = (row.settings)(app.settings());
    let codec = app.links().codec(kind);
    let (token, expired) = match codec.open(token, app.unix_now(), settings.within) {
        Ok(token) => (token, false),
        Err(LinkError::Expired(token)) => {
            let ahead = token.made_at.saturating_sub(app.unix_now());
            if ahead > 0 {
                tracing::info!(
                    check = "link",
                    ahead,
                    "a link is not used: it was signed that many seconds ahead of this server's clock"
                );
            }
            (token, true)
        }
        Err(LinkError::Invalid) => return Ok(Opened::Invalid),
    };
    let key = UserKey::Uniquifier(token.uniquifier());
    let Some(user) = app.store().user(key).await? else {
        return Ok(if expired {
            Opened::Expired(None)
        } else {
            Opened::Invalid
        });
    };
    let bound = token.part(row.binds.address);
    let mut holds = match bound {
        Some(bound) => is_of(bound, user.email.as_deref()).await,
        None => !row.binds.address_required,
    };
    let password = row.binds.password.filter(|_| bound.is_some());
    if let (Some(password), true) = (password.and_then(|part| token.part(part)), holds) {
        holds = is_of(password, user.password.as_deref()).await;
    }
    Ok(match (holds, expired) {
        (true, false) => Opened::Valid(Box::new(user), token),
        // Who has the address now is told to whoever had the link mailed to it.
        (true, true) => Opened::Expired(Some(Box::new(user))),
        (false, true) => Opened::Expired(None),
        (false, false) => Opened::Invalid,
    })
}

/// Whether a fingerprint is that of a text. Those of the reference take tens of milliseconds.
async fn is_of(taken: &str, text: Option<&str>) -> bool {
    let Some(text) = text.map(str::to_owned) else {
        return false;
    };
    let taken = taken.to_owned();
    tokio::task::spawn_blocking(move || fingerprint::is_of(&taken, &text))
        .await
        .unwrap_or(false)
}

/// The entry in the ledger that uses a link up.
pub(crate) fn consume(app: &App, kind: Kind, token: &LinkToken) -> OneTimeSecret {
    let row = kind.row();
    let settings = (row.settings)(app.settings());
    let made_at = time::OffsetDateTime::from_unix_timestamp(token.made_at)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    OneTimeSecret {
        purpose: row.name,
        digest: token.digest.clone(),
        // A day more than it counts: the clocks of several servers may differ.
        expires_at: made_at + settings.within + std::time::Duration::from_secs(86_400),
    }
}
