//! Argon2's input and output around the memory-filling step (RFC 9106, sections 3.2 and 3.3).

use blake2::digest::Output;
use blake2::digest::block_api::{UpdateCore as _, VariableOutputCore as _};
use blake2::digest::block_buffer::LazyBuffer;
use blake2::{Blake2b512, Blake2bVarCore};
use fearless_simd::Level;
use zeroize::{Zeroize as _, Zeroizing};

use super::Argon2Options;
use super::fill::{Block, Plan, WORDS, fill};
use crate::hash::{HashError, Memory};

/// The longest output of `BLAKE2b`.
const BLAKE_BYTES: usize = 64;

/// The versions that are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Version {
    /// 1.0, from before 2016.
    V16 = 0x10,
    /// 1.3, the version in the RFC.
    V19 = 0x13,
}

/// Computes the tag of a secret. The caller has checked the options.
pub(super) fn digest(
    options: &Argon2Options,
    version: Version,
    secret: &[u8],
    salt: &[u8],
    memory: &mut Memory,
) -> Result<Zeroizing<Vec<u8>>, HashError> {
    digest_at(Level::new(), options, version, secret, salt, memory)
}

fn digest_at(
    level: Level,
    options: &Argon2Options,
    version: Version,
    secret: &[u8],
    salt: &[u8],
    memory: &mut Memory,
) -> Result<Zeroizing<Vec<u8>>, HashError> {
    let lanes = options.parallelism as usize;
    let plan = Plan {
        kind: options.kind.number(),
        mixes_passes: version == Version::V19,
        passes: options.time_cost,
        lanes,
        segment: options.memory_cost as usize / (4 * lanes),
    };
    let seed = seed(options, version, secret, salt)?;
    let blocks = memory.blocks(plan.blocks())?;
    for lane in 0..options.parallelism {
        for index in 0..2u32 {
            let place = lane as usize * plan.lane_length() + index as usize;
            load(&mut blocks[place], &*seed, index, lane)?;
        }
    }
    fill(level, blocks, &plan);
    let mut tag = Zeroizing::new(vec![0; options.digest_bytes]);
    let outcome = finish(blocks, &plan, &mut tag);
    memory.wipe();
    outcome.map(|()| tag)
}

/// H0: a hash of everything that the tag depends on.
fn seed(
    options: &Argon2Options,
    version: Version,
    secret: &[u8],
    salt: &[u8],
) -> Result<Zeroizing<[u8; BLAKE_BYTES]>, HashError> {
    let number = |number: u32| number.to_le_bytes();
    let mut seed = Zeroizing::new([0; BLAKE_BYTES]);
    blake(
        &mut *seed,
        &[
            &number(options.parallelism),
            &length(options.digest_bytes)?,
            &number(options.memory_cost),
            &number(options.time_cost),
            &number(version as u32),
            &number(options.kind.number()),
            &length(secret.len())?,
            secret,
            &length(salt.len())?,
            salt,
            // Neither a key nor associated data: no scheme of the reference uses them.
            &number(0),
            &number(0),
        ],
    )?;
    Ok(seed)
}

fn length(length: usize) -> Result<[u8; 4], HashError> {
    u32::try_from(length)
        .map(u32::to_le_bytes)
        .map_err(|_| HashError::Parameters)
}

/// Computes one of the first two blocks of a lane.
fn load(block: &mut Block, seed: &[u8], index: u32, lane: u32) -> Result<(), HashError> {
    let mut bytes = Zeroizing::new([0; WORDS * 8]);
    long_hash(
        &mut *bytes,
        &[seed, &index.to_le_bytes(), &lane.to_le_bytes()],
    )?;
    for (word, bytes) in block.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    Ok(())
}

/// Computes the tag: the XOR of the last blocks of all lanes, hashed.
fn finish(blocks: &[Block], plan: &Plan, tag: &mut [u8]) -> Result<(), HashError> {
    let mut bytes = Zeroizing::new([0; WORDS * 8]);
    for lane in blocks.chunks_exact(plan.lane_length()) {
        let Some(last) = lane.last() else { continue };
        for (sum, word) in bytes.as_chunks_mut().0.iter_mut().zip(last) {
            *sum = (u64::from_le_bytes(*sum) ^ word).to_le_bytes();
        }
    }
    long_hash(tag, &[&*bytes])
}

