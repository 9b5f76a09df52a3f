//! The configuration: its sources, its validation, and the page that documents it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod advice;
mod combinations;
mod cors;
mod effect;
mod mail;
mod page;
mod refusals;
mod sms;
mod sources;
mod support;
