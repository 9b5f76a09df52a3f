//! Serving HTTP.

mod connections;
pub mod listen;
mod open_files;
mod shutdown;
mod stream;

pub use connections::Limits;
pub use shutdown::Signals;