/// H': `BLAKE2b` for outputs of any length.
fn long_hash(out: &mut [u8], parts: &[&[u8]]) -> Result<(), HashError> {
    let length = length(out.len())?;
    let mut whole = vec![&length[..]];
    whole.extend_from_slice(parts);
    if out.len() <= BLAKE_BYTES {
        return blake(out, &whole);
    }
    let mut link = Zeroizing::new([0; BLAKE_BYTES]);
    blake(&mut *link, &whole)?;
    let mut rest = out;
    // Each link provides its first half, and the last one everything that is still missing.
    loop {
        let (half, tail) = rest.split_at_mut(BLAKE_BYTES / 2);
        half.copy_from_slice(&link[..BLAKE_BYTES / 2]);
        rest = tail;
        if rest.len() <= BLAKE_BYTES {
            return blake(rest, &[&*link]);
        }
        let before = link.clone();
        blake(&mut *link, &[&*before])?;
    }
}

/// `BLAKE2b` with an output of 1 to 64 bytes.
fn blake(out: &mut [u8], parts: &[&[u8]]) -> Result<(), HashError> {
    let mut state = Blake2bVarCore::new(out.len()).map_err(|_| HashError::Parameters)?;
    let mut buffer = LazyBuffer::default();
    for part in parts {
        buffer.digest_blocks(part, |blocks| state.update_blocks(blocks));
    }
    let mut whole = Output::<Blake2b512>::default();
    state.finalize_variable_core(&mut buffer, &mut whole);
    out.copy_from_slice(&whole[..out.len()]);
    whole.as_mut_slice().zeroize();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Argon2Type;
    use proptest::prelude::*;

    /// Every instruction set that this processor supports, down to the most basic.
    fn levels() -> Vec<Level> {
        let best = Level::new();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let lesser = [
            best.as_avx2().map(Level::Avx2),
            best.as_sse4_2().map(Level::Sse4_2),
            best.as_sse2().map(Level::Sse2),
        ];
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        let lesser = [None; 3];
        std::iter::once(best)
            .chain(lesser.into_iter().flatten())
            .collect()
    }

    fn second_opinion(
        options: &Argon2Options,
        version: Version,
        secret: &[u8],
        salt: &[u8],
    ) -> Vec<u8> {
        let algorithm = match options.kind {
            Argon2Type::D => argon2::Algorithm::Argon2d,
            Argon2Type::I => argon2::Algorithm::Argon2i,
            Argon2Type::Id => argon2::Algorithm::Argon2id,
        };
        let version = match version {
            Version::V16 => argon2::Version::V0x10,
            Version::V19 => argon2::Version::V0x13,
        };
        let params = argon2::Params::new(
            options.memory_cost,
            options.time_cost,
            options.parallelism,
            Some(options.digest_bytes),
        )
        .unwrap();
        let mut tag = vec![0; options.digest_bytes];
        argon2::Argon2::new(algorithm, version, params)
            .hash_password_into(secret, salt, &mut tag)
            .unwrap();
        tag
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

        #[test]
        fn tags_equal_those_of_the_argon2_crate(
            kind in prop::sample::select(Argon2Type::ALL.to_vec()),
            version in prop::sample::select(vec![Version::V16, Version::V19]),
            lanes in 1..6u32,
            more in 0..1500u32,
            time_cost in 1..4u32,
            digest_bytes in 4..200usize,
            secret in prop::collection::vec(any::<u8>(), 0..200),
            salt in prop::collection::vec(any::<u8>(), 8..40),
        ) {
            let options = Argon2Options {
                kind,
                memory_cost: lanes * 8 + more,
                time_cost,
                parallelism: lanes,
                digest_bytes,
            };
            let expected = second_opinion(&options, version, &secret, &salt);
            // All share one buffer: its previous content must not matter.
            let mut memory = Memory::default();
            memory.blocks(2000).unwrap().fill([u64::MAX; WORDS]);
            for level in levels() {
                let tag = digest_at(level, &options, version, &secret, &salt, &mut memory).unwrap();
                prop_assert_eq!(&*tag, &expected, "{:?}", level);
            }
            prop_assert!(memory.blocks(2000).unwrap().iter().flatten().all(|word| *word == 0));
        }
    }
}
