//! The form of requests: methods, media types, `Accept`, `next`, paths and CORS.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::{Request, Response};
use crate::support::known::Known;
use crate::support::requests::{LOGIN, LOGOUT, sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, PASSWORD};

fn body() -> Value {
    json!({"email": ANA, "password": PASSWORD})
}

#[test]
fn oracle_requests_methods() {
    let mut duo = Duo::start("methods", &json!({}));
    let mut ana = Browser::new();
    duo.send("HEAD, signed out", &mut ana, |_| {
        Request::new("HEAD", LOGIN).header("Accept", "application/json")
    });
    let plain = Known::PlainOptions;
    duo.send_known("OPTIONS", &mut ana, plain, 200, |_| {
        Request::new("OPTIONS", LOGIN)
    });
    for method in ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
        duo.send_known(method, &mut ana, Known::OwnErrorPages, 405, |_| {
            Request::new(method, LOGIN).header("Accept", "application/json")
        });
    }
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("HEAD, signed in", &mut ana, |_| {
        Request::new("HEAD", LOGIN).header("Accept", "application/json")
    });
    duo.send_known("OPTIONS, signed in", &mut ana, plain, 200, |_| {
        Request::new("OPTIONS", LOGIN)
    });
    duo.finish(10);
}

#[test]
fn oracle_requests_media_types() {
    let mut duo = Duo::start("media-types", &json!({}));
    for media_type in [
        "application/json; charset=utf-8",
        "application/json;charset=iso-8859-1",
        "Application/JSON",
        "application/vnd.api+json",
        "application/problem+json",
    ] {
        duo.send(media_type, &mut Browser::new(), |_| {
            Request::new("POST", LOGIN).body(media_type, body().to_string())
        });
    }
    // A form that asks for JSON gets JSON from the reference too.
    duo.send("form that accepts JSON", &mut Browser::new(), |_| {
        Request::new("POST", LOGIN)
            .form(&[("email", ANA), ("password", PASSWORD)])
            .header("Accept", "application/json")
    });
    duo.send("form, remembered", &mut Browser::new(), |_| {
        Request::new("POST", LOGIN)
            .form(&[("email", ANA), ("password", PASSWORD), ("remember", "y")])
            .header("Accept", "application/json")
    });
    duo.send("form, not remembered", &mut Browser::new(), |_| {
        Request::new("POST", LOGIN)
            .form(&[
                ("email", ANA),
                ("password", PASSWORD),
                ("remember", "false"),
            ])
            .header("Accept", "application/json")
    });
    duo.send("form, refused", &mut Browser::new(), |_| {
        Request::new("POST", LOGIN)
            .form(&[("email", ANA), ("password", "wrong")])
            .header("Accept", "application/json")
    });
    duo.send("form, empty", &mut Browser::new(), |_| {
        Request::new("POST", LOGIN)
            .form(&[])
            .header("Accept", "application/json")
    });
    duo.send("form, fields twice", &mut Browser::new(), |_| {
        Request::new("POST", LOGIN)
            .form(&[
                ("email", ANA),
                ("email", "bo@example.com"),
                ("password", PASSWORD),
                ("password", "x"),
            ])
            .header("Accept", "application/json")
    });
    duo.send_known(
        "multipart",
        &mut Browser::new(),
        Known::NoMultipart,
        415,
        |_| {
            let part = |name: &str, value: &str| {
                format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            };
            Request::new("POST", LOGIN)
                .body(
                    "multipart/form-data; boundary=b",
                    format!(
                        "{}{}--b--\r\n",
                        part("email", ANA),
                        part("password", PASSWORD)
                    ),
                )
                .header("Accept", "application/json")
        },
    );
    duo.send("no body", &mut Browser::new(), |_| {
        Request::new("POST", LOGIN).header("Accept", "application/json")
    });
    duo.finish(13);
}

#[test]
fn oracle_requests_with_other_accept_headers() {
    let mut duo = Duo::start("accept", &json!({}));
    for accept in [
        "application/json",
        "application/json, text/plain, */*",
        "text/html;q=0.5, application/json",
    ] {
        duo.send(accept, &mut Browser::new(), |_| {
            Request::new("GET", LOGIN).header("Accept", accept)
        });
    }
    for accept in [
        "text/html",
        "*/*",
        "text/html, application/json;q=0.9",
        "application/*",
        "nonsense",
    ] {
        duo.send_known(accept, &mut Browser::new(), Known::JsonAlways, 200, |_| {
            Request::new("GET", LOGIN).header("Accept", accept)
        });
    }
    duo.send_known(
        "no Accept",
        &mut Browser::new(),
        Known::JsonAlways,
        200,
        |_| Request::new("GET", LOGIN),
    );
    duo.send("JSON body, HTML accepted", &mut Browser::new(), |_| {
        sign_in(ANA).header("Accept", "text/html")
    });
    duo.send_known(
        "form, signs in",
        &mut Browser::new(),
        Known::JsonAlways,
        200,
        |_| Request::new("POST", LOGIN).form(&[("email", ANA), ("password", PASSWORD)]),
    );
    duo.send_known(
        "form, refused",
        &mut Browser::new(),
        Known::JsonAlways,
        400,
        |_| Request::new("POST", LOGIN).form(&[("email", ANA), ("password", "wrong")]),
    );
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send_known(
        "signed in, HTML accepted",
        &mut ana,
        Known::JsonAlways,
        200,
        |_| Request::new("GET", LOGIN).header("Accept", "text/html"),
    );
    duo.finish(14);
}

