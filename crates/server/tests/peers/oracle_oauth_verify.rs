//! Confirming one's identity through a provider: `/login/oauth-verify-start` and its response.

use serde_json::json;
use vestibule_testkit::provider::Provider;

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::providers::{OIDC, PLAIN, VERIFY_START, approve, callbacks, navigate};
use crate::support::requests::sign_in;
use crate::support::users::ANA;

#[test]
fn oracle_oauth_verify() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-verify", &provider, &json!({}));
    let mut ana = Browser::new();
    let path = format!("{VERIFY_START}/{OIDC}");
    duo.send("signed out", &mut ana, |_| Request::post(&path, &json!({})));
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("no CSRF token", &mut ana, |_| {
        Request::post(&path, &json!({}))
    });
    duo.send("GET verify", &mut ana, |_| {
        Request::get("/api/accounts/verify")
    });
    duo.send("GET us-verify", &mut ana, |_| {
        Request::get("/api/accounts/us-verify")
    });
    for of in [OIDC, PLAIN] {
        duo.flow(of, &mut ana, (&provider, VERIFY_START, of));
    }
    for email in ["gil@example.com", "unknown@example.com"] {
        provider.set(|it| it.claims = json!({"sub": "2", "email": email, "email_verified": true}));
        duo.flow(email, &mut ana, (&provider, VERIFY_START, OIDC));
    }
    provider.set(|it| it.authorization = json!({"code": null, "error": "access_denied"}));
    let started = duo.start_flow(&mut ana, VERIFY_START, OIDC);
    let paths = callbacks(&approve(&provider, &started));
    let known = (Known::DeniedFlowsEnd, 302);
    duo.send_own_known("denied", &mut ana, known, &paths, |_, path| navigate(path));
    duo.send_known(
        "unknown provider",
        &mut ana,
        Known::OwnErrorPages,
        404,
        |jar| {
            crate::support::jar::with_token(
                Request::post(&format!("{VERIFY_START}/unknown"), &json!({})),
                jar,
            )
        },
    );
    duo.finish(16);
}

#[test]
fn oracle_oauth_verify_makes_a_session_fresh() {
    let provider = Provider::start();
    let changes = json!({
        "SECURITY_FRESHNESS": {"seconds": 900}, "SECURITY_FRESHNESS_GRACE_PERIOD": {"seconds": 0},
    });
    let mut duo = Duo::with_provider("oauth-fresh", &provider, &changes);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    ana.grow_stale();
    let setup = || Request::get("/api/accounts/us-setup");
    duo.send("stale", &mut ana, |_| setup());
    duo.flow("verify", &mut ana, (&provider, VERIFY_START, OIDC));
    duo.send("fresh", &mut ana, |_| setup());
    duo.finish(5);
}

#[test]
fn oracle_oauth_verify_states_of_others() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-verify-states", &provider, &json!({}));
    let (mut ana, mut other) = (Browser::new(), Browser::new());
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("password elsewhere", &mut other, |_| sign_in(ANA));
    let started = duo.start_flow(&mut ana, VERIFY_START, OIDC);
    let paths = callbacks(&approve(&provider, &started));
    duo.send_own("another browser", &mut other, &paths, |_, path| {
        navigate(path)
    });
    duo.send_own("right", &mut ana, &paths, |_, path| navigate(path));
    duo.send_own("again", &mut ana, &paths, |_, path| navigate(path));
    duo.finish(6);
}
