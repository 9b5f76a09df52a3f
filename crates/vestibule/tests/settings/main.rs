//! The configuration: what is read, what is refused, and the page that lists it.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod advice;
mod combinations;
mod cors;
mod mail;
mod page;
mod refusals;
mod sources;
mod support;
