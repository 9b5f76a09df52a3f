//! The two servers, an HTTP client that exposes whole responses, and the comparison.

pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod cookies;
pub(crate) mod database;
pub(crate) mod duo;
pub(crate) mod factors;
pub(crate) mod folder;
pub(crate) mod hostile;
#[path = "../../support/http.rs"]
pub(crate) mod http;
#[path = "../../support/jar.rs"]
pub(crate) mod jar;
pub(crate) mod known;
pub(crate) mod masks;
pub(crate) mod pair;
pub(crate) mod passkeys;
pub(crate) mod peer;
#[path = "../../support/post.rs"]
#[expect(dead_code, reason = "shared with the tests on every database")]
pub(crate) mod post;
pub(crate) mod providers;
pub(crate) mod python;
pub(crate) mod requests;
pub(crate) mod shim;
pub(crate) mod sms;
pub(crate) mod unified;
pub(crate) mod users;
