//! Edge cases of the layers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::StatusCode;
use time::OffsetDateTime;
use vestibule::Clock;
use vestibule::admin::{self, NewAccount};
use vestibule::{AuthRequired, CurrentUser, MaybeUser, Vestibule};
use vestibule::{Mechanism, Settings};

use crate::browser::{Browser, PASSWORD};

pub(crate) const LINES: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1 }
SECURITY_URL_PREFIX = "/api/accounts"
SECURITY_CSRF_PROTECT_MECHANISMS = ["session", "basic"]
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true
WTF_CSRF_CHECK_DEFAULT = false
"#;

#[derive(Debug)]
struct Frozen(AtomicI64);

impl Clock for Frozen {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// Builds vestibule with one user and a frozen clock.
async fn accounts() -> (Vestibule, Arc<Frozen>) {
    let clock = Arc::new(Frozen(AtomicI64::new(1_800_000_000)));
    let vestibule = Vestibule::builder(Settings::from_toml(LINES).unwrap())
        .clock(Arc::clone(&clock) as Arc<dyn Clock>)
        .on_reauthentication(|reply, _| (reply.status(), "once more, please").into_response())
        .on_unauthorized(|_, _| (StatusCode::NOT_FOUND, "nothing here").into_response())
        .describe_user(|user| std::iter::once(("id".to_owned(), user.id.0.into())).collect())
        .build()
        .unwrap();
    ana(&vestibule).await;
    (vestibule, clock)
}

pub(crate) async fn ana(vestibule: &Vestibule) {
    let draft = NewAccount {
        email: "ana@example.com".to_owned(),
        username: None,
        password: PASSWORD.to_owned(),
        active: true,
        confirmed: true,
    };
    admin::create(vestibule.app(), draft).await.unwrap();
}

async fn name(user: CurrentUser) -> String {
    user.email.clone().unwrap()
}

pub(crate) fn served(vestibule: &Vestibule, routes: Router) -> Browser {
    let router = routes
        .nest(vestibule.prefix(), vestibule.router())
        .layer(vestibule.layer());
    Browser::new(router)
}

#[tokio::test]
async fn attack_authorisation_by_absence_a_route_outside_the_layer_answers_500() {
    let router = Router::new()
        .route("/user", get(name))
        .route("/maybe", get(|_: MaybeUser| async { "in" }))
        .route(
            "/guarded",
            get(|| async { "in" }).layer(AuthRequired::new()),
        );
    let mut browser = Browser::new(router);
    for path in ["/user", "/maybe", "/guarded"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 500, "{path}");
        assert!(!answer.text.contains("in\""), "{answer:?}");
    }
}

#[tokio::test]
async fn a_route_requires_freshness_and_grants_grace() {
    let (vestibule, clock) = accounts().await;
    let soon = AuthRequired::new()
        .within(Duration::from_secs(60))
        .grace(Duration::from_secs(30));
    let mut browser = served(
        &vestibule,
        Router::new().route("/fresh", get(name).layer(soon)),
    );
    browser.sign_in("ana@example.com", PASSWORD).await;
    for (wait, status) in [(59, 200), (29, 200), (29, 200), (31, 401)] {
        clock.0.fetch_add(wait, Ordering::Relaxed);
        let answer = browser.get("/fresh").await;
        assert_eq!(answer.status, status, "{wait}");
        assert_eq!(answer.text == "once more, please", status == 401);
    }
}

#[tokio::test]
async fn a_route_accepts_only_its_own_methods() {
    let (vestibule, _) = accounts().await;
    let basic = AuthRequired::new().methods([Mechanism::Basic]);
    let routes = Router::new().route("/basic", get(name).layer(basic));
    let mut browser = served(&vestibule, routes);
    browser.sign_in("ana@example.com", PASSWORD).await;
    let refused = browser.get("/basic").await;
    assert_eq!(refused.status, 401, "the route does not accept a session");
    assert_eq!(
        refused.headers["www-authenticate"],
        "Basic realm=\"Sign in\""
    );
    // ana@example.com:battery staple
    browser.header(
        "authorization",
        "Basic YW5hQGV4YW1wbGUuY29tOmJhdHRlcnkgc3RhcGxl",
    );
    assert_eq!(browser.get("/basic").await.text, "ana@example.com");
}

#[tokio::test]
async fn nested_layers_each_enforce_their_own_requirement() {
    let (vestibule, _) = accounts().await;
    let routes = Router::new()
        .route(
            "/admin",
            get(name)
                .layer(AuthRequired::new())
                .layer(vestibule::roles_required(["admin"])),
        )
        .route(
            "/inside",
            get(name)
                .layer(vestibule::roles_required(["admin"]))
                .layer(AuthRequired::new()),
        );
    let mut browser = served(&vestibule, routes);
    browser.sign_in("ana@example.com", PASSWORD).await;
    for path in ["/admin", "/inside"] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.text),
            (404, "nothing here"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_applications_routes_refuse_untrusted_hosts() {
    let (vestibule, _) = accounts().await;
    let mut browser = served(&vestibule, Router::new().route("/", get(|| async { "in" })));
    assert_eq!(browser.get("/").await.text, "in");
    let answer = browser.get("http://evil.example/").await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn answers_describe_the_user_as_the_application_configures() {
    let (vestibule, _) = accounts().await;
    let mut browser = served(&vestibule, Router::new());
    let answer = browser.sign_in("ana@example.com", PASSWORD).await;
    assert_eq!(
        answer.json()["response"]["user"],
        serde_json::json!({"id": 1})
    );
}
