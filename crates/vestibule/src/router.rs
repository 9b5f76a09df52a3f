//! The features, and the shell around all of them.

use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, get, on, post};

use http::{HeaderValue, Method};

use crate::app::App;
use crate::features::{authz, login, logout, tokens, verify};
use crate::http::shell;

/// The whole of it, for the program: the features under the prefix, the health checks beside
/// them.
pub(crate) fn standalone(app: &App) -> Router {
    let prefix = app.settings().http.url_prefix.as_str();
    let nested = if prefix.is_empty() {
        features(app)
    } else {
        Router::new().nest(prefix, features(app))
    };
    in_shell(
        nested
            .route("/healthz", endpoint("HEAD, GET", get(shell::healthz)))
            .route("/readyz", endpoint("HEAD, GET", get(shell::readyz))),
        app,
    )
}

/// The features alone, for an application that nests them where it wants them.
pub(crate) fn nested(app: &App) -> Router {
    in_shell(features(app), app)
}

fn in_shell(router: Router<App>, app: &App) -> Router {
    router
        .fallback(shell::not_found)
        .layer(middleware::from_fn_with_state(app.clone(), shell::around))
        .with_state(app.clone())
}

/// One line for each feature.
fn features(app: &App) -> Router<App> {
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
    features
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
