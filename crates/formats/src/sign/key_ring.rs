//! The secrets that signing keys are derived from.

use std::fmt;

use zeroize::Zeroizing;

/// The current secret and the older ones that are still accepted.
///
/// The current one signs; all of them are accepted. (itsdangerous signs with the last secret of a
/// list. The reference lists the current one first for link tokens, and last for sessions. Either
/// way, each side accepts what the other signs.)
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<Zeroizing<String>>,
}

impl KeyRing {
    /// A key ring of the current secret and the older ones that are still accepted.
    pub fn new<'a>(current: &'a str, fallbacks: impl IntoIterator<Item = &'a str>) -> Self {
        let keys = std::iter::once(current)
            .chain(fallbacks)
            .map(|key| Zeroizing::new(key.to_owned()))
            .collect();
        Self { keys }
    }

    /// The secrets, the current one first.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.as_str())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.keys.len())
            .finish()
    }
}
