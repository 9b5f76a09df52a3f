//! scrypt (RFC 7914) in passlib's format: `$scrypt$ln=16,r=8,p=1$salt$digest`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use scrypt::Params;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::HashError;
use super::number::decimal;

/// libpass's default cost, the binary logarithm of N.
pub(super) const ROUNDS: u32 = 16;

const NAME: &str = "scrypt";
const SALT_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;
const LONGEST_DIGEST: usize = 64;
const BLOCK_SIZE: u32 = 8;
const PARALLELISM: u32 = 1;

/// The most memory that a stored hash may ask for, in bytes.
const MEMORY_LIMIT: u64 = 1 << 30;

/// The most work that a stored hash may ask for: sixteen times libpass's default.
const WORK_LIMIT: u64 = (1 << 16) * 8 * 16;

/// The binary logarithm of N, and r and p.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    rounds: u32,
    block_size: u32,
    parallelism: u32,
}

struct Parsed {
    cost: Cost,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

fn parse(hash: &str) -> Option<Parsed> {
    let mut parts = hash.strip_prefix("$scrypt$")?.split('$');
    let mut costs = parts.next()?.split(',');
    let mut cost = |name| decimal(costs.next()?.strip_prefix(name)?);
    let cost = Cost {
        rounds: cost("ln=")?,
        block_size: cost("r=")?,
        parallelism: cost("p=")?,
    };
    let mut bytes = || STANDARD_NO_PAD.decode(parts.next()?).ok();
    let (salt, digest) = (bytes()?, bytes()?);
    (costs.next().is_none() && parts.next().is_none() && digest.len() == DIGEST_BYTES)
        .then_some(Parsed { cost, salt, digest })
}

pub(super) fn verify(secret: &[u8], hash: &str) -> Result<bool, HashError> {
    let parsed = parse(hash).ok_or(HashError::Malformed(NAME))?;
    let digest = digest(secret, &parsed.salt, parsed.cost)?;
    Ok(digest.ct_eq(&parsed.digest).into())
}

/// Compares with a digest of any length that the caller decoded.
pub(super) fn matches(
    secret: &[u8],
    salt: &[u8],
    cost: Cost,
    expected: &[u8],
) -> Result<bool, HashError> {
    let params = cost.params()?;
    if !(DIGEST_BYTES..=LONGEST_DIGEST).contains(&expected.len()) {
        return Err(HashError::Malformed(NAME));
    }
    let mut digest = Zeroizing::new(vec![0; expected.len()]);
    scrypt::scrypt(secret, salt, &params, &mut digest).map_err(|_| HashError::Malformed(NAME))?;
    Ok(digest.ct_eq(expected).into())
}

pub(super) fn hash(
    secret: &[u8],
    salt: &[u8; SALT_BYTES],
    rounds: u32,
) -> Result<String, HashError> {
    Ok(write(rounds, salt, &*digest(secret, salt, usual(rounds))?))
}

pub(super) fn decoy(rounds: u32) -> String {
    write(rounds, &[0; SALT_BYTES], &[0; DIGEST_BYTES])
}

fn write(rounds: u32, salt: &[u8], digest: &[u8; DIGEST_BYTES]) -> String {
    format!(
        "$scrypt$ln={rounds},r={BLOCK_SIZE},p={PARALLELISM}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(digest),
    )
}

pub(super) fn needs_upgrade(hash: &str, rounds: u32) -> bool {
    parse(hash).is_none_or(|Parsed { cost, .. }| cost.rounds < rounds || usual(cost.rounds) != cost)
}

pub(super) fn check(rounds: u32) -> Result<(), HashError> {
    usual(rounds).params().map(drop)
}

const fn usual(rounds: u32) -> Cost {
    Cost {
        rounds,
        block_size: BLOCK_SIZE,
        parallelism: PARALLELISM,
    }
}

impl Cost {
    pub(super) const fn new(rounds: u32, block_size: u32, parallelism: u32) -> Self {
        Self {
            rounds,
            block_size,
            parallelism,
        }
    }

    fn params(self) -> Result<Params, HashError> {
        let Self {
            rounds,
            block_size,
            parallelism,
        } = self;
        if !(1..=31).contains(&rounds) || block_size == 0 || parallelism == 0 {
            return Err(HashError::Malformed(NAME));
        }
        let blocks = u64::from(block_size) << rounds;
        let work = blocks.saturating_mul(u64::from(parallelism));
        if blocks.saturating_mul(128) > MEMORY_LIMIT || work > WORK_LIMIT {
            return Err(HashError::Absurd(NAME));
        }
        let rounds = u8::try_from(rounds).map_err(|_| HashError::Malformed(NAME))?;
        Params::new(rounds, block_size, parallelism).map_err(|_| HashError::Malformed(NAME))
    }
}

fn digest(
    secret: &[u8],
    salt: &[u8],
    cost: Cost,
) -> Result<Zeroizing<[u8; DIGEST_BYTES]>, HashError> {
    let params = cost.params()?;
    let mut digest = Zeroizing::new([0; DIGEST_BYTES]);
    scrypt::scrypt(secret, salt, &params, &mut *digest).map_err(|_| HashError::Malformed(NAME))?;
    Ok(digest)
}
