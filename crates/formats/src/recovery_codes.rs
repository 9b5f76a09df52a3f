//! The column `mf_recovery_codes`: one-time codes for a user who lost the second factor, in one text
//! with commas between them.
//!
//! With `MULTI_FACTOR_RECOVERY_CODES_KEYS`, the reference encrypts each code with
//! [Fernet](crate::fernet), otherwise the codes are in plain text.

use std::fmt;

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::fernet::FernetRing;
use crate::hex;

/// How many random bytes make a code.
pub const CODE_BYTES: usize = 6;

/// A new code of random bytes: three groups of four lower-case hexadecimal digits, with hyphens.
#[must_use]
pub fn code(random: [u8; CODE_BYTES]) -> Zeroizing<String> {
    let digits = Zeroizing::new(hex::encode(&random));
    let mut code = Zeroizing::new(String::with_capacity(14));
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(digit);
    }
    code
}

/// The column for new codes. With keys, each code is encrypted with a random initialisation vector
/// from `ivs`, and `now` (in seconds since 1970) is the time from which the time to live counts.
#[must_use]
pub fn seal<'a>(
    codes: impl IntoIterator<Item = &'a str>,
    keys: Option<&FernetRing>,
    mut ivs: impl FnMut() -> [u8; 16],
    now: i64,
) -> Zeroizing<String> {
    let mut column = Zeroizing::new(String::new());
    for code in codes {
        if !column.is_empty() {
            column.push(',');
        }
        match keys {
            Some(keys) => column.push_str(&keys.seal(code.as_bytes(), &ivs(), now)),
            None => column.push_str(code),
        }
    }
    column
}

/// The codes of a user.
#[derive(Clone)]
pub struct RecoveryCodes(Vec<Entry>);

#[derive(Clone)]
struct Entry {
    stored: Zeroizing<String>,
    /// `None` if the code is encrypted and cannot be decrypted, or is too old.
    code: Option<Zeroizing<String>>,
}

impl RecoveryCodes {
    /// Reads the column; null and an empty text are no codes.
    ///
    /// With keys, a code that they did not encrypt is not valid, nor is one that was encrypted more
    /// than `ttl` seconds before `now` (in seconds since 1970). It stays in the column, as with the
    /// reference. Without keys there is no time to live.
    #[must_use]
    pub fn open(
        column: Option<&str>,
        keys: Option<&FernetRing>,
        ttl: Option<u64>,
        now: i64,
    ) -> Self {
        let column = column.filter(|column| !column.is_empty());
        let entries = column.into_iter().flat_map(|column| column.split(','));
        let entries = entries.map(|stored| {
            let stored = Zeroizing::new(stored.to_owned());
            let code = match keys {
                None => Some(stored.clone()),
                Some(keys) => keys
                    .open(&stored, now, ttl)
                    .and_then(|code| Some(Zeroizing::new(str::from_utf8(&code).ok()?.to_owned()))),
            };
            Entry { stored, code }
        });
        Self(entries.collect())
    }

    /// The valid codes, as they are shown to the user.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter_map(|entry| entry.code.as_ref().map(|code| code.as_str()))
    }

    /// Whether the column holds nothing, not even an invalid code. The reference offers the sign-in
    /// with a recovery code unless this is so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The index of a code, to be removed with [`remove`](Self::remove).
    ///
    /// White space, hyphens and the case of letters are ignored, which the reference does not do.
    /// How much of a code matches, and which one, does not influence the time taken.
    #[must_use]
    pub fn find(&self, typed: &str) -> Option<usize> {
        let typed = normalise(typed);
        if typed.is_empty() {
            return None;
        }
        let mut found = Choice::from(0);
        let mut index = 0;
        for (at, entry) in (0_u64..).zip(&self.0) {
            let code = entry.code.as_ref().map(|code| normalise(code));
            let equal = code.unwrap_or_default().as_bytes().ct_eq(typed.as_bytes());
            // The first of equal codes counts.
            index = u64::conditional_select(&index, &at, equal & !found);
            found |= equal;
        }
        bool::from(found).then(|| usize::try_from(index).ok())?
    }

    /// Removes the code at an index; `false` if there is none. The others stay as they are stored.
    pub fn remove(&mut self, index: usize) -> bool {
        let exists = index < self.0.len();
        if exists {
            self.0.remove(index);
        }
        exists
    }

    /// The column for the codes that are left. It is empty, but not null, if none is.
    #[must_use]
    pub fn to_column(&self) -> Zeroizing<String> {
        let stored: Vec<&str> = self.0.iter().map(|entry| entry.stored.as_str()).collect();
        Zeroizing::new(stored.join(","))
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCodes")
            .field("stored", &self.0.len())
            .finish()
    }
}

fn normalise(code: &str) -> Zeroizing<String> {
    Zeroizing::new(
        code.chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_lowercase())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_three_groups_of_hexadecimal_digits() {
        assert_eq!(
            *code([0xab, 0xcd, 0x01, 0x23, 0xef, 0x45]),
            "abcd-0123-ef45"
        );
        assert_eq!(*code([0; 6]), "0000-0000-0000");
    }
}
