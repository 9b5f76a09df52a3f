//! HTTP without any knowledge of accounts.

pub mod body;
pub mod body_flaw;
pub mod cookies;
pub mod cors;
pub mod fault;
pub(crate) mod middleware;
pub mod query;
pub mod redirect;
pub mod reject;
pub mod reply;
pub(crate) mod request_id;
pub mod request_info;
pub(crate) mod requirement;
pub mod trust;
