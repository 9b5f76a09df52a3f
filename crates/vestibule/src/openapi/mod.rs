//! Features describe their endpoints with [`Endpoint`], and each method with [`Operation`]. The
//! OpenAPI document is written from these descriptions (`write`).

mod answer;
mod endpoint;
mod members;
mod operation;
mod refusals;
mod schema;
mod shared;
mod write;

pub(crate) use self::answer::Answer;
pub(crate) use self::endpoint::{Endpoint, Table};
pub(crate) use self::members::{
    EMAIL_ERRORS, NEW_PASSWORD_ERRORS, USERNAME_ERRORS, email, password, username,
};
pub(crate) use self::operation::{Body, Operation, Tag};
pub(crate) use self::schema::Schema;
#[cfg(feature = "oauth")]
pub(crate) use self::shared::provider_name;
pub(crate) use self::shared::{
    Carries, csrf_token, include_auth_token, link_token, next, next_member, refresh_cookie,
    second_factor_errors, signed_in, user, ways_to_verify,
};
pub(crate) use self::write::document;
