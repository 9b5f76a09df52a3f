//! The check for breached passwords, against a list on a server that never learns the password.
//!
//! The server (Have I Been Pwned, or a copy of its list) is queried for all hashes that begin with
//! the first five of the forty digits of the password's SHA-1; the rest is compared here. Padding
//! hides the number of results, which the length of the response would reveal.

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use crate::http::fault::Fault;
use crate::messages::Message;
use crate::outbound::{Limits, Outbound, OutboundError};
use crate::settings::{BreachedSettings, HttpOrigin};

/// A client is waiting for the lookup. Usual responses have about 40 KiB.
const LIMITS: Limits = Limits {
    patience: Duration::from_secs(5),
    answer_bytes: 512 * 1024,
    at_a_time: 16,
};

/// How many digits of the hash are sent.
const TOLD: usize = 5;

/// The list of breached passwords.
pub(super) struct Breached {
    strict: bool,
    count: u64,
    origin: HttpOrigin,
    outbound: Outbound,
}

/// Why a lookup failed. Contains nothing of what was looked up.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("its response is not a list")]
    NoList,
}

impl std::fmt::Debug for Breached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breached")
            .field("strict", &self.strict)
            .field("count", &self.count)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Breached {
    pub(super) fn new(settings: &BreachedSettings) -> Result<Self, Fault> {
        Ok(Self {
            strict: settings.strict,
            count: settings.count,
            origin: settings.origin.clone(),
            outbound: Outbound::new(LIMITS)?,
        })
    }

    /// The message that refuses the password, if any.
    pub(super) async fn verdict(&self, password: &str) -> Option<Message> {
        match self.finds(password).await {
            Ok(finds) => (finds >= self.count).then_some(Message::PasswordBreached),
            Err(error) => {
                tracing::warn!(
                    %error,
                    host = self.origin.host,
                    strict = self.strict,
                    "the list of leaked passwords cannot be queried"
                );
                self.strict.then_some(Message::PasswordBreachedSiteError)
            }
        }
    }

    /// How often the password is on the list.
    async fn finds(&self, password: &str) -> Result<u64, Failure> {
        let hash = hex(&Sha1::digest(password.as_bytes()));
        let (told, kept) = hash.split_at(TOLD);
        let list = self.list(told).await?;
        find(&list, kept)
    }

    /// The part of the list that begins with these digits.
    async fn list(&self, told: &str) -> Result<Bytes, OutboundError> {
        let path = format!("/range/{told}");
        let padding = (HeaderName::from_static("add-padding"), "true");
        self.outbound.get(&self.origin, &path, &[padding]).await
    }
}

/// How often the rest of a hash is on the list. A page that is not a list, such as a captive
/// portal's, is an error, not an absence of finds.
fn find(list: &[u8], kept: &str) -> Result<u64, Failure> {
    let text = std::str::from_utf8(list).map_err(|_| Failure::NoList)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut finds = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (rest, count) = line.split_once(':').ok_or(Failure::NoList)?;
        let is_rest = rest.len() == kept.len() && rest.bytes().all(|b| b.is_ascii_hexdigit());
        let count: u64 = count.trim().parse().map_err(|_| Failure::NoList)?;
        if !is_rest {
            return Err(Failure::NoList);
        }
        if rest.eq_ignore_ascii_case(kept) {
            finds = count;
        }
    }
    Ok(finds)
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let text = digits.map(|digit| char::from(DIGITS[usize::from(digit)]));
    Zeroizing::new(text.collect())
}
