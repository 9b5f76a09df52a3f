//! Answers rendered by the application: what they replace, and what they leave alone.

use std::time::Duration;

use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use http::header::{LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use serde_json::json;
use vestibule::{AuthRequired, Builder, CurrentUser, Vestibule};
use vestibule::{Mechanism, Settings};

use crate::browser::PASSWORD;
use crate::edges::{LINES, ana, served};

const MORE: &str = r#"
SECURITY_CONFIRMABLE = true
SECURITY_REFRESH_TOKEN = true
SECURITY_REDIRECT_BEHAVIOR = "spa"
SECURITY_CONFIRM_ERROR_VIEW = "/confirm-error"
SECURITY_POST_CONFIRM_VIEW = "/confirmed"
MAX_CONTENT_LENGTH = 1000
VESTIBULE_REQUEST_TIMEOUT = 1
"#;

async fn accounts(more: impl FnOnce(Builder) -> Builder) -> Vestibule {
    let settings = Settings::from_toml(&format!("{LINES}{MORE}")).unwrap();
    let vestibule = more(Vestibule::builder(settings)).build().unwrap();
    ana(&vestibule).await;
    vestibule
}

/// An application that renders every answer in its own format.
fn in_own_form(builder: Builder) -> Builder {
    builder.render_json(|reply| {
        let body = json!({"ours": reply.status().as_u16(), "said": reply.members()});
        (reply.status(), Json(body)).into_response()
    })
}

async fn email(user: CurrentUser) -> String {
    user.email.clone().unwrap()
}

#[tokio::test]
async fn headers_are_added_to_answers_rendered_by_the_application() {
    let vestibule = accounts(in_own_form).await;
    let basic = AuthRequired::new().methods([Mechanism::Basic]);
    let routes = Router::new().route("/basic", get(email).layer(basic));
    let mut browser = served(&vestibule, routes);

    let body = json!({"email": "ana@example.com", "password": PASSWORD});
    let path = "/api/accounts/login?include_auth_token";
    let signed_in = browser.post(path, body).await;
    assert_eq!(signed_in.json()["ours"], 200, "{signed_in:?}");
    let cookies = signed_in.headers.get_all(SET_COOKIE).iter();
    let names: Vec<_> = cookies
        .map(|c| c.to_str().unwrap().split('=').next().unwrap())
        .collect();
    assert_eq!(names, ["fs_refresh", "vestibule_device", "session"]);
    assert_eq!(signed_in.headers.get_all("content-type").iter().count(), 1);

    let authz = browser.get("/api/accounts/authz").await;
    assert_eq!(authz.json()["ours"], 200);
    assert_eq!(authz.headers["x-auth-user"], "ana@example.com");

    let refused = browser.get("/basic").await;
    assert_eq!(refused.json()["ours"], 401);
    assert_eq!(refused.headers[WWW_AUTHENTICATE], "Basic realm=\"Sign in\"");
}

#[tokio::test]
async fn a_header_set_by_the_application_is_kept() {
    let vestibule = accounts(|builder| {
        builder.render_json(|reply| {
            (reply.status(), [(WWW_AUTHENTICATE, "Ours")], "no").into_response()
        })
    })
    .await;
    let basic = AuthRequired::new().methods([Mechanism::Basic]);
    let routes = Router::new().route("/basic", get(email).layer(basic));
    let refused = served(&vestibule, routes).get("/basic").await;
    let challenges: Vec<_> = refused.headers.get_all(WWW_AUTHENTICATE).iter().collect();
    assert_eq!(challenges, ["Ours"]);
}

#[tokio::test]
async fn a_redirect_is_not_rendered_by_the_application() {
    let vestibule = accounts(in_own_form).await;
    let answer = served(&vestibule, Router::new())
        .get("/api/accounts/confirm/nonsense")
        .await;
    assert_eq!(answer.status, 302, "{answer:?}");
    let location = answer.headers[LOCATION].to_str().unwrap();
    assert!(location.starts_with("/confirm-error?"), "{location}");
}

#[tokio::test]
async fn refusals_of_every_kind_are_rendered_by_the_application() {
    let vestibule = accounts(in_own_form).await;
    let routes = Router::new()
        .route("/panics", get(|| async { panic!("on purpose") as &str }))
        .route(
            "/sleeps",
            get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }),
        )
        .route("/open", post(|| async { "in" }));
    let mut browser = served(&vestibule, routes);
    for (path, status) in [
        ("/api/accounts/nothing", 404),
        ("/api/accounts/refresh-token", 405),
        ("/panics", 500),
        ("/sleeps", 408),
        ("http://evil.example/", 400),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.json()["ours"], status, "{path}");
        assert_eq!(
            answer.headers.contains_key("allow"),
            status == 405,
            "{path}"
        );
    }
    let long = json!({"email": "a".repeat(2000)});
    let answer = browser.post("/api/accounts/login", long).await;
    assert_eq!(answer.json()["ours"], 413, "{answer:?}");
}

