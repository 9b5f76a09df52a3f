//! The wire, and nothing about accounts.

pub(crate) mod answers;
pub mod body;
pub mod client_ip;
pub mod cookies;
pub mod cors;
pub mod cross_site;
pub mod csrf;
pub mod facts;
pub mod fault;
pub mod host;
pub(crate) mod navigation;
pub mod query;
pub mod redirect;
pub mod reject;
pub mod reply;
pub(crate) mod shell;
