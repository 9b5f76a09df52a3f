//! Keys as passlib serialises them: JSON (`{"enckey":{..},"type":"totp","v":1}`) or an `otpauth://`
//! URI. This module parses; [`super::wallet`] decrypts.

use std::num::NonZeroU32;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::base32;
use super::code::{Algorithm, Key, Totp, is_separator};

/// The longest text that is parsed, in bytes. The reference's column holds 255 characters.
const LIMIT: usize = 4096;

/// A parsed key, still encrypted if it was.
pub(super) struct Stored {
    pub(super) key: StoredKey,
    algorithm: Algorithm,
    digits: u8,
    period: NonZeroU32,
}

pub(super) enum StoredKey {
    Plain(Key),
    Encrypted(EncryptedKey),
}

/// passlib's encrypted key: the cost is the logarithm of the PBKDF2 rounds to base 2.
#[derive(Deserialize)]
pub(super) struct EncryptedKey {
    v: u8,
    #[serde(rename = "t")]
    pub(super) tag: String,
    #[serde(rename = "c")]
    pub(super) cost: u32,
    s: String,
    k: String,
}

impl EncryptedKey {
    pub(super) fn salt(&self) -> Option<Zeroizing<Vec<u8>>> {
        base32::decode(&self.s)
    }

    pub(super) fn ciphertext(&self) -> Option<Zeroizing<Vec<u8>>> {
        base32::decode(&self.k)
    }
}

/// As passlib, we refuse members with other names. Those without a use here are known to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    #[serde(rename = "type")]
    kind: String,
    v: u8,
    key: Option<String>,
    enckey: Option<EncryptedKey>,
    alg: Option<String>,
    digits: Option<u8>,
    period: Option<NonZeroU32>,
    label: Option<String>,
    issuer: Option<String>,
    #[serde(rename = "last_counter")]
    _last_counter: Option<IgnoredAny>,
    #[serde(rename = "changed")]
    _changed: Option<IgnoredAny>,
}

impl Stored {
    /// Parses what passlib's `from_source` accepts. That does not include a bare base32 key.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LIMIT {
            return None;
        }
        match text.strip_prefix("otpauth://") {
            Some(rest) => Self::from_uri(rest),
            None => Self::from_json(text),
        }
    }

    pub(super) fn totp(&self, key: Key) -> Option<Totp> {
        Totp::new(key).with(self.algorithm, self.digits, self.period)
    }

    fn new(
        key: StoredKey,
        algorithm: Option<&str>,
        digits: Option<u8>,
        period: Option<NonZeroU32>,
    ) -> Option<Self> {
        Some(Self {
            key,
            algorithm: algorithm.map_or(Some(Algorithm::default()), parse_algorithm)?,
            digits: digits.unwrap_or(Totp::DIGITS),
            period: period.unwrap_or(Totp::PERIOD),
        })
    }

    fn from_json(text: &str) -> Option<Self> {
        let json: Json = serde_json::from_str(text).ok()?;
        let plain = json.key.map(Zeroizing::new);
        let named = |name: Option<&String>| name.is_none_or(|name| !name.contains(':'));
        if json.kind != "totp"
            || json.v != 1
            || !named(json.label.as_ref())
            || !named(json.issuer.as_ref())
        {
            return None;
        }
        let key = match (plain, json.enckey) {
            (Some(plain), None) => StoredKey::Plain(typed_key(&plain)?),
            (None, Some(encrypted)) if encrypted.v == 1 => StoredKey::Encrypted(encrypted),
            _ => return None,
        };
        Self::new(key, json.alg.as_deref(), json.digits, json.period)
    }

    /// `otpauth://totp/issuer:label?secret=..&issuer=..`, without the scheme.
    fn from_uri(rest: &str) -> Option<Self> {
        let rest = rest.trim_end();
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (path, query) = rest.split_once('?')?;
        let label = percent_decode_str(path.strip_prefix("totp/")?).decode_utf8_lossy();
        let (prefix, label) = match label.split_once(':') {
            Some((prefix, label)) => (Some(prefix), label),
            None => (None, &*label),
        };
        if label.contains(':') || label.trim().is_empty() {
            return None;
        }
        let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            // Python drops empty values.
            if value.is_empty() {
                continue;
            }
            if name == "label" || fields.iter().any(|(other, _)| *other == name) {
                return None;
            }
            fields.push((name.into_owned(), Zeroizing::new(value.into_owned())));
        }
        let field = |name: &str| {
            let found = fields.iter().find(|(other, _)| other == name)?;
            Some(found.1.as_str())
        };
        let issuer = field("issuer");
        let prefix = prefix.filter(|prefix| !prefix.is_empty());
        if issuer.is_some_and(|issuer| {
            issuer.contains(':') || prefix.is_some_and(|prefix| prefix != issuer)
        }) {
            return None;
        }
        let key = StoredKey::Plain(typed_key(field("secret")?)?);
        let digits = field("digits").map(|text| text.trim().parse().ok());
        let period = field("period").map(|text| text.trim().parse().ok());
        Self::new(
            key,
            field("algorithm"),
            digits.map_or(Some(None), |digits| digits.map(Some))?,
            period.map_or(Some(None), |period| period.map(Some))?,
        )
    }
}

/// A key in base32, with the separators that make it easier to read.
fn typed_key(text: &str) -> Option<Key> {
    let digits: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !is_separator(*c)).collect());
    Key::from_zeroizing(base32::decode(&digits)?)
}

/// The names that hashes go by: `sha1`, `SHA-256`, `sha_512`.
fn parse_algorithm(name: &str) -> Option<Algorithm> {
    let name: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match name.as_str() {
        "sha1" => Some(Algorithm::Sha1),
        "sha256" => Some(Algorithm::Sha256),
        "sha512" => Some(Algorithm::Sha512),
        _ => None,
    }
}