#[test]
fn oracle_requests_next() {
    let mut duo = Duo::start("next", &json!({}));
    for next in [
        "/dashboard",
        "dashboard?x=1",
        "",
        "   ",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "mailto:ana@example.com",
        "https://localhost.evil.example/",
        "http://localhost@evil.example/",
        "/%2f%2fevil.example",
        "\t//evil.example",
        "/path:with:colons",
        "x:y",
    ] {
        let members = json!({"email": ANA, "password": PASSWORD, "next": next});
        duo.send(&format!("body {next:?}"), &mut Browser::new(), |_| {
            sign_in_with(&members)
        });
    }
    for next in ["\\\\evil.example", "/\\evil.example"] {
        // Browsers read a backslash as a slash. The reference accepts these and quotes them later.
        let members = json!({"email": ANA, "password": PASSWORD, "next": next});
        let name = format!("body {next:?}");
        duo.send_known(
            &name,
            &mut Browser::new(),
            Known::ClientMistake,
            400,
            |_| sign_in_with(&members),
        );
    }
    let mut ana = Browser::new();
    duo.send("query, good", &mut ana, |_| {
        Request::post(&format!("{LOGIN}?next=/dashboard"), &body())
    });
    duo.send("query, bad, signed out", &mut Browser::new(), |_| {
        Request::post(&format!("{LOGIN}?next=https://evil.example/"), &body())
    });
    duo.send("query, bad, on GET", &mut Browser::new(), |_| {
        Request::get(&format!("{LOGIN}?next=https://evil.example/"))
    });
    duo.send("null", &mut Browser::new(), |_| {
        sign_in_with(&json!({"email": ANA, "password": PASSWORD, "next": null}))
    });
    duo.finish(22);
}

#[test]
fn oracle_requests_next_of_our_own_host() {
    let mut duo = Duo::start("next-own", &json!({}));
    let host = "localhost:7777";
    let ask = |next: &str| {
        sign_in_with(&json!({"email": ANA, "password": PASSWORD, "next": next}))
            .header("Host", host)
    };
    duo.send("our own host", &mut Browser::new(), |_| {
        ask("http://localhost:7777/there")
    });
    duo.send("our own host, other scheme", &mut Browser::new(), |_| {
        ask("https://localhost:7777/there")
    });
    duo.send("another port", &mut Browser::new(), |_| {
        ask("http://localhost:8080/there")
    });
    duo.send("without a scheme", &mut Browser::new(), |_| {
        ask("//localhost:7777/there")
    });
    duo.finish(4);
}

#[test]
fn oracle_requests_paths() {
    let mut duo = Duo::start("paths", &json!({}));
    duo.send("with a query", &mut Browser::new(), |_| {
        Request::post(&format!("{LOGIN}?a=1&b=%20&c"), &body())
    });
    duo.send_known(
        "with an encoded letter",
        &mut Browser::new(),
        Known::PathsAsWritten,
        404,
        |_| Request::get("/api/accounts/log%69n"),
    );
    for path in [
        "/api/accounts/login/",
        "/api/accounts/Login",
        "/login",
        "/api/accounts",
        "/api/accounts/",
        "/api/accounts/login/x",
        "/api/accounts/nothing",
        "/",
        "/API/accounts/login",
        "/api/accounts/login%2f",
        "/api/accounts/login%00",
        "/api/accounts/login;a=1",
    ] {
        duo.send_known(path, &mut Browser::new(), Known::OwnErrorPages, 404, |_| {
            Request::get(path)
        });
    }
    duo.finish(14);
}

#[test]
fn oracle_requests_other_urls() {
    let mut duo = Duo::start(
        "urls",
        &json!({"SECURITY_URL_PREFIX": null, "SECURITY_LOGIN_URL": "/enter", "SECURITY_LOGOUT_URL": "/leave"}),
    );
    let mut ana = Browser::new();
    duo.send("current user", &mut ana, |_| Request::get("/enter"));
    duo.send("sign in", &mut ana, |_| Request::post("/enter", &body()));
    duo.send_known(
        "the default URL",
        &mut ana,
        Known::OwnErrorPages,
        404,
        |_| Request::get("/login"),
    );
    duo.send("sign out", &mut ana, |_| {
        Request::post("/leave", &json!({}))
    });
    duo.finish(4);
}

