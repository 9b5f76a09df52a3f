//! bcrypt (Provos and Mazières, USENIX 1999): `$2b$12$`, followed by 22 characters of salt and 31
//! of digest in its own base64.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use blowfish::Blowfish;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::HashError;

pub(super) const ROUNDS: u32 = 12;

const NAME: &str = "bcrypt";
const SALT_BYTES: usize = 16;
const SALT_CHARS: usize = 22;
/// The last of the 24 bytes is not stored.
const DIGEST_BYTES: usize = 23;
/// Bytes of a key beyond these have no effect.
const KEY_BYTES: usize = 72;
/// The binary logarithm of the most rounds that a stored hash may ask for, which take some seconds.
const ROUNDS_LIMIT: u32 = 16;

/// Some programs left stray bits in the last character of a salt. libpass ignores them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

struct Parsed {
    rounds: u32,
    salt: [u8; SALT_BYTES],
    digest: [u8; DIGEST_BYTES],
}

fn parse(hash: &str) -> Option<Parsed> {
    // 2a, 2b and 2y name the same algorithm. 2x marks hashes of a broken implementation, which
    // libpass does not verify. 2 is a version from before 1999, which is no longer in use.
    let rest = ["$2b$", "$2a$", "$2y$"]
        .iter()
        .find_map(|prefix| hash.strip_prefix(prefix))?;
    let (rounds, rest) = rest.split_once('$')?;
    if rounds.len() != 2 || !rounds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (salt, digest) = rest.split_at_checked(SALT_CHARS)?;
    Some(Parsed {
        rounds: rounds.parse().ok()?,
        salt: BASE64.decode(salt).ok()?.try_into().ok()?,
        digest: BASE64.decode(digest).ok()?.try_into().ok()?,
    })
}

pub(super) fn verify(secret: &[u8], hash: &str) -> Result<bool, HashError> {
    let parsed = parse(hash).ok_or(HashError::Malformed(NAME))?;
    let digest = digest(secret, &parsed.salt, parsed.rounds)?;
    Ok(digest.ct_eq(&parsed.digest).into())
}

pub(super) fn hash(
    secret: &[u8],
    salt: &[u8; SALT_BYTES],
    rounds: u32,
) -> Result<String, HashError> {
    Ok(write(rounds, salt, &*digest(secret, salt, rounds)?))
}

pub(super) fn decoy(rounds: u32) -> String {
    write(rounds, &[0; SALT_BYTES], &[0; DIGEST_BYTES])
}

fn write(rounds: u32, salt: &[u8], digest: &[u8; DIGEST_BYTES]) -> String {
    format!(
        "$2b${rounds:02}${}{}",
        BASE64.encode(salt),
        BASE64.encode(digest)
    )
}

pub(super) fn needs_upgrade(hash: &str, rounds: u32) -> bool {
    parse(hash).is_none_or(|parsed| parsed.rounds < rounds)
}

pub(super) const fn check(rounds: u32) -> Result<(), HashError> {
    if rounds < 4 {
        return Err(HashError::Malformed(NAME));
    }
    if rounds > ROUNDS_LIMIT {
        return Err(HashError::Absurd(NAME));
    }
    Ok(())
}

fn digest(
    secret: &[u8],
    salt: &[u8; SALT_BYTES],
    rounds: u32,
) -> Result<Zeroizing<[u8; DIGEST_BYTES]>, HashError> {
    check(rounds)?;
    // C implementations stop at a zero byte, which would hide the rest of the password.
    if secret.contains(&0) {
        return Err(HashError::Password);
    }
    // The reference truncates keys in the same way. Its double hash has 88 characters, so it is
    // always truncated.
    let mut key = Zeroizing::new(secret[..secret.len().min(KEY_BYTES)].to_vec());
    if key.len() < KEY_BYTES {
        key.push(0);
    }
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1_u32 << rounds {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let mut words = Zeroizing::new(*b"OrpheanBeholderScryDoubt");
    for pair in words.as_chunks_mut::<8>().0 {
        let number = u64::from_be_bytes(*pair);
        let mut halves = [(number >> 32) as u32, (number & 0xffff_ffff) as u32];
        for _ in 0..64 {
            halves = state.bc_encrypt(halves);
        }
        let number = u64::from(halves[0]) << 32 | u64::from(halves[1]);
        *pair = number.to_be_bytes();
    }
    let mut digest = Zeroizing::new([0; DIGEST_BYTES]);
    digest.copy_from_slice(&words[..DIGEST_BYTES]);
    Ok(digest)
}
