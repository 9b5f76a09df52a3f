//! The client against a fake provider on loopback.

mod attack_servers;
mod attack_tokens;
mod documents;
mod fake;
mod flows;
mod keys;
