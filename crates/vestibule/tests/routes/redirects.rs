//! Redirect targets, as they appear in `Location`.

use http::Method;
use serde_json::json;

use crate::support::{ANA, LIFE, TestApp};

const CONFIRM: &str = "/api/accounts/confirm";
const NEW: &str = "new@example.com";

async fn location(app: &TestApp, path: &str) -> String {
    let answer = app.browser().get(path).await;
    assert_eq!(answer.status, 302, "{answer:?}");
    let location = answer.headers["location"].to_str();
    location
        .expect("ASCII without control characters")
        .to_owned()
}

#[tokio::test]
async fn locations_are_ascii_for_any_view_and_host() {
    for (extra, confirmed, error) in [
        (
            "",
            "/best%C3%A4tigt?name=%C3%A4&success=",
            "/fehler%F0%9F%98%95?error=",
        ),
        (
            "SECURITY_REDIRECT_HOST = \"bücher.example:8443\"\n",
            "http://xn--bcher-kva.example:8443/best%C3%A4tigt?name=%C3%A4&success=",
            "http://xn--bcher-kva.example:8443/fehler%F0%9F%98%95?error=",
        ),
    ] {
        let app = TestApp::with(&format!(
            "{LIFE}{extra}SECURITY_POST_CONFIRM_VIEW = \"/bestätigt?name=ä\"\n\
             SECURITY_CONFIRM_ERROR_VIEW = \"/fehler😕\"\n"
        ))
        .await;
        app.user(NEW, |draft| vestibule::admin::NewAccount {
            confirmed: false,
            ..draft
        })
        .await;
        app.browser().post(CONFIRM, json!({"email": NEW})).await;
        let link = app.link(NEW).await;
        let to = location(&app, &link).await;
        assert!(to.starts_with(confirmed), "{to}");
        let to = location(&app, &format!("{CONFIRM}/nonsense")).await;
        assert!(to.starts_with(error), "{to}");
    }
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_RESET_VIEW = \"https://bücher.example/zurück#/ä\"\n"
    ))
    .await;
    app.browser()
        .post("/api/accounts/reset", json!({"email": ANA}))
        .await;
    let to = location(&app, &app.link(ANA).await).await;
    assert!(
        to.starts_with("https://xn--bcher-kva.example/zur%C3%BCck?"),
        "{to}"
    );
    assert!(to.ends_with("#/%C3%A4"), "{to}");
}

#[tokio::test]
async fn a_redirect_target_from_the_client_is_ascii() {
    let app = TestApp::with("SECURITY_LOGOUT_METHODS = [\"GET\", \"POST\"]\n").await;
    for (next, expected) in [
        ("/tsch%C3%BCss?a=%26%C3%A4", "/tsch%C3%BCss?a=&%C3%A4"),
        ("//localhost:5000/%C3%A4", "//localhost:5000/%C3%A4"),
    ] {
        let path = format!("/api/accounts/logout?next={next}");
        let mut browser = app.signed_in().await;
        let form = Some("application/x-www-form-urlencoded");
        let answer = browser.send(Method::GET, &path, form, Vec::new()).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        assert_eq!(answer.headers["location"], expected);
    }
}
