//! A flow: the way of a browser to a provider and back.
//!
//! A flow belongs to the browser that began it, to one provider and to one purpose, and flows that
//! prove or link something for a signed-in user belong to that user. The session holds them,
//! encrypted, because a client can read its session and the PKCE verifier is a secret.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;
use vestibule_formats::hex;
use vestibule_store::{OneTimeSecret, User};

use crate::app::App;
use crate::rng;
use crate::secrets::derived;
use crate::session::context::SessionContext;
use crate::session::keys;

/// How many flows one browser can have begun. A new one replaces the oldest.
const MOST: usize = 4;

/// How long a flow may take.
const WITHIN: Duration = Duration::from_secs(600);

/// How much longer the ledger remembers a flow, since the clocks of several servers may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(86_400);

/// The longest `next`, in bytes: a session cookie holds several.
const LONGEST_NEXT: usize = 256;

/// The bytes that the state, the nonce and the verifier are derived from.
const SEED: usize = 32;

/// The character between two flows in the session. Base64 does not contain it.
const SEPARATOR: char = '.';

/// The purpose of the key that encrypts flows.
pub(crate) const KEY_PURPOSE: &str = "vestibule oauth flow";

/// What a flow is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// Signing in.
    #[serde(rename = "s")]
    SignIn,
    /// Proving one's identity again.
    #[serde(rename = "v")]
    Verify,
    /// Linking an identity to the account.
    #[serde(rename = "l")]
    Link,
}

/// A flow. The names of its members in the session are short, since cookies are.
#[derive(Serialize, Deserialize)]
pub(crate) struct Flow {
    #[serde(rename = "s")]
    seed: String,
    /// The name of the provider.
    #[serde(rename = "p")]
    provider: String,
    /// What it is for.
    #[serde(rename = "w")]
    purpose: Purpose,
    /// The `fs_uniquifier` of the user that it is for, unless it signs in.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// When it began, in seconds since 1970.
    #[serde(rename = "t")]
    began_at: i64,
    /// Where the app continues. It is an allowed target.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow")
            .field("provider", &self.provider)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// What a flow sends to the provider, and what comes back.
pub(crate) struct FlowSecrets {
    /// The value that finds the flow when the browser returns.
    pub(crate) state: String,
    /// The value that binds an ID token to the flow.
    pub(crate) nonce: String,
    /// The PKCE code verifier (RFC 7636, section 4.1).
    pub(crate) verifier: String,
}

impl Flow {
    /// Begins a flow, and writes it into the session. `user` is the signed-in user that the flow is
    /// for.
    pub(crate) fn begin(
        app: &App,
        session: &mut SessionContext,
        provider: &str,
        purpose: Purpose,
        user: Option<&User>,
        next: Option<&str>,
    ) -> Self {
        let next = next.filter(|next| next.len() <= LONGEST_NEXT);
        let flow = Self {
            seed: URL_SAFE_NO_PAD.encode(rng::bytes::<SEED>(app.random())),
            provider: provider.to_owned(),
            purpose,
            user: user.map(|user| user.fs_uniquifier.clone()),
            began_at: app.unix_now(),
            next: next.map(str::to_owned),
        };
        let mut flows = sealed(session);
        flows.extend(flow.seal(app));
        let oldest = flows.len().saturating_sub(MOST);
        write(session, &flows[oldest..]);
        flow
    }

    /// Takes the flow with this state out of the session, if it is for this provider and one of
    /// these purposes and has not expired. Any other flow stays as it is.
    pub(crate) fn take(
        app: &App,
        session: &mut SessionContext,
        state: &str,
        provider: &str,
        purposes: &[Purpose],
    ) -> Option<Self> {
        let mut found = None;
        let mut kept = Vec::new();
        for sealed in sealed(session) {
            match Self::open(app, &sealed) {
                Some(flow) if !flow.is_alive(app.unix_now()) => {}
                Some(flow)
                    if flow.has_state(state)
                        && flow.provider == provider
                        && purposes.contains(&flow.purpose) =>
                {
                    found = Some(flow);
                }
                Some(_) => kept.push(sealed),
                None => {}
            }
        }
        write(session, &kept);
        found
    }

    /// What the flow is for.
    pub(crate) fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Where the app continues, if the app said so.
    pub(crate) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Whether the flow is for this signed-in user.
    pub(crate) fn is_for(&self, user: &User) -> bool {
        self.user.as_deref() == Some(user.fs_uniquifier.as_str())
    }

    /// The values that the flow shares with the provider.
    pub(crate) fn secrets(&self) -> FlowSecrets {
        let derive = |purpose: &[u8]| {
            let bytes = derived::mac(self.seed.as_bytes(), purpose);
            URL_SAFE_NO_PAD.encode(bytes)
        };
        FlowSecrets {
            state: derive(b"state"),
            nonce: derive(b"nonce"),
            verifier: derive(b"verifier"),
        }
    }

    /// The entry in the ledger that ends the flow.
    pub(crate) fn consume(&self) -> OneTimeSecret {
        let began_at = OffsetDateTime::from_unix_timestamp(self.began_at)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        OneTimeSecret {
            purpose: "oauth",
            digest: hex::encode(&derived::mac(self.seed.as_bytes(), b"ledger")),
            expires_at: began_at + WITHIN + CLOCK_SKEW,
        }
    }

    fn has_state(&self, state: &str) -> bool {
        let own = self.secrets().state;
        bool::from(own.as_bytes().ct_eq(state.as_bytes()))
    }

    /// Whether the flow has not expired. A flow may begin slightly in the future, on a server whose
    /// clock is ahead.
    fn is_alive(&self, now: i64) -> bool {
        now.abs_diff(self.began_at) <= WITHIN.as_secs()
    }

    fn seal(&self, app: &App) -> Option<String> {
        let plain = serde_json::to_vec(self).ok()?;
        app.flow_sealer().seal(&plain, app.random())
    }

    fn open(app: &App, sealed: &str) -> Option<Self> {
        let plain = app.flow_sealer().open(sealed)?;
        serde_json::from_slice(&plain).ok()
    }
}

/// The flows in the session, encrypted, the oldest first.
fn sealed(session: &mut SessionContext) -> Vec<String> {
    let stored = session.data_mut().get_str(keys::OAUTH_FLOWS);
    let stored = stored.unwrap_or_default();
    let flows = stored.split(SEPARATOR).filter(|flow| !flow.is_empty());
    flows.map(str::to_owned).collect()
}

/// Replaces the flows in the session. A session that does not change is not sent again.
fn write(session: &mut SessionContext, flows: &[String]) {
    if sealed(session) == flows {
        return;
    }
    let data = session.data_mut();
    if flows.is_empty() {
        data.remove(keys::OAUTH_FLOWS);
    } else {
        data.set_str(keys::OAUTH_FLOWS, &flows.join(&SEPARATOR.to_string()));
    }
}
