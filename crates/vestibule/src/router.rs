//! One line for each feature, and the shell around all of them.

use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, get, on, post};

use http::{HeaderValue, Method};

use crate::app::App;
use crate::features::{authz, login, logout, tokens, verify};
use crate::http::shell;

/// The whole of it: the features under the prefix, the health checks beside them.
pub(crate) fn build(app: &App) -> Router {
    let settings = app.settings();
    let mut features = Router::new();
    if settings.login.serves_password_login() {
        features = features.route(
            &settings.login.login_url,
            endpoint("HEAD, GET, POST", get(login::get).post(login::post)),
        );
    }
    if let Some(route) = logout_route(&settings.login.logout_methods) {
        features = features.route(&settings.login.logout_url, route);
    }
    features = features
        .route(
            &settings.login.verify_url,
            endpoint("HEAD, GET, POST", get(verify::get).post(verify::post)),
        )
        .route("/authz", endpoint("HEAD, GET", get(authz::get)));
    if settings.refresh.enabled {
        features = features.route(&settings.refresh.url, endpoint("POST", post(tokens::post)));
    }
    let prefix = settings.http.url_prefix.as_str();
    let nested = if prefix.is_empty() {
        features
    } else {
        Router::new().nest(prefix, features)
    };
    nested
        .route("/healthz", endpoint("HEAD, GET", get(shell::healthz)))
        .route("/readyz", endpoint("HEAD, GET", get(shell::readyz)))
        .fallback(shell::not_found)
        .layer(middleware::from_fn_with_state(app.clone(), shell::around))
        .with_state(app.clone())
}

fn logout_route(methods: &[String]) -> Option<MethodRouter<App>> {
    let has = |name: &str| {
        methods
            .iter()
            .any(|method| method.eq_ignore_ascii_case(name))
    };
    let (filter, allow) = match (has("GET"), has("POST")) {
        (true, true) => (MethodFilter::GET.or(MethodFilter::POST), "HEAD, GET, POST"),
        (true, false) => (MethodFilter::GET, "HEAD, GET"),
        (false, true) => (MethodFilter::POST, "POST"),
        (false, false) => return None,
    };
    Some(endpoint(allow, on(filter, logout::handle)))
}

/// A route that tells the methods it takes to whoever tries another.
fn endpoint(allow: &str, methods: MethodRouter<App>) -> MethodRouter<App> {
    let allow = HeaderValue::try_from(format!("{allow}, OPTIONS"))
        .unwrap_or_else(|_| HeaderValue::from_static("OPTIONS"));
    methods.fallback(async move |State(app): State<App>, method: Method| {
        shell::other_method(&app, &method, &allow)
    })
}
