//! The only source of randomness.

use std::fmt;
use std::sync::Arc;

use vestibule_formats::hex;

/// A source of unpredictable bytes.
pub trait Random: Send + Sync + fmt::Debug + 'static {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

impl<R: Random + ?Sized> Random for Arc<R> {
    fn fill(&self, buffer: &mut [u8]) {
        (**self).fill(buffer);
    }
}

/// The random number generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// If the operating system cannot provide randomness, because nothing that this program does is
    /// safe then.
    #[expect(
        clippy::disallowed_methods,
        reason = "the lint sends all other code here"
    )]
    #[expect(
        clippy::expect_used,
        reason = "without randomness there is nothing safe left to do"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives randomness");
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut buffer = [0; N];
    random.fill(&mut buffer);
    buffer
}

/// `N` random bytes as lower-case hexadecimal digits.
pub fn hex<const N: usize>(random: &dyn Random) -> String {
    hex::encode(&bytes::<N>(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_values_differ() {
        assert_ne!(hex::<16>(&SystemRandom), hex::<16>(&SystemRandom));
    }
}
