//! The buffer that Argon2 fills: 64 MiB with the default parameters. A caller that hashes often
//! keeps one, because requesting the pages from the operating system each time costs a third of the
//! hash.

use std::fmt;

use memmap2::MmapMut;

use super::HashError;
use super::argon2::fill::{Block, wipe};

/// A buffer larger than this many bytes is released after each hash, so that one unusual row in the
/// database does not keep memory allocated in every hashing thread.
const KEEP_BYTES: usize = 256 * 1024 * 1024;

/// A buffer for hashing, empty until its first use.
#[derive(Default)]
pub struct Memory(Option<MmapMut>);

impl Memory {
    /// Whether no memory is allocated.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the memory to the operating system.
    pub fn release(&mut self) {
        self.0 = None;
    }

    /// A slice of this many blocks of a kibibyte, with arbitrary content.
    pub(super) fn blocks(&mut self, count: usize) -> Result<&mut [Block], HashError> {
        let bytes = count
            .checked_mul(size_of::<Block>())
            .ok_or(HashError::NoMemory)?;
        if self.0.as_ref().is_none_or(|pages| pages.len() < bytes) {
            // Release the old pages first, so that two buffers never exist at once.
            self.0 = None;
            self.0 = Some(pages(bytes)?);
        }
        self.0
            .as_mut()
            .and_then(|pages| pages.get_mut(..bytes))
            .and_then(|bytes| bytemuck::try_cast_slice_mut(bytes).ok())
            .ok_or(HashError::NoMemory)
    }

    /// Overwrites the remains of the last hash. With a single pass, the first block of each lane is
    /// a fast hash of the password, and leaking it would undo all the work. Overwriting everything
    /// costs a hundredth of the hash.
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

/// Memory directly from the operating system, in large pages if it has them: Argon2 accesses it at
/// random, and each access to another small page costs an address look-up.
fn pages(bytes: usize) -> Result<MmapMut, HashError> {
    let pages = MmapMut::map_anon(bytes).map_err(|_| HashError::NoMemory)?;
    #[cfg(target_os = "linux")]
    // Only advice: it also works without large pages.
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
