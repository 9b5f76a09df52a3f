//! Signing in through a provider: `/login/oauthstart` and `/login/oauthresponse`.

use serde_json::{Value, json};
use vestibule_testkit::keys::Algorithm;
use vestibule_testkit::provider::{Endpoint, Fault, Provider, Signing};

use crate::support::duo::{Browser, Duo};
use crate::support::factors::{KEY, VALIDATE, code};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::providers::{OIDC, PLAIN, START, approve, callbacks, navigate};
use crate::support::requests::{sign_in, sign_out, who};
use crate::support::users::ANA;

const RESPONSE: &str = "/api/accounts/login/oauthresponse";

/// The claims of a user with this address.
fn claims(email: &str) -> Value {
    json!({"sub": "1", "email": email, "email_verified": true})
}

#[test]
fn oracle_oauth_sign_in() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth", &provider, &json!({}));
    for of in [OIDC, PLAIN] {
        let mut ana = Browser::new();
        duo.flow(of, &mut ana, (&provider, START, of));
        duo.send("current user", &mut ana, |_| who());
        duo.start_flow(&mut ana, START, of);
        duo.send("GET verify", &mut ana, |_| {
            Request::get("/api/accounts/verify")
        });
        duo.send("sign out", &mut ana, sign_out);
    }
    duo.send("GET login", &mut Browser::new(), |_| who());
    duo.send("GET us-signin", &mut Browser::new(), |_| {
        Request::get("/api/accounts/us-signin")
    });
    for request in provider.received(Endpoint::Token) {
        assert!(request.field("code_verifier").is_some(), "{request:?}");
    }
    duo.finish(14);
}

#[test]
fn oracle_oauth_start_in_every_form() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-start", &provider, &json!({}));
    let path = format!("{START}/{OIDC}");
    duo.send("a form", &mut Browser::new(), |_| {
        Request::new("POST", &path)
            .header("Accept", "text/html")
            .form(&[("a", "b")])
    });
    duo.send("no body", &mut Browser::new(), |_| {
        Request::new("POST", &path).header("Accept", "application/json")
    });
    duo.send("next", &mut Browser::new(), |_| {
        Request::post(&format!("{path}?next=/here"), &json!({}))
    });
    let known = Known::OwnErrorPages;
    duo.send_known("GET", &mut Browser::new(), known, 405, |_| {
        Request::get(&path)
    });
    for request in [
        Request::post(&format!("{START}/unknown"), &json!({})),
        Request::get(&format!("{RESPONSE}/unknown?code=1&state=2")),
        Request::post(START, &json!({})),
    ] {
        let name = format!("{} {}", request.method, request.target);
        duo.send_known(&name, &mut Browser::new(), known, 404, |_| request.clone());
    }
    duo.finish(7);
}

#[test]
fn oracle_oauth_next() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-next", &provider, &json!({}));
    for next in ["/here", "https://evil.example/"] {
        let mut ana = Browser::new();
        let path = format!("{START}/{OIDC}?next={next}");
        let started = duo.send(next, &mut ana, |_| Request::post(&path, &json!({})));
        let paths = callbacks(&approve(&provider, &started));
        let known = next
            .starts_with('/')
            .then_some((Known::NextIsPassedOn, 302));
        duo.send_own_differing(next, &mut ana, known, &paths, |_, path| navigate(path));
    }
    duo.finish(4);
}

#[test]
fn oracle_oauth_states_of_others() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-states", &provider, &json!({}));
    let mut ana = Browser::new();
    let started = duo.start_flow(&mut ana, START, OIDC);
    let paths = callbacks(&approve(&provider, &started));
    duo.send_own("another browser", &mut Browser::new(), &paths, |_, path| {
        navigate(path)
    });
    duo.send_own("another provider", &mut ana.clone(), &paths, |_, path| {
        navigate(&path.replace("/oidc", "/plain"))
    });
    let mut used = ana.clone();
    duo.send_own("right", &mut used, &paths, |_, path| navigate(path));
    duo.send_own("again", &mut used, &paths, |_, path| navigate(path));
    for query in [
        "",
        "?code=1",
        "?state=2",
        "?code=1&state=2",
        "?error=access_denied",
    ] {
        duo.send(query, &mut Browser::new(), |_| {
            navigate(&format!("{RESPONSE}/{OIDC}{query}"))
        });
        duo.send(query, &mut ana.clone(), |_| {
            navigate(&format!("{RESPONSE}/{OIDC}{query}"))
        });
    }
    duo.finish(15);
}

