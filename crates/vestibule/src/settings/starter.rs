//! The configuration that `serve` starts with when there is none.

/// The SPA configuration with modern safe settings, as a file to be edited.
pub const STARTER: &str = include_str!("starter.toml");
