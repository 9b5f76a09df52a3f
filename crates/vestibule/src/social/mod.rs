//! Social sign-in, as far as several features share it: the flows that a browser has begun (`flow`),
//! beginning one (`start`), and the redirects back to the app (`redirect`).

pub(crate) mod flow;
pub(crate) mod redirect;
pub(crate) mod start;
