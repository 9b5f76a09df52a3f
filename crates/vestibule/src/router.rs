//! One line for each feature, and the shell around all of them.

use axum::Router;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, get, on};

use crate::app::App;
use crate::features::{login, logout};
use crate::http::shell;

/// The whole of it: the features under the prefix, the health checks beside them.
pub(crate) fn build(app: &App) -> Router {
    let settings = app.settings();
    let mut features = Router::new();
    if settings.login.serves_password_login() {
        features = features.route(&settings.login.login_url, get(login::get).post(login::post));
    }
    if let Some(route) = logout_route(&settings.login.logout_methods) {
        features = features.route(&settings.login.logout_url, route);
    }
    let prefix = settings.http.url_prefix.as_str();
    let nested = if prefix.is_empty() {
        features
    } else {
        Router::new().nest(prefix, features)
    };
    nested
        .route("/healthz", get(shell::healthz))
        .route("/readyz", get(shell::readyz))
        .fallback(shell::not_found)
        .layer(middleware::from_fn_with_state(app.clone(), shell::around))
        .with_state(app.clone())
}

fn logout_route(methods: &[String]) -> Option<MethodRouter<App>> {
    methods
        .iter()
        .filter_map(|method| match method.to_ascii_uppercase().as_str() {
            "POST" => Some(MethodFilter::POST),
            "GET" => Some(MethodFilter::GET),
            _ => None,
        })
        .reduce(MethodFilter::or)
        .map(|filter| on(filter, logout::handle))
}
