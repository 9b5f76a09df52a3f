//! The parameter in the path of an endpoint.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::app::App;

/// The only parameter in the path. Invalid UTF-8 becomes an empty text, which names nothing.
#[derive(Debug)]
pub(crate) struct Segment(pub(crate) String);

impl FromRequestParts<App> for Segment {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        Ok(Self(path.map(|Path(text)| text).unwrap_or_default()))
    }
}
