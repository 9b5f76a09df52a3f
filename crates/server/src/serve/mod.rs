//! Serving HTTP.

pub mod listen;
mod shutdown;

pub use shutdown::Signals;
