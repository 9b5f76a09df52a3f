//! The features, and the middleware around all of them.
//!
//! A [`Table`] of endpoints is the only source of a router, and of the OpenAPI document.

use axum::Router;

use crate::app::App;
use crate::features::api;
use crate::features::{
    authz, change_email, change_password, change_username, confirm, dev_mailbox, health, login,
    logout, passwordless, recover, recover_username, recovery_codes, register, tokens, two_factor,
    unified, verify, webauthn,
};
#[cfg(feature = "oauth")]
use crate::features::{identities, oauth};
use crate::http::middleware::{self, Around};
use crate::openapi::{Endpoint, Table};

/// The router of the program: the features under the prefix, the health checks and the dev mailbox
/// beside them.
pub(crate) fn standalone(app: &App) -> Router {
    let prefix = app.settings().http.url_prefix.as_str();
    // Not by `nest`, which would take the prefix off the URI of each request and parse the rest.
    let under_prefix = whole(app).under_prefix.into_iter();
    let under_prefix = under_prefix.map(|endpoint| endpoint.under(prefix));
    let beside = dev_mailbox::endpoints(app.settings());
    let endpoints = under_prefix.chain(beside).collect();
    with_middleware(endpoints, app).merge(probes(app))
}

/// The health checks, which reply whatever the `Host` header.
fn probes(app: &App) -> Router {
    routes(health::endpoints())
        .route_layer(Around::probes(app))
        .with_state(app.clone())
}

/// The features alone, for an application that nests them under a path of its choice.
pub(crate) fn nested(app: &App) -> Router {
    with_middleware(features_alone(app).under_prefix, app)
}

/// The dev mailbox alone, to be merged into an application's own router. It has no fallback, so
/// that the application replies to unknown paths.
pub(crate) fn dev_mailbox(app: &App) -> Router {
    let around = Around::accounts(app);
    dev_mailbox::endpoints(app.settings())
        .into_iter()
        .fold(Router::new(), |router, endpoint| {
            endpoint.add_to(router).route_layer(around.clone())
        })
        .with_state(app.clone())
}

/// The path of the dev mailbox with its key, if the mailbox is served.
pub(crate) fn dev_mailbox_path(app: &App) -> Option<String> {
    dev_mailbox::path_with_key(app)
}

/// The endpoints that [`standalone`] serves.
pub(crate) fn whole(app: &App) -> Table {
    Table {
        under_prefix: features(app, whole),
        beside: [health::endpoints(), dev_mailbox::endpoints(app.settings())].concat(),
    }
}

/// The endpoints that [`nested`] serves.
fn features_alone(app: &App) -> Table {
    Table {
        under_prefix: features(app, features_alone),
        beside: Vec::new(),
    }
}

/// The endpoints of every feature. `table` returns those that `/openapi.json` describes.
fn features(app: &App, table: fn(&App) -> Table) -> Vec<Endpoint> {
    let settings = app.settings();
    [
        register::endpoints(settings),
        confirm::endpoints(settings),
        login::endpoints(settings),
        passwordless::endpoints(settings),
        logout::endpoints(settings),
        verify::endpoints(settings),
        change_password::endpoints(settings),
        change_email::endpoints(settings),
        change_username::endpoints(settings),
        recover::endpoints(settings),
        recover_username::endpoints(settings),
        unified::endpoints(settings),
        two_factor::endpoints(settings),
        webauthn::endpoints(settings),
        recovery_codes::endpoints(settings),
        #[cfg(feature = "oauth")]
        oauth::endpoints(settings),
        #[cfg(feature = "oauth")]
        identities::endpoints(settings),
        tokens::endpoints(settings),
        authz::endpoints(),
        api::endpoints(table),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn routes(endpoints: Vec<Endpoint>) -> Router<App> {
    endpoints
        .into_iter()
        .fold(Router::new(), |router, endpoint| endpoint.add_to(router))
}

fn with_middleware(endpoints: Vec<Endpoint>, app: &App) -> Router {
    let (from_other_sites, others): (Vec<_>, Vec<_>) = endpoints
        .into_iter()
        .partition(Endpoint::accepts_other_sites);
    let router = routes(others)
        .fallback(middleware::not_found)
        .layer(Around::accounts(app));
    // A layer around no route would be an error.
    let router = if from_other_sites.is_empty() {
        router
    } else {
        router.merge(routes(from_other_sites).route_layer(Around::callbacks(app)))
    };
    router.with_state(app.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Vestibule;
    use crate::settings::{Settings, endpoints};

    const EVERYTHING: &str = include_str!("../tests/api/everything.toml");

    /// The paths in `settings::endpoints` are exactly the paths that the router serves.
    #[test]
    fn settings_list_exactly_the_served_paths() {
        for lines in [
            "",
            "SECURITY_PASSWORDLESS = true\nSECURITY_POST_LOGIN_VIEW = \"/in\"\n",
            "SECURITY_FRESHNESS = \"-1 seconds\"\nMAIL_SERVER = \"localhost\"\n",
            "SECURITY_LOGIN_URL = \"/\"\nSECURITY_RESET_URL = \"/reset/\"\n",
        ] {
            let settings = Settings::from_toml(&format!("{EVERYTHING}{lines}")).unwrap();
            let mut known: Vec<String> = endpoints::all(&settings)
                .into_iter()
                .map(|(_, path)| path)
                .collect();
            let vestibule = Vestibule::builder(settings)
                .hashing_threads(1)
                .build()
                .unwrap();
            drop(vestibule.standalone());
            let prefix = vestibule.prefix();
            let table = whole(vestibule.app());
            let mut served: Vec<String> = table
                .under_prefix
                .iter()
                .map(|endpoint| endpoints::under_prefix(prefix, endpoint.path()))
                .chain(
                    table
                        .beside
                        .iter()
                        .map(|endpoint| endpoint.path().to_owned()),
                )
                .collect();
            known.sort();
            served.sort();
            assert_eq!(known, served, "{lines}");
        }
    }
}
