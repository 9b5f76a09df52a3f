//! Time-based one-time codes (RFC 6238), which are HOTP codes (RFC 4226) of a counter that time
//! provides.
//!
//! An authenticator app and the server share a key. A code that is sent by mail or text message is
//! made with a key that only the server holds, and a longer window gives it time to arrive.

use std::fmt;
use std::num::NonZeroU32;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::base32;

/// The length of a new key in bytes: that of a SHA-1 digest (RFC 4226, section 4).
pub const KEY_BYTES: usize = 20;

/// The lengths of codes that passlib allows.
const LEAST_DIGITS: u8 = 6;
const MOST_DIGITS: u8 = 10;

/// The shared key, which is never empty. Its bytes are wiped when it is dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// A key of these bytes; `None` if there are none. A new key is [`KEY_BYTES`] random bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        Self::from_zeroizing(Zeroizing::new(bytes.to_vec()))
    }

    pub(super) fn from_zeroizing(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// The key as base32, in upper case and without padding, as authenticator apps take it.
    #[must_use]
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(base32::encode(&self.0))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Key {}

/// The hash function of the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// The default, and the only one that every authenticator app supports.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// A one-time code: decimal digits. It is wiped when it is dropped.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// A key with the parameters of its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    key: Key,
    algorithm: Algorithm,
    digits: u8,
    period: NonZeroU32,
}

impl Totp {
    /// The period that new keys have, in seconds.
    pub const PERIOD: NonZeroU32 = NonZeroU32::new(30).expect("not zero");

    /// The number of digits in the codes of new keys.
    pub const DIGITS: u8 = 6;

    /// Codes of six digits that change every 30 seconds, with SHA-1: what the reference issues, and
    /// what authenticator apps take for granted.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self {
            key,
            algorithm: Algorithm::Sha1,
            digits: Self::DIGITS,
            period: Self::PERIOD,
        }
    }

    /// With other parameters; the period is in seconds. `None` unless there are 6 to 10 digits,
    /// which is what passlib allows.
    #[must_use]
    pub fn with(self, algorithm: Algorithm, digits: u8, period: NonZeroU32) -> Option<Self> {
        (LEAST_DIGITS..=MOST_DIGITS)
            .contains(&digits)
            .then_some(Self {
                algorithm,
                digits,
                period,
                ..self
            })
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The hash function.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The number of digits in a code.
    #[must_use]
    pub fn digits(&self) -> u8 {
        self.digits
    }

    /// How long each code is the current one, in seconds.
    #[must_use]
    pub fn period(&self) -> NonZeroU32 {
        self.period
    }

    /// The current code; `at_unix` is in seconds since 1970.
    #[must_use]
    pub fn generate(&self, at_unix: i64) -> Code {
        Code(Zeroizing::new(self.hotp(self.counter(at_unix))))
    }

    /// The counter of a matching code, if there is one in the window, which extends `window_seconds`
    /// before and after `at_unix` (in seconds since 1970).
    ///
    /// A code matches if its period overlaps the window. With the reference's `US_TOKEN_VALIDITY`
    /// of 120 seconds, that is the current code and four on either side; with its
    /// `TWO_FACTOR_MAIL_VALIDITY` of 300 seconds, ten on either side.
    ///
    /// If several codes in the window are equal, the counter is the latest of them. A caller that
    /// stores it and refuses any counter that is not greater refuses every replay, and no code that
    /// was not used.
    ///
    /// White space, hyphens and equals signs in the text are ignored. Which counter matches does
    /// not influence the time taken: it is one HMAC per counter in the window, about a microsecond
    /// each.
    #[must_use]
    pub fn verify(&self, code: &str, at_unix: i64, window_seconds: u32) -> Option<u64> {
        let typed = self.normalise(code)?;
        let window = i64::from(window_seconds);
        let first = self.counter(at_unix.saturating_sub(window));
        let last = self.counter(at_unix.saturating_add(window));
        if at_unix.saturating_add(window) < 0 {
            return None;
        }
        let mut matched = Choice::from(0);
        let mut counter = 0;
        for candidate in first..=last {
            let right = Zeroizing::new(self.hotp(candidate));
            let equal = right.as_bytes().ct_eq(typed.as_bytes());
            counter = u64::conditional_select(&counter, &candidate, equal);
            matched |= equal;
        }
        bool::from(matched).then_some(counter)
    }

    /// The digits of a code as a user types it; `None` if it has other characters or another length.
    /// passlib also ignores white space, hyphens and equals signs.
    #[must_use]
    pub fn normalise(&self, code: &str) -> Option<Zeroizing<String>> {
        let mut digits = Zeroizing::new(String::with_capacity(usize::from(self.digits)));
        for c in code.chars().filter(|c| !is_separator(*c)) {
            if !c.is_ascii_digit() || digits.len() == usize::from(self.digits) {
                return None;
            }
            digits.push(c);
        }
        (digits.len() == usize::from(self.digits)).then_some(digits)
    }

    /// The text of a code that a client sent as a JSON number, which lacks leading zeros.
    #[must_use]
    pub fn code_from_number(&self, number: u64) -> Zeroizing<String> {
        let digits = usize::from(self.digits);
        Zeroizing::new(format!("{number:0digits$}"))
    }

    /// Time before 1970 has no counter; it counts as 1970.
    fn counter(&self, unix: i64) -> u64 {
        u64::try_from(unix).unwrap_or(0) / u64::from(self.period.get())
    }

    /// RFC 4226, section 5.3.
    fn hotp(&self, counter: u64) -> String {
        let value = match self.algorithm {
            Algorithm::Sha1 => truncated(&mac::<Hmac<Sha1>>(self.key.as_bytes(), counter)),
            Algorithm::Sha256 => truncated(&mac::<Hmac<Sha256>>(self.key.as_bytes(), counter)),
            Algorithm::Sha512 => truncated(&mac::<Hmac<Sha512>>(self.key.as_bytes(), counter)),
        };
        let digits = usize::from(self.digits);
        let value = u64::from(value) % 10_u64.pow(u32::from(self.digits));
        format!("{value:0digits$}")
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], counter: u64) -> Zeroizing<Vec<u8>> {
    // HMAC takes keys of every length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        return Zeroizing::default();
    };
    mac.update(&counter.to_be_bytes());
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

