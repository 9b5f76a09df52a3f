//! The links in mails: what is in them, and what a link that comes back says.

use vestibule_formats::hash::fingerprint;
use vestibule_formats::link_token::{LinkCodec, LinkError, LinkToken};
use vestibule_formats::purpose::Purpose;
use vestibule_formats::sign::KeyRing;
use vestibule_store::{OneTimeSecret, User, UserKey};

use crate::app::App;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::rng;
use crate::settings::{LinkSettings, Settings, endpoints};

/// The kinds of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Confirms an address.
    Confirm,
    /// Resets a password.
    Reset,
    /// Signs in.
    Login,
    /// Confirms a new address.
    ChangeEmail,
}

impl Kind {
    /// Its name in the ledger of secrets that were spent.
    const fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
            Self::Login => "login",
            Self::ChangeEmail => "change_email",
        }
    }
}

/// Makes and reads links of every kind.
#[derive(Debug)]
pub(crate) struct Links {
    confirm: LinkCodec,
    reset: LinkCodec,
    login: LinkCodec,
    change_email: LinkCodec,
}

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
    pub(crate) fn new(ring: &KeyRing, settings: &Settings) -> Self {
        let codec = |purpose, link: &LinkSettings| LinkCodec::new(ring, purpose, Some(&link.salt));
        let accounts = &settings.accounts;
        Self {
            confirm: codec(Purpose::Confirm, &accounts.confirm.link),
            reset: codec(Purpose::Reset, &accounts.recover.link),
            login: codec(Purpose::Login, &accounts.passwordless.link),
            change_email: codec(Purpose::ChangeEmail, &accounts.change_email.link),
        }
    }

    fn codec(&self, kind: Kind) -> &LinkCodec {
        match kind {
            Kind::Confirm => &self.confirm,
            Kind::Reset => &self.reset,
            Kind::Login => &self.login,
            Kind::ChangeEmail => &self.change_email,
        }
    }
}

fn link_settings(app: &App, kind: Kind) -> (&LinkSettings, &str) {
    let settings = app.settings();
    let accounts = &settings.accounts;
    match kind {
        Kind::Confirm => (&accounts.confirm.link, &accounts.confirm.url),
        Kind::Reset => (&accounts.recover.link, &accounts.recover.url),
        Kind::Login => (&accounts.passwordless.link, &settings.login.login_url),
        Kind::ChangeEmail => (&accounts.change_email.link, &accounts.change_email.url),
    }
}

/// Makes the link that confirms an address.
pub(crate) fn confirm(app: &App, info: &RequestInfo, uniquifier: &str, email: &str) -> Link {
    let email = taken(app, email);
    make(
        app,
        info,
        Kind::Confirm,
        &[Some(uniquifier), email.as_deref()],
    )
}

/// Makes the link that resets a password. It is bound to the address that it is mailed to.
pub(crate) fn reset(app: &App, info: &RequestInfo, user: &User) -> Link {
    let password = user.password.as_deref().and_then(|hash| taken(app, hash));
    let email = user.email.as_deref().and_then(|email| taken(app, email));
    let parts = [
        Some(user.fs_uniquifier.as_str()),
        password.as_deref(),
        email.as_deref(),
    ];
    make(app, info, Kind::Reset, &parts)
}

/// Makes the link that signs in. It is bound to the address that it is mailed to.
pub(crate) fn login(app: &App, info: &RequestInfo, user: &User) -> Link {
    let email = user.email.as_deref().and_then(|email| taken(app, email));
    let parts = [Some(user.fs_uniquifier.as_str()), email.as_deref()];
    make(app, info, Kind::Login, &parts)
}

/// Makes the link that confirms a new address.
pub(crate) fn change_email(app: &App, info: &RequestInfo, user: &User, new_email: &str) -> Link {
    let old = user.email.as_deref().and_then(|email| taken(app, email));
    let parts = [
        Some(user.fs_uniquifier.as_str()),
        old.as_deref(),
        Some(new_email),
    ];
    make(app, info, Kind::ChangeEmail, &parts)
}

/// How many fingerprints are in a link that resets a password.
pub(crate) const IN_RESET: u32 = 2;

/// Makes fingerprints for nothing, to take as long as a link with as many in it.
pub(crate) fn idle(app: &App, fingerprints: u32) {
    for _ in 0..fingerprints {
        std::hint::black_box(taken(app, "nobody@example.com"));
    }
}

fn taken(app: &App, text: &str) -> Option<String> {
    fingerprint::fingerprint(text, &rng::bytes(app.random()))
}

fn make(app: &App, info: &RequestInfo, kind: Kind, parts: &[Option<&str>]) -> Link {
    let token = app.links().codec(kind).seal(parts, app.unix_now());
    let (_, path) = link_settings(app, kind);
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
    let (settings, _) = link_settings(app, kind);
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
    let (bound, needed) = match kind {
        Kind::Confirm | Kind::ChangeEmail => (token.part(1), true),
        // The reference's are bound to no address.
        Kind::Reset => (token.part(2), false),
        Kind::Login => (token.part(1), false),
    };
    let mut holds = match bound {
        Some(bound) => is_of(bound, user.email.as_deref()).await,
        None => !needed,
    };
    // Ours are bound to the password that they replace, too.
    if let (Kind::Reset, Some(_), Some(password), true) = (kind, bound, token.part(1), holds) {
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
    let (settings, _) = link_settings(app, kind);
    let made_at = time::OffsetDateTime::from_unix_timestamp(token.made_at)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    OneTimeSecret {
        purpose: kind.name(),
        digest: token.digest.clone(),
        // A day more than it counts: the clocks of several servers may differ.
        expires_at: made_at + settings.within + std::time::Duration::from_secs(86_400),
    }
}
