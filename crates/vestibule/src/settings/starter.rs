//! The configuration that `serve` starts with if none exists.

/// The configuration for single-page apps with modern, safe settings, as a file to edit.
pub const STARTER: &str = include_str!("starter.toml");