#[test]
fn oracle_requests_without_a_prefix() {
    let mut duo = Duo::start("no-prefix", &json!({"SECURITY_URL_PREFIX": null}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| Request::post("/login", &body()));
    duo.send("current user", &mut ana, |_| Request::get("/login"));
    duo.send("sign out", &mut ana, |_| {
        Request::post("/logout", &json!({}))
    });
    duo.finish(3);
}

#[test]
fn oracle_requests_cache_control() {
    let mut duo = Duo::start(
        "cache",
        &json!({"SECURITY_CACHE_CONTROL": {"no-cache": true, "max-age": 5, "private": true}}),
    );
    let mut ana = Browser::new();
    duo.send("current user", &mut ana, |_| who());
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("refused", &mut ana, |_| sign_in(ANA));
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(4);
}

#[test]
fn oracle_requests_no_cache_control() {
    let mut duo = Duo::start("no-cache", &json!({"SECURITY_CACHE_CONTROL": null}));
    duo.send("current user", &mut Browser::new(), |_| who());
    duo.send("sign in", &mut Browser::new(), |_| sign_in(ANA));
    duo.finish(2);
}

#[test]
fn oracle_requests_custom_messages() {
    // Both servers read the setting as [text, category].
    let mut duo = Duo::start(
        "messages",
        &json!({"SECURITY_MSG_INVALID_PASSWORD": ["Nope.", "error"]}),
    );
    let wrong = json!({"email": ANA, "password": "wrong"});
    let pair = duo.send("a custom message", &mut Browser::new(), |_| {
        sign_in_with(&json!({"email": "unknown@example.com", "password": PASSWORD}))
    });
    assert_eq!(pair.ours.status, 400);
    let ours = wrong_password(&wrong, duo.ours.port);
    let theirs = wrong_password(&wrong, duo.theirs.port);
    assert_eq!((ours.as_str(), theirs.as_str()), ("Nope.", "Nope."));
    duo.finish(1);
}

fn wrong_password(body: &Value, port: u16) -> String {
    let answer = sign_in_with(body)
        .send(port)
        .expect("an answer")
        .json()
        .expect("JSON");
    answer["response"]["errors"][0]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn oracle_requests_cross_origin() {
    let mut duo = Duo::start(
        "cors",
        &json!({
            "CORS_ORIGINS": ["http://localhost:8080", "https://app.example"],
            "CORS_SUPPORTS_CREDENTIALS": true,
            "CORS_ALLOW_HEADERS": ["Content-Type", "X-XSRF-Token"],
            "CORS_EXPOSE_HEADERS": ["X-Request-Id"],
            "CORS_METHODS": ["GET", "POST"],
            "CORS_MAX_AGE": 600,
        }),
    );
    let from = |request: Request, origin: &str| request.header("Origin", origin);
    let preflight = |origin: &str, method: &str, headers: &str| {
        Request::new("OPTIONS", LOGIN)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", headers)
    };
    let mut ana = Browser::new();
    duo.send("current user, allowed origin", &mut ana, |_| {
        from(who(), "http://localhost:8080")
    });
    duo.send("sign in, allowed origin", &mut ana, |_| {
        from(sign_in(ANA), "https://app.example")
    });
    let cors = Known::CorsOnRequest;
    duo.send_known("current user, other origin", &mut ana, cors, 200, |_| {
        from(who(), "https://evil.example")
    });
    duo.send_known("current user, no origin", &mut ana, cors, 200, |_| who());
    for (name, origin, method, headers, target) in [
        (
            "preflight, allowed",
            "https://app.example",
            "POST",
            "content-type, x-xsrf-token",
            LOGIN,
        ),
        (
            "preflight, another header",
            "https://app.example",
            "POST",
            "x-evil",
            LOGIN,
        ),
        (
            "preflight, another origin",
            "https://evil.example",
            "POST",
            "content-type",
            LOGIN,
        ),
        (
            "preflight, another method",
            "https://app.example",
            "DELETE",
            "content-type",
            LOGIN,
        ),
        (
            "preflight of sign-out",
            "https://app.example",
            "POST",
            "content-type",
            LOGOUT,
        ),
    ] {
        let pair = duo.send_known(name, &mut Browser::new(), cors, 200, |_| {
            let mut request = preflight(origin, method, headers);
            request.target = target.into();
            request
        });
        // The headers that decide in a browser are the same.
        for header in [
            "access-control-allow-origin",
            "access-control-allow-credentials",
        ] {
            assert_eq!(
                pair.ours.first(header),
                pair.theirs.first(header),
                "{name}: {header}"
            );
        }
        let allows = |answer: &Response| {
            let of = |header| answer.first(header).unwrap_or_default().to_lowercase();
            let (methods, listed) = (
                of("access-control-allow-methods"),
                of("access-control-allow-headers"),
            );
            methods.contains(&method.to_lowercase())
                && headers.split(", ").all(|header| listed.contains(header))
        };
        assert_eq!(allows(&pair.ours), allows(&pair.theirs), "{name}");
    }
    duo.finish(9);
}
