//! HTTP without any knowledge of accounts.

pub(crate) mod body;
pub(crate) mod body_flaw;
pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod fault;
pub(crate) mod middleware;
pub(crate) mod query;
pub(crate) mod redirect;
pub(crate) mod reject;
pub(crate) mod reply;
pub(crate) mod request_id;
pub(crate) mod request_info;
pub(crate) mod requirement;
pub(crate) mod segment;
pub(crate) mod trust;
