//! Argon2 (RFC 9106) in the PHC string format, with the fields that argon2-cffi writes:
//! `$argon2id$v=19$m=65536,t=3,p=4$salt$digest`.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::{HashError, Memory};

/// libpass makes salts of this length.
pub(super) const SALT_BYTES: usize = 16;

const NAME: &str = "argon2";

/// The most memory that a stored hash may ask for, in kibibytes: a gibibyte.
const MEMORY_LIMIT: u32 = 1024 * 1024;

/// The most block operations that a stored hash may ask for: memory times passes, sixteen
/// times what the usual parameters take.
const WORK_LIMIT: u64 = 65536 * 3 * 16;

/// The types of argon2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argon2Type {
    /// Argon2d.
    D,
    /// Argon2i.
    I,
    /// Argon2id, the one to use.
    Id,
}

/// The parameters for new hashes (`argon2__*` in
/// `SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS`). The defaults are libpass's, which are those
/// of RFC 9106's second recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Options {
    /// The type.
    pub kind: Argon2Type,
    /// In kibibytes.
    pub memory_cost: u32,
    /// Passes over the memory.
    pub time_cost: u32,
    /// Lanes.
    pub parallelism: u32,
    /// The length of the digest in bytes.
    pub digest_bytes: usize,
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
    pub(super) fn check(&self) -> Result<(), HashError> {
        self.instance().map(drop)
    }

    fn instance(&self) -> Result<(Argon2<'static>, usize), HashError> {
        let params = Params::new(
            self.memory_cost,
            self.time_cost,
            self.parallelism,
            Some(self.digest_bytes),
        )
        .map_err(|_| HashError::Parameters)?;
        let blocks = params.block_count();
        let algorithm = match self.kind {
            Argon2Type::D => Algorithm::Argon2d,
            Argon2Type::I => Algorithm::Argon2i,
            Argon2Type::Id => Algorithm::Argon2id,
        };
        Ok((Argon2::new(algorithm, Version::V0x13, params), blocks))
    }
}

/// The parts of a stored hash.
struct Parsed {
    options: Argon2Options,
    version: Version,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

fn parse(hash: &str) -> Option<Parsed> {
    let mut parts = hash.strip_prefix('$')?.split('$');
    let kind = match parts.next()? {
        "argon2id" => Argon2Type::Id,
        "argon2i" => Argon2Type::I,
        "argon2d" => Argon2Type::D,
        _ => return None,
    };
    let mut next = parts.next()?;
    let mut version = Version::V0x10;
    if let Some(text) = next.strip_prefix("v=") {
        version = match text {
            "19" => Version::V0x13,
            "16" => Version::V0x10,
            _ => return None,
        };
        next = parts.next()?;
    }
    let (mut memory_cost, mut time_cost, mut parallelism) = (None, None, None);
    for pair in next.split(',') {
        let (name, value) = pair.split_once('=')?;
        let slot = match name {
            "m" => &mut memory_cost,
            "t" => &mut time_cost,
            "p" => &mut parallelism,
            _ => return None,
        };
        if slot.replace(value.parse::<u32>().ok()?).is_some() {
            return None;
        }
    }
    let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let digest = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    if parts.next().is_some() || digest.len() < 4 || digest.len() > 512 || salt.len() < 8 {
        return None;
    }
    let options = Argon2Options {
        kind,
        memory_cost: memory_cost?,
        time_cost: time_cost?,
        parallelism: parallelism?,
        digest_bytes: digest.len(),
    };
    Some(Parsed {
        options,
        version,
        salt,
        digest,
    })
}

pub(super) fn verify(secret: &[u8], hash: &str, memory: &mut Memory) -> Result<bool, HashError> {
    let parsed = parse(hash).ok_or(HashError::Malformed(NAME))?;
    let options = &parsed.options;
    let work = u64::from(options.memory_cost) * u64::from(options.time_cost);
    if options.memory_cost > MEMORY_LIMIT || work > WORK_LIMIT || options.parallelism > 64 {
        return Err(HashError::Absurd(NAME));
    }
    let (argon2, blocks) = options.instance().map_err(|_| HashError::Malformed(NAME))?;
    let argon2 = if parsed.version == Version::V0x13 {
        argon2
    } else {
        Argon2::new(
            algorithm_of(options.kind),
            parsed.version,
            argon2.params().clone(),
        )
    };
    let digest = run(
        &argon2,
        blocks,
        secret,
        &parsed.salt,
        parsed.digest.len(),
        memory,
    )
    .ok_or(HashError::Malformed(NAME))?;
    Ok(digest.ct_eq(&parsed.digest).into())
}

fn algorithm_of(kind: Argon2Type) -> Algorithm {
    match kind {
        Argon2Type::D => Algorithm::Argon2d,
        Argon2Type::I => Algorithm::Argon2i,
        Argon2Type::Id => Algorithm::Argon2id,
    }
}

pub(super) fn hash(
    secret: &[u8],
    salt: &[u8; SALT_BYTES],
    options: &Argon2Options,
    memory: &mut Memory,
) -> Result<String, HashError> {
    let (argon2, blocks) = options.instance()?;
    let digest = run(&argon2, blocks, secret, salt, options.digest_bytes, memory)
        .ok_or(HashError::Parameters)?;
    Ok(write(options, salt, &digest))
}

fn run(
    argon2: &Argon2<'_>,
    blocks: usize,
    secret: &[u8],
    salt: &[u8],
    length: usize,
    memory: &mut Memory,
) -> Option<Vec<u8>> {
    let mut digest = vec![0; length];
    let outcome =
        argon2.hash_password_into_with_memory(secret, salt, &mut digest, memory.blocks(blocks));
    memory.wipe();
    outcome.ok().map(|()| digest)
}

fn write(options: &Argon2Options, salt: &[u8], digest: &[u8]) -> String {
    let kind = match options.kind {
        Argon2Type::D => "argon2d",
        Argon2Type::I => "argon2i",
        Argon2Type::Id => "argon2id",
    };
    format!(
        "${kind}$v=19$m={},t={},p={}${}${}",
        options.memory_cost,
        options.time_cost,
        options.parallelism,
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(digest),
    )
}

/// As libpass judges it: another type, version, memory, time, digest or salt length, but not
/// another parallelism alone when it is higher.
pub(super) fn needs_upgrade(hash: &str, options: &Argon2Options) -> bool {
    parse(hash).is_none_or(|parsed| {
        parsed.version != Version::V0x13
            || parsed.options != *options
            || parsed.salt.len() != SALT_BYTES
    })
}

pub(super) fn decoy(options: &Argon2Options) -> String {
    write(options, &[0; SALT_BYTES], &vec![0; options.digest_bytes])
}
