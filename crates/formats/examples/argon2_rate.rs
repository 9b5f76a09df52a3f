//! Measures how many passwords a processor can verify per second, with the reference's parameters:
//!
//! ```sh
//! cargo run --release -p vestibule-formats --example argon2_rate [HASHES]
//! ```
//!
//! It measures CPU time, which stays meaningful on a busy machine. The library that
//! `docs/decisions/argon2.md` compares with is measured in the same rounds.

#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use vestibule_formats::hash::{
    Argon2Options, HashError, Hasher, HasherOptions, Memory, SingleHash,
};

/// As long as the output of the double hash.
const PASSWORD: &str =
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567";
const SALT: &[u8; Hasher::SALT_BYTES] = b"0123456789abcdef";

fn main() -> Result<(), Box<dyn Error>> {
    let rounds: u32 = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 20,
    };
    let options = Argon2Options::default();
    let hasher = Hasher::new(&HasherOptions {
        salt: None,
        single_hash: SingleHash::Always,
        argon2: options,
    })?;
    let params = Params::new(
        options.memory_cost,
        options.time_cost,
        options.parallelism,
        None,
    )
    .map_err(|error| error.to_string())?;
    let library = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut blocks = vec![Block::default(); library.params().block_count()];
    let mut memory = Memory::default();
    let mut spent = [Duration::ZERO; 4];
    for round in 0..=rounds {
        let turns: [&mut dyn FnMut() -> Result<(), Box<dyn Error>>; 4] = [
            &mut || hashed(hasher.hash(PASSWORD, SALT, &mut memory)),
            &mut || hashed(hasher.hash(PASSWORD, SALT, &mut Memory::default())),
            &mut || {
                let (mut tag, into) = ([0; 32], &mut blocks[..]);
                library
                    .hash_password_into_with_memory(PASSWORD.as_bytes(), SALT, &mut tag, into)
                    .map_err(|error| error.to_string().into())
            },
            &mut || {
                library
                    .hash_password_into(PASSWORD.as_bytes(), SALT, &mut [0; 32])
                    .map_err(|error| error.to_string().into())
            },
        ];
        for (turn, spent) in turns.into_iter().zip(&mut spent) {
            let before = cpu_time()?;
            turn()?;
            // The first round only faults the memory in.
            if round > 0 {
                *spent += cpu_time()? - before;
            }
        }
    }
    let names = [
        "ours, one buffer for all",
        "ours, a buffer each",
        "argon2 crate, one buffer for all",
        "argon2 crate, a buffer each",
    ];
    for (name, spent) in names.into_iter().zip(spent) {
        let each = spent / rounds.max(1);
        println!(
            "{name:34} {:6.1} ms of CPU each, {:5.1} in a CPU second",
            each.as_secs_f64() * 1e3,
            1.0 / each.as_secs_f64()
        );
    }
    Ok(())
}

fn hashed(outcome: Result<String, HashError>) -> Result<(), Box<dyn Error>> {
    outcome?;
    Ok(())
}

/// The CPU time that this process has used.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}
