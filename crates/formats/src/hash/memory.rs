//! The buffer that argon2 fills, 64 MiB at the usual parameters. Who hashes often keeps
//! one: asking the operating system for the pages each time costs a third of the hash.

use std::fmt;

use argon2::Block;

/// A buffer for hashing, empty until it is used.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the memory back.
    pub fn release(&mut self) {
        self.0 = Vec::new();
    }

    /// At least so many blocks of a kibibyte.
    pub(super) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            // Not resized: the old blocks need not be copied.
            self.0 = Vec::new();
            self.0 = vec![Block::default(); count];
        }
        &mut self.0[..count]
    }

    /// Wipes what the last hash left where it can be told from: the last column is what the
    /// result was made of. The rest depends on the password through the whole of the
    /// function; wiping all of it would cost a tenth of a hash, and it is overwritten by the
    /// next one or given back.
    pub(super) fn wipe(&mut self) {
        for block in &mut self.0 {
            *block = Block::default();
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("kibibytes", &self.0.len())
            .finish()
    }
}
