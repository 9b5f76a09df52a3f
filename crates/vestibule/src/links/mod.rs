//! The links in mails: their kinds (`kind`), their tokens (`token`), the mails that carry them
//! (`mail`), and the requests that use them (`step`).

mod kind;
mod mail;
pub(crate) mod step;
mod token;

pub(crate) use kind::Kind;
pub(crate) use mail::LinkMail;
pub(crate) use token::{
    FINGERPRINTS_IN_RESET, Link, Links, Opened, change_email, confirm, consume, endpoint, login,
    open, pad_fingerprints, public_host, reset,
};
