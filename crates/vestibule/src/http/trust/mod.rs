//! What the headers, addresses and cookies of a request may decide.
//!
//! `Host`, `X-Forwarded-*`, `Origin`, `Referer`, `Sec-Fetch-*` and the headers of a WebSocket
//! handshake are read here and nowhere else, so that every feature trusts the same values. The
//! table of inputs and decisions is in `docs/decisions/trust.md`.

pub(crate) mod cross_site;
pub(crate) mod forward_auth;
mod forwarded;
mod host;
pub(crate) mod local;
pub(crate) mod navigation;
pub(crate) mod origin;

pub use forwarded::Peer;
pub(crate) use forwarded::locate;
pub(crate) use host::sent_host;
