//! SHA-crypt (Drepper, 2007): `$5$rounds=535000$salt$digest` with SHA-256, and `$6$` with SHA-512.
//! Hashes with 5000 rounds may omit the number.

use sha_crypt::Params;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::number::decimal;
use super::{HashError, Scheme};

/// The most rounds that a stored hash may ask for, which take some seconds.
const ROUNDS_LIMIT: u32 = 10_000_000;

/// The limit for bytes of the password times rounds: each round hashes the password, so long ones
/// cost more.
const WORK_LIMIT: u64 = 1_000_000_000;

const SALT_CHARS: usize = 16;
const IMPLIED_ROUNDS: u32 = 5000;

const BASE64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The hash functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha512,
}

impl Digest {
    pub(super) const fn scheme(self) -> Scheme {
        match self {
            Self::Sha256 => Scheme::Sha256Crypt,
            Self::Sha512 => Scheme::Sha512Crypt,
        }
    }

    const fn name(self) -> &'static str {
        self.scheme().name()
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Sha256 => "$5$",
            Self::Sha512 => "$6$",
        }
    }

    /// libpass's default.
    pub(super) const fn rounds(self) -> u32 {
        match self {
            Self::Sha256 => 535_000,
            Self::Sha512 => 656_000,
        }
    }

    pub(super) const fn check(self, rounds: u32) -> Result<(), HashError> {
        if rounds < 1000 {
            return Err(HashError::Malformed(self.name()));
        }
        if rounds > ROUNDS_LIMIT {
            return Err(HashError::Absurd(self.name()));
        }
        Ok(())
    }

    /// Splits a hash into rounds, salt and digest.
    fn parse(self, hash: &str) -> Option<(u32, &str, &str)> {
        let rest = hash.strip_prefix(self.prefix())?;
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            Some(rest) => {
                let (rounds, rest) = rest.split_once('$')?;
                (decimal(rounds)?, rest)
            }
            None => (IMPLIED_ROUNDS, rest),
        };
        let (salt, digest) = rest.split_once('$')?;
        (salt.len() <= SALT_CHARS && !digest.contains('$')).then_some((rounds, salt, digest))
    }

    pub(super) fn verify(self, secret: &[u8], hash: &str) -> Result<bool, HashError> {
        let (rounds, salt, expected) = self.parse(hash).ok_or(HashError::Malformed(self.name()))?;
        let digest = self.digest(secret, salt.as_bytes(), rounds)?;
        Ok(digest.as_bytes().ct_eq(expected.as_bytes()).into())
    }

    pub(super) fn needs_upgrade(self, hash: &str, rounds: u32) -> bool {
        self.parse(hash).is_none_or(|(stored, ..)| stored < rounds)
    }

    pub(super) fn hash(
        self,
        secret: &[u8],
        salt: &[u8; SALT_CHARS],
        rounds: u32,
    ) -> Result<String, HashError> {
        let salt: String = salt.iter().map(|byte| letter(u32::from(*byte))).collect();
        let digest = self.digest(secret, salt.as_bytes(), rounds)?;
        Ok(self.write(rounds, &salt, &digest))
    }

    pub(super) fn decoy(self, rounds: u32) -> String {
        self.write(rounds, &".".repeat(SALT_CHARS), ".")
    }

    fn write(self, rounds: u32, salt: &str, digest: &str) -> String {
        let prefix = self.prefix();
        if rounds == IMPLIED_ROUNDS {
            format!("{prefix}{salt}${digest}")
        } else {
            format!("{prefix}rounds={rounds}${salt}${digest}")
        }
    }

    fn digest(
        self,
        secret: &[u8],
        salt: &[u8],
        rounds: u32,
    ) -> Result<Zeroizing<String>, HashError> {
        self.check(rounds)?;
        // C implementations stop at a zero byte, which would hide the rest of the password.
        if secret.contains(&0) {
            return Err(HashError::Password);
        }
        if u64::from(rounds).saturating_mul(secret.len() as u64) > WORK_LIMIT {
            return Err(HashError::Absurd(self.name()));
        }
        let params = Params::new(rounds).map_err(|_| HashError::Malformed(self.name()))?;
        Ok(Zeroizing::new(match self {
            // The order of the output: each group has one byte from each third of the digest, and
            // begins one third earlier (SHA-256) or later (SHA-512) than the group before it.
            Self::Sha256 => encode(
                &*Zeroizing::new(sha_crypt::sha256_crypt(secret, salt, params)),
                2,
            ),
            Self::Sha512 => encode(
                &*Zeroizing::new(sha_crypt::sha512_crypt(secret, salt, params)),
                1,
            ),
        }))
    }
}

fn letter(six_bits: u32) -> char {
    char::from(BASE64[(six_bits & 0x3f) as usize])
}

/// Encodes groups of three bytes, one from each third. Each group begins `turn` thirds after the
/// place where the group before it began.
fn encode(bytes: &[u8], turn: usize) -> String {
    let third = bytes.len() / 3;
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 1);
    let mut write = |[high, middle, low]: [u8; 3], letters: usize| {
        let mut word = u32::from_be_bytes([0, high, middle, low]);
        for _ in 0..letters {
            text.push(letter(word));
            word >>= 6;
        }
    };
    for index in 0..third {
        let mut group = [index, index + third, index + 2 * third].map(|place| bytes[place]);
        group.rotate_left(index * turn % 3);
        write(group, 4);
    }
    match bytes[third * 3..] {
        [low, middle] => write([0, middle, low], 3),
        [low] => write([0, 0, low], 2),
        _ => {}
    }
    text
}