/// Dynamic truncation to 31 bits.
fn truncated(digest: &[u8]) -> u32 {
    let offset = usize::from(digest.last().copied().unwrap_or(0) & 0xf);
    let bytes = digest.get(offset..offset + 4).unwrap_or_default();
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
        & 0x7fff_ffff
}

/// Whether a text can be a code of any key: six to ten digits, besides the separators that
/// [`Totp::verify`] ignores.
#[must_use]
pub fn may_be_code(text: &str) -> bool {
    let mut digits = 0_usize;
    for c in text.chars().filter(|c| !is_separator(*c)) {
        digits += 1;
        if !c.is_ascii_digit() || digits > usize::from(MOST_DIGITS) {
            return false;
        }
    }
    digits >= usize::from(LEAST_DIGITS)
}

/// Python's `\s`, the hyphen and the equals sign.
pub(super) fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}' | '-' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totp(key: &[u8], algorithm: Algorithm, digits: u8) -> Totp {
        Totp::new(Key::new(key).unwrap())
            .with(algorithm, digits, Totp::PERIOD)
            .unwrap()
    }

    /// RFC 4226, appendix D.
    #[test]
    fn counters_have_the_codes_of_rfc_4226() {
        let totp = Totp::new(Key::new(b"12345678901234567890").unwrap());
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, code) in (0_u32..).zip(codes) {
            let at = i64::from(counter * 30);
            assert_eq!(totp.generate(at).as_str(), code);
            assert_eq!(totp.generate(at + 29).as_str(), code);
            assert_eq!(totp.verify(code, at, 0), Some(counter.into()));
        }
    }

    /// RFC 6238, appendix B. The keys have the length of the digest.
    #[test]
    fn times_have_the_codes_of_rfc_6238() {
        let digits: Vec<u8> = b"1234567890".iter().copied().cycle().take(64).collect();
        let sha1 = totp(&digits[..20], Algorithm::Sha1, 8);
        let sha256 = totp(&digits[..32], Algorithm::Sha256, 8);
        let sha512 = totp(&digits, Algorithm::Sha512, 8);
        for (at, codes) in [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ] {
            let made = [&sha1, &sha256, &sha512].map(|totp| totp.generate(at));
            assert_eq!(made.each_ref().map(Code::as_str), codes, "{at}");
        }
    }

    /// So that a caller that refuses counters which are not greater than the last one refuses the
    /// replay of a code that occurs twice in a window.
    #[test]
    fn attack_replayed_code_of_two_equal_ones_the_latest_counter_matches() {
        let totp = Totp::new(Key::new(b"12345678901234567890").unwrap());
        let codes: Vec<String> = (0..5000)
            .map(|counter| totp.generate(counter * 30).as_str().to_owned())
            .collect();
        let (first, second) = (0..codes.len())
            .flat_map(|first| (first + 1..codes.len()).map(move |second| (first, second)))
            .find(|(first, second)| codes[*first] == codes[*second])
            .unwrap();
        let middle = i64::try_from((first + second) * 15).unwrap();
        let window = u32::try_from((second - first) * 15 + 30).unwrap();
        let matched = totp.verify(&codes[first], middle, window);
        assert_eq!(matched, Some(u64::try_from(second).unwrap()));
    }

    #[test]
    fn parameters_that_passlib_refuses_are_refused() {
        for digits in [0, 5, 11, 255] {
            let totp = Totp::new(Key::new(b"x").unwrap());
            assert_eq!(totp.with(Algorithm::Sha1, digits, Totp::PERIOD), None);
        }
    }
}
