//! The HTTP server: the listener, its connections, and the shutdown.

mod connections;
pub mod listen;
mod open_files;
mod shutdown;
mod stream;

pub use connections::Limits;
pub use shutdown::Signals;