#[test]
fn oracle_oauth_errors_of_the_provider() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-errors", &provider, &json!({}));
    for answer in [
        json!({"code": null, "error": "access_denied"}),
        json!({"code": null, "error": "server_error", "error_description": "<b>no</b>"}),
        json!({"state": "another"}),
        json!({"state": null}),
    ] {
        provider.set(|it| it.authorization = answer.clone());
        for of in [OIDC, PLAIN] {
            let mut ana = Browser::new();
            duo.flow(&answer.to_string(), &mut ana, (&provider, START, of));
            duo.send("current user", &mut ana, |_| who());
        }
    }
    provider.set(|it| it.authorization = json!({}));
    let refusal = r#"{"error":"invalid_grant","error_description":"<b>used</b>"}"#;
    let fault = Fault::Reply(400, "application/json", refusal.into());
    provider.set(|it| {
        it.faults.insert(Endpoint::Token, fault);
    });
    for of in [OIDC, PLAIN] {
        duo.flow("refused code", &mut Browser::new(), (&provider, START, of));
    }
    duo.finish(28);
}

#[test]
fn oracle_oauth_users_who_may_not_sign_in() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-users", &provider, &json!({}));
    for email in ["unknown@example.com", "cy@example.com", "dee@example.com"] {
        provider.set(|it| it.claims = claims(email));
        for of in [OIDC, PLAIN] {
            let mut visitor = Browser::new();
            duo.flow(email, &mut visitor, (&provider, START, of));
            duo.send("current user", &mut visitor, |_| who());
        }
    }
    provider.set(|it| it.claims = claims("eve@example.com"));
    let mut eve = Browser::new();
    duo.flow("without a password", &mut eve, (&provider, START, OIDC));
    duo.send("current user", &mut eve, |_| who());
    duo.finish(21);
}

#[test]
fn oracle_oauth_forged_tokens_are_no_sign_in() {
    // The reference answers 500; ours redirects with an error.
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-forged", &provider, &json!({}));
    let known = Known::ProviderMistake;
    for (name, changes) in [
        ("issuer", json!({"iss": "https://evil.example"})),
        ("audience", json!({"aud": "another"})),
        ("nonce", json!({"nonce": "another"})),
        ("expired", json!({"exp": 1})),
        ("address a number", json!({"email": 5})),
    ] {
        provider.set(|it| it.id_token = changes);
        let mut visitor = Browser::new();
        let started = duo.start_flow(&mut visitor, START, OIDC);
        let paths = callbacks(&approve(&provider, &started));
        duo.send_own_known(name, &mut visitor, (known, 302), &paths, |_, path| {
            navigate(path)
        });
        duo.send("current user", &mut visitor, |_| who());
    }
    provider.set(|it| it.id_token = json!({}));
    for signing in [
        Signing::UnknownKid,
        Signing::StolenKid,
        Signing::Tampered,
        Signing::None,
    ] {
        provider.set(|it| it.signing = signing);
        let mut visitor = Browser::new();
        let started = duo.start_flow(&mut visitor, START, OIDC);
        let paths = callbacks(&approve(&provider, &started));
        let name = format!("{signing:?}");
        duo.send_own_known(&name, &mut visitor, (known, 302), &paths, |_, path| {
            navigate(path)
        });
        duo.send("current user", &mut visitor, |_| who());
    }
    provider.set(|it| it.signing = Signing::Right(Algorithm::Es256));
    duo.flow("ES256", &mut Browser::new(), (&provider, START, OIDC));
    duo.finish(29);
}

