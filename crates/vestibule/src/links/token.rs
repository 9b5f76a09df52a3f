//! The tokens in links: making them, and checking the ones that come back.

use vestibule_formats::hash::fingerprint;
use vestibule_formats::link_token::{LinkCodec, LinkError, LinkToken};
use vestibule_formats::sign::KeyRing;
use vestibule_store::{OneTimeSecret, User, UserKey};

use super::kind::{KINDS, Kind};
use crate::app::App;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::rng;
use crate::settings::{Settings, endpoints, hosts};

/// Makes and reads the tokens of every kind.
#[derive(Debug)]
pub(crate) struct Links(Vec<LinkCodec>);

/// A link.
#[derive(Debug)]
pub(crate) struct Link {
    /// The token in the link.
    pub(crate) token: String,
    /// The whole link.
    pub(crate) url: String,
}

/// The outcome of opening a link.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The link is valid for this user.
    Valid(Box<User>, LinkToken),
    /// The link has expired. Holds its user, if the user still exists and the binding still holds.
    Expired(Option<Box<User>>),
    /// The link is invalid.
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

/// The number of fingerprints in a link that resets a password.
pub(crate) const FINGERPRINTS_IN_RESET: u32 = 2;

/// Makes fingerprints and drops them, to take as long as making a link that holds as many.
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

/// The name of the host that users reach the server under, without a port: that of the public
/// origin, if one is configured, or the trusted host.
pub(crate) fn public_host(app: &App, info: &RequestInfo) -> String {
    let http = &app.settings().http;
    let public = http.public_origin.as_deref();
    let host = match public.and_then(|origin| origin.split("://").nth(1)) {
        Some(public) => public.to_ascii_lowercase(),
        None => http.hosts.in_links(info.host()),
    };
    match hosts::split(&host) {
        Some((name, _)) => name.to_owned(),
        None => host,
    }
}

/// The URL of one of our endpoints for a mail: on the public origin, if one is configured, or on
/// the trusted host, whose port the client does not choose.
pub(crate) fn endpoint(app: &App, info: &RequestInfo, path: &str) -> String {
    let http = &app.settings().http;
    let origin = http.public_origin.clone().unwrap_or_else(|| {
        let scheme = if info.secure() { "https" } else { "http" };
        format!("{scheme}://{}", http.hosts.in_links(info.host()))
    });
    format!("{origin}{}{path}", http.url_prefix)
}

/// Reads the token of a link and looks up its user. A link that is bound to an address or a
/// password is invalid once that has changed.
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
                    "a link was refused: it was signed this many seconds ahead of this server's clock"
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
        // The user is revealed only if they still have the address that the link was mailed to.
        (true, true) => Opened::Expired(Some(Box::new(user))),
        (false, true) => Opened::Expired(None),
        (false, false) => Opened::Invalid,
    })
}

/// Whether a fingerprint was made of a text. Runs on a thread for blocking work, since checking a
/// fingerprint of the reference takes tens of milliseconds.
async fn is_of(taken: &str, text: Option<&str>) -> bool {
    let Some(text) = text.map(str::to_owned) else {
        return false;
    };
    let taken = taken.to_owned();
    tokio::task::spawn_blocking(move || fingerprint::is_of(&taken, &text))
        .await
        .unwrap_or(false)
}

/// The entry in the ledger that consumes a link.
pub(crate) fn consume(app: &App, kind: Kind, token: &LinkToken) -> OneTimeSecret {
    let row = kind.row();
    let settings = (row.settings)(app.settings());
    let made_at = time::OffsetDateTime::from_unix_timestamp(token.made_at)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    OneTimeSecret {
        purpose: row.name,
        digest: token.digest.clone(),
        // A day longer than the link is valid, since the clocks of several servers may differ.
        expires_at: made_at + settings.within + std::time::Duration::from_secs(86_400),
    }
}
