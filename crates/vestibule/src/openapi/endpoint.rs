//! An endpoint: a path, and for each method the handler and its description.

use axum::extract::State;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter};
use axum::{Extension, Router};
use http::{HeaderValue, Method};

use super::operation::Operation;
use crate::app::App;
use crate::http::middleware;
use crate::http::request_info::RequestInfo;
use crate::settings::endpoints;

/// Every endpoint of a router.
#[derive(Debug)]
pub(crate) struct Table {
    /// The endpoints of the features, under the prefix.
    pub(crate) under_prefix: Vec<Endpoint>,
    /// The other endpoints, at the root.
    pub(crate) beside: Vec<Endpoint>,
}

/// Describes a method under the settings in force.
pub(crate) type Describe = fn(&App) -> Operation;

/// An endpoint. There is no way to give it a handler without a description.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    path: String,
    routes: MethodRouter<App>,
    operations: Vec<(Method, Describe)>,
    open_to_others: bool,
}

impl Endpoint {
    /// An endpoint at a path, without methods.
    pub(crate) fn at(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            routes: MethodRouter::new(),
            operations: Vec::new(),
            open_to_others: false,
        }
    }

    /// Adds a handler for `GET`. It also answers `HEAD`, without a body.
    pub(crate) fn get<H, T>(self, handler: H, describe: Describe) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.on(MethodFilter::GET, Method::GET, handler, describe)
    }

    /// Adds a handler for `POST`.
    pub(crate) fn post<H, T>(self, handler: H, describe: Describe) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.on(MethodFilter::POST, Method::POST, handler, describe)
    }

    /// Adds a handler for `DELETE`.
    #[cfg(feature = "oauth")]
    pub(crate) fn delete<H, T>(self, handler: H, describe: Describe) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.on(MethodFilter::DELETE, Method::DELETE, handler, describe)
    }

    /// Accepts requests that another site makes the browser send, whatever their method.
    #[cfg(feature = "oauth")]
    pub(crate) fn open_to_other_sites(self) -> Self {
        Self {
            open_to_others: true,
            ..self
        }
    }

    /// Whether requests of other sites are accepted.
    pub(crate) fn accepts_other_sites(&self) -> bool {
        self.open_to_others
    }

    fn on<H, T>(
        mut self,
        filter: MethodFilter,
        method: Method,
        handler: H,
        describe: Describe,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.routes = self.routes.on(filter, handler);
        self.operations.push((method, describe));
        self
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The same endpoint under a prefix.
    pub(crate) fn under(self, prefix: &str) -> Self {
        Self {
            path: endpoints::under_prefix(prefix, &self.path),
            ..self
        }
    }

    /// What it does.
    pub(super) fn operations(&self) -> &[(Method, Describe)] {
        &self.operations
    }

    /// Adds it to a router. The reply to any other method lists the supported ones.
    pub(crate) fn add_to(self, router: Router<App>) -> Router<App> {
        let mut allow = String::new();
        for (method, _) in &self.operations {
            if method == Method::GET {
                allow.push_str("HEAD, ");
            }
            allow.push_str(method.as_str());
            allow.push_str(", ");
        }
        let allow = HeaderValue::try_from(format!("{allow}OPTIONS"))
            .unwrap_or_else(|_| HeaderValue::from_static("OPTIONS"));
        let other = async move |State(app): State<App>,
                                Extension(info): Extension<RequestInfo>,
                                method: Method| {
            middleware::other_method(&app, &info, &method, &allow)
        };
        router.route(&self.path, self.routes.fallback(other))
    }
}