#[test]
fn oracle_oauth_keys_are_rotated() {
    let provider = Provider::start();
    let mut duo = Duo::with_provider("oauth-rotated", &provider, &json!({}));
    duo.flow("first keys", &mut Browser::new(), (&provider, START, OIDC));
    provider.set(|it| it.signing = Signing::Right(Algorithm::Rs256));
    provider.rotate_keys();
    let mut ana = Browser::new();
    duo.flow("rotated keys", &mut ana, (&provider, START, OIDC));
    duo.finish(4);
}

#[test]
fn oracle_oauth_before_a_second_factor() {
    let provider = Provider::start();
    let changes = json!({"SECURITY_TWO_FACTOR": true});
    let mut duo = Duo::with_provider("oauth-tf", &provider, &changes);
    duo.give_factor(ANA, "authenticator");
    let mut ana = Browser::new();
    let started = duo.start_flow(&mut ana, START, OIDC);
    let paths = callbacks(&approve(&provider, &started));
    let known = (Known::SecondFactorInTheApp, 302);
    duo.send_own_known("asks for JSON", &mut ana, known, &paths, |_, path| {
        Request::get(path)
    });
    let right = code(KEY, 0);
    duo.send("code", &mut ana, |_| {
        Request::post(VALIDATE, &json!({"code": right}))
    });
    duo.send("current user", &mut ana, |_| who());
    let mut visitor = Browser::new();
    let started = duo.start_flow(&mut visitor, START, OIDC);
    let paths = callbacks(&approve(&provider, &started));
    duo.send_own_known("a browser", &mut visitor, known, &paths, |_, path| {
        navigate(path)
    });
    duo.finish(6);
}

#[test]
fn oracle_oauth_settings() {
    let provider = Provider::start();
    for (name, changes) in [
        (
            "host",
            json!({"SECURITY_REDIRECT_HOST": "app.example:8080"}),
        ),
        (
            "views",
            json!({
                "SECURITY_POST_OAUTH_LOGIN_VIEW": "https://app.example/in?a=b",
                "SECURITY_LOGIN_ERROR_VIEW": "/error?c=d",
            }),
        ),
        ("paths", json!({"SECURITY_OAUTH_RESPONSE_URL": "/back"})),
    ] {
        let mut duo = Duo::with_provider(&format!("oauth-set-{name}"), &provider, &changes);
        duo.flow(name, &mut Browser::new(), (&provider, START, OIDC));
        provider.set(|it| it.claims = claims("unknown@example.com"));
        duo.flow(name, &mut Browser::new(), (&provider, START, OIDC));
        provider.set(|it| it.claims = claims(ANA));
        duo.finish(4);
    }
    let off = json!({"SECURITY_OAUTH_ENABLE": false});
    let mut duo = Duo::with_provider("oauth-off", &provider, &off);
    duo.send_known(
        "start",
        &mut Browser::new(),
        Known::OwnErrorPages,
        404,
        |_| Request::post(&format!("{START}/{OIDC}"), &json!({})),
    );
    duo.finish(1);
}

#[test]
fn oracle_oauth_start_with_csrf_for_all() {
    let provider = Provider::start();
    let changes = json!({"SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": false});
    let mut duo = Duo::with_provider("oauth-csrf", &provider, &changes);
    let mut ana = Browser::new();
    let path = format!("{START}/{OIDC}");
    duo.send("no token", &mut ana, |_| Request::post(&path, &json!({})));
    let tokens = duo.send("GET login", &mut ana, |_| who()).of("csrf_token");
    duo.send_own("token in a header", &mut ana, &tokens, |_, token| {
        Request::post(&path, &json!({})).header("X-CSRF-Token", token)
    });
    duo.send_own("token in a form", &mut ana, &tokens, |_, token| {
        Request::new("POST", &path)
            .header("Accept", "text/html")
            .form(&[("csrf_token", token)])
    });
    duo.send("signed in", &mut Browser::new(), |jar| {
        with_token(sign_in(ANA), jar)
    });
    duo.finish(5);
}
