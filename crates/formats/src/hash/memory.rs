//! The buffer that argon2 fills, 64 MiB at the usual parameters. Who hashes often keeps
//! one: asking the operating system for the pages each time costs a third of the hash.

use std::fmt;

use memmap2::MmapMut;

use super::HashError;
use super::argon2::fill::{Block, wipe};

/// A buffer larger than this many bytes is given back after each hash: one odd row in the
/// database should not keep the memory of every hashing thread.
const KEEP_BYTES: usize = 256 * 1024 * 1024;

/// A buffer for hashing, empty until it is used.
#[derive(Default)]
pub struct Memory(Option<MmapMut>);

impl Memory {
    /// Whether it holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Gives the memory back.
    pub fn release(&mut self) {
        self.0 = None;
    }

    /// So many blocks of a kibibyte, with anything in them.
    pub(super) fn blocks(&mut self, count: usize) -> Result<&mut [Block], HashError> {
        let bytes = count
            .checked_mul(size_of::<Block>())
            .ok_or(HashError::NoMemory)?;
        if self.0.as_ref().is_none_or(|pages| pages.len() < bytes) {
            // The old pages go first, so that there are never two buffers.
            self.0 = None;
            self.0 = Some(pages(bytes)?);
        }
        self.0
            .as_mut()
            .and_then(|pages| pages.get_mut(..bytes))
            .and_then(|bytes| bytemuck::try_cast_slice_mut(bytes).ok())
            .ok_or(HashError::NoMemory)
    }

    /// Overwrites what the last hash left. With a single pass the first block of each lane is
    /// a fast hash of the password, and a leak of it would undo all the work; overwriting
    /// everything costs a hundredth of the hash.
    pub(super) fn wipe(&mut self) {
        if let Some(pages) = &mut self.0 {
            wipe(bytemuck::try_cast_slice_mut(pages).unwrap_or_default());
        }
        if self
            .0
            .as_ref()
            .is_some_and(|pages| pages.len() > KEEP_BYTES)
        {
            self.release();
        }
    }
}

/// Memory straight from the operating system, in large pages where it has them: argon2 jumps
/// about in it, and each jump to a small page costs a look-up of its own.
fn pages(bytes: usize) -> Result<MmapMut, HashError> {
    let pages = MmapMut::map_anon(bytes).map_err(|_| HashError::NoMemory)?;
    #[cfg(target_os = "linux")]
    // Only advice: without large pages it works all the same.
    let _ = pages.advise(memmap2::Advice::HugePage);
    Ok(pages)
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("bytes", &self.0.as_ref().map_or(0, |pages| pages.len()))
            .finish()
    }
}