#[tokio::test]
async fn attack_crash_by_odd_input_a_panic_while_rendering_is_answered_in_the_default_format() {
    let vestibule = accounts(|builder| builder.render_json(|_| panic!("on purpose"))).await;
    let mut browser = served(&vestibule, Router::new());
    for path in ["/api/accounts/nothing", "http://evil.example/"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 500);
        assert_eq!(
            answer.json()["response"]["error_codes"],
            json!(["INTERNAL_ERROR"])
        );
    }
}

#[tokio::test]
async fn response_hooks_receive_the_request_and_the_requirement() {
    let vestibule = accounts(|builder| {
        builder
            .on_unauthenticated(|_, asked| {
                let (request, methods) = (asked.request(), asked.methods());
                let wants_a_page = request.headers().contains_key("x-page");
                assert_eq!(methods, [Mechanism::Session, Mechanism::Token]);
                let to = format!("/login?next={}", request.uri());
                if wants_a_page {
                    Redirect::to(&to).into_response()
                } else {
                    (StatusCode::UNAUTHORIZED, request.method().to_string()).into_response()
                }
            })
            .on_unauthorized(|reply, asked| {
                let lists = [
                    asked.roles_required(),
                    asked.roles_accepted(),
                    asked.permissions_required(),
                    asked.permissions_accepted(),
                ];
                let said = format!("{} {lists:?}", asked.request().uri());
                (reply.status(), said).into_response()
            })
            .on_reauthentication(|reply, asked| {
                let said = (asked.request().uri(), asked.within(), asked.grace());
                (reply.status(), format!("{said:?}")).into_response()
            })
    })
    .await;
    let needs = AuthRequired::new()
        .roles_required(["a"])
        .roles_accepted(["b", "c"])
        .permissions_required(["d"])
        .permissions_accepted(["e"]);
    let (within, grace) = (Duration::from_nanos(1), Duration::from_secs(5));
    let fresh = AuthRequired::new().within(within).grace(grace);
    let routes = Router::new()
        .route("/orders", get(email).post(email))
        .route("/allowed", get(email).layer(needs))
        .route("/fresh", get(email).layer(fresh));
    let mut browser = served(&vestibule, routes);

    let refused = browser.post("/orders", json!({})).await;
    assert_eq!((refused.status.as_u16(), &*refused.text), (401, "POST"));
    browser.header("x-page", "yes");
    let sent = browser.get("/orders?page=2").await;
    assert_eq!(sent.status, 303);
    assert_eq!(sent.headers[LOCATION], "/login?next=/orders?page=2");
    let ours = browser.get("/api/accounts/authz?within=60").await;
    assert_eq!(
        ours.headers[LOCATION], "/login?next=/api/accounts/authz?within=60",
        "our own endpoints as well, with the prefix"
    );

    browser.sign_in("ana@example.com", PASSWORD).await;
    let refused = browser.get("/allowed").await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.text,
        r#"/allowed [["a"], ["b", "c"], ["d"], ["e"]]"#
    );
    let refused = browser.get("/fresh").await;
    assert_eq!(
        (refused.status.as_u16(), &*refused.text),
        (401, "(/fresh, 1ns, 5s)")
    );
}
