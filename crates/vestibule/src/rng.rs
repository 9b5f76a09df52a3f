//! The only door to chance.

use std::fmt;

/// A source of unpredictable bytes.
pub trait Random: Send + Sync + fmt::Debug + 'static {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// The random number generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// When the operating system has no randomness to give: nothing that this
    /// program does is safe then.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the door that the lint points to"
    )]
    #[expect(
        clippy::expect_used,
        reason = "without randomness there is nothing safe left to do"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives randomness");
    }
}

/// `N` fresh bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut buffer = [0; N];
    random.fill(&mut buffer);
    buffer
}

/// `N` fresh bytes as lower-case hexadecimal digits.
pub fn hex<const N: usize>(random: &dyn Random) -> String {
    to_hex(&bytes::<N>(random))
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_lower_case_and_padded() {
        assert_eq!(to_hex(&[0, 15, 0xab]), "000fab");
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(hex::<16>(&SystemRandom), hex::<16>(&SystemRandom));
    }
}
