//! The WebAuthn verifier: vectors, each of its checks, attestations, and mutated responses.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

mod attestation;
mod cbor;
mod ceremonies;
mod keys;
mod maker;
mod mutations;
mod support;
mod vectors;
