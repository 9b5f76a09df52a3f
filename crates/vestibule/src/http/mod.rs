//! The wire, and nothing about accounts.

pub(crate) mod answers;
pub mod body;
pub mod body_flaw;
pub mod cookies;
pub mod cors;
pub mod csrf;
pub mod facts;
pub mod fault;
pub mod query;
pub mod redirect;
pub mod reject;
pub mod reply;
pub(crate) mod shell;
pub mod trust;
