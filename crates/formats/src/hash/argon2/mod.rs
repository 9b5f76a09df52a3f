//! Argon2 (RFC 9106) in the PHC string format, with the fields that argon2-cffi writes:
//! `$argon2id$v=19$m=65536,t=3,p=4$salt$digest`.

mod digest;
pub(super) mod fill;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;

use self::digest::{Version, digest};
use super::number::decimal;
use super::{HashError, Memory};

/// The length of libpass's salts.
pub(super) const SALT_BYTES: usize = 16;

const NAME: &str = "argon2";

/// The most memory that a stored hash may ask for, in kibibytes: a gibibyte.
const MEMORY_LIMIT: u32 = 1024 * 1024;

const LANES_LIMIT: u32 = 64;

/// The salt of a stored hash, in bytes. Shorter ones are not safe, and longer ones are not made.
const SALT_RANGE: std::ops::RangeInclusive<usize> = 8..=64;

/// The digest of a stored hash, in bytes.
const DIGEST_RANGE: std::ops::RangeInclusive<usize> = 4..=512;

/// The most block operations (memory times passes) that a stored hash may ask for: sixteen times
/// those of the default parameters.
const WORK_LIMIT: u64 = 65536 * 3 * 16;

/// The types of Argon2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argon2Type {
    /// Argon2d.
    D,
    /// Argon2i.
    I,
    /// Argon2id, the recommended one.
    Id,
}

/// The parameters of new hashes (`argon2__*` in `SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS`). The
/// defaults are libpass's, which are those of RFC 9106's second recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Options {
    /// The type.
    pub kind: Argon2Type,
    /// The memory, in kibibytes.
    pub memory_cost: u32,
    /// The number of passes over the memory.
    pub time_cost: u32,
    /// The number of lanes.
    pub parallelism: u32,
    /// The length of the digest, in bytes.
    pub digest_bytes: usize,
}

impl Argon2Type {
    const ALL: [Self; 3] = [Self::D, Self::I, Self::Id];

    const fn name(self) -> &'static str {
        match self {
            Self::D => "argon2d",
            Self::I => "argon2i",
            Self::Id => "argon2id",
        }
    }

    /// y in RFC 9106.
    const fn number(self) -> u32 {
        match self {
            Self::D => 0,
            Self::I => 1,
            Self::Id => 2,
        }
    }
}

impl Default for Argon2Options {
    fn default() -> Self {
        Self {
            kind: Argon2Type::Id,
            memory_cost: 65536,
            time_cost: 3,
            parallelism: 4,
            digest_bytes: 32,
        }
    }
}

impl Argon2Options {
    /// Checks that hashes can be made with these parameters, and be verified afterwards.
    pub(super) fn check(&self) -> Result<(), HashError> {
        // libpass accepts no shorter digest for new hashes.
        if self.digest_bytes < 16 || !self.are_sound() || self.are_absurd() {
            return Err(HashError::Parameters);
        }
        Ok(())
    }

    fn are_sound(&self) -> bool {
        self.time_cost > 0
            && self.parallelism > 0
            && self.memory_cost / 8 >= self.parallelism
            && DIGEST_RANGE.contains(&self.digest_bytes)
    }

    fn are_absurd(&self) -> bool {
        let work = u64::from(self.memory_cost) * u64::from(self.time_cost);
        self.memory_cost > MEMORY_LIMIT || work > WORK_LIMIT || self.parallelism > LANES_LIMIT
    }
}

/// The parts of a stored hash.
struct Parsed {
    options: Argon2Options,
    version: Version,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

/// Parses `$argon2id$v=19$m=65536,t=3,p=4$salt$digest`, as strictly as the C library does.
fn parse(hash: &str) -> Option<Parsed> {
    let mut parts = hash.strip_prefix('$')?.split('$');
    let name = parts.next()?;
    let kind = *Argon2Type::ALL.iter().find(|kind| kind.name() == name)?;
    let mut next = parts.next()?;
    // The first version did not write its number.
    let mut version = Version::V16;
    if let Some(text) = next.strip_prefix("v=") {
        version = match text {
            "16" => Version::V16,
            "19" => Version::V19,
            _ => return None,
        };
        next = parts.next()?;
    }
    let (salt, tag) = (parts.next()?, parts.next()?);
    let mut costs = next.split(',');
    let mut cost = |name| decimal(costs.next()?.strip_prefix(name)?);
    let (memory_cost, time_cost, parallelism) = (cost("m=")?, cost("t=")?, cost("p=")?);
    if costs.next().is_some() || parts.next().is_some() {
        return None;
    }
    let salt = STANDARD_NO_PAD.decode(salt).ok()?;
    let digest = STANDARD_NO_PAD.decode(tag).ok()?;
    let options = Argon2Options {
        kind,
        memory_cost,
        time_cost,
        parallelism,
        digest_bytes: digest.len(),
    };
    (options.are_sound() && SALT_RANGE.contains(&salt.len())).then_some(Parsed {
        options,
        version,
        salt,
        digest,
    })
}

pub(super) fn verify(secret: &[u8], hash: &str, memory: &mut Memory) -> Result<bool, HashError> {
    let parsed = parse(hash).ok_or(HashError::Malformed(NAME))?;
    if parsed.options.are_absurd() {
        return Err(HashError::Absurd(NAME));
    }
    let tag = digest(
        &parsed.options,
        parsed.version,
        secret,
        &parsed.salt,
        memory,
    )?;
    Ok(tag.ct_eq(&parsed.digest).into())
}

pub(super) fn hash(
    secret: &[u8],
    salt: &[u8; SALT_BYTES],
    options: &Argon2Options,
    memory: &mut Memory,
) -> Result<String, HashError> {
    let tag = digest(options, Version::V19, secret, salt, memory)?;
    Ok(write(options, salt, &tag))
}

fn write(options: &Argon2Options, salt: &[u8], digest: &[u8]) -> String {
    format!(
        "${}$v=19$m={},t={},p={}${}${}",
        options.kind.name(),
        options.memory_cost,
        options.time_cost,
        options.parallelism,
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(digest),
    )
}

/// Decides as libpass does: another type, version, memory, parallelism or digest length needs an
/// upgrade. libpass checks the passes only if they are configured; here, fewer than configured
/// always need an upgrade, and more never do.
pub(super) fn needs_upgrade(hash: &str, options: &Argon2Options) -> bool {
    parse(hash).is_none_or(|parsed| {
        let stored = Argon2Options {
            time_cost: options.time_cost,
            ..parsed.options
        };
        parsed.version != Version::V19
            || parsed.options.time_cost < options.time_cost
            || stored != *options
    })
}

pub(super) fn decoy(options: &Argon2Options) -> String {
    write(options, &[0; SALT_BYTES], &vec![0; options.digest_bytes])
}
