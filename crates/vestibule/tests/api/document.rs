//! The contents of the OpenAPI document, and its completeness.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{EVERYTHING, SECRETS, document_of, vestibule};

/// Every operation: path, method and description.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method != "servers" {
                all.push((path.as_str(), method.as_str(), operation));
            }
        }
    }
    all
}

fn follow<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(path) => document.pointer(path.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

fn codes(document: &Value, path: &str, method: &str, status: &str) -> Vec<String> {
    let response = &document["paths"][path][method]["responses"][status];
    let schema = &follow(document, response)["content"]["application/json"]["schema"];
    let words = &schema["properties"]["response"]["properties"]["error_codes"]["items"]["enum"];
    let words = words.as_array().cloned().unwrap_or_default();
    words
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

async fn ask(router: &Router, method: Method, path: &str) -> (StatusCode, String, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .body(Body::empty())
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let allow = response
        .headers()
        .get(header::ALLOW)
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (
        status,
        allow,
        serde_json::from_slice(&bytes).unwrap_or_default(),
    )
}

#[tokio::test]
async fn every_described_path_serves_exactly_the_described_methods() {
    let vestibule = vestibule(EVERYTHING);
    let router = vestibule.standalone();
    let document: Value = serde_json::from_str(&vestibule.openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let server = item.get("servers").unwrap_or(&document["servers"]);
        let base = server[0]["url"].as_str().unwrap().trim_end_matches('/');
        let (status, allow, _) = ask(&router, Method::OPTIONS, &format!("{base}{path}")).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let served: BTreeSet<String> = allow
            .split(", ")
            .filter(|method| !["HEAD", "OPTIONS"].contains(method))
            .map(str::to_ascii_lowercase)
            .collect();
        let described = item.as_object().unwrap().keys();
        let described: BTreeSet<String> =
            described.filter(|key| *key != "servers").cloned().collect();
        assert_eq!(served, described, "{path}");
    }
}

/// The router is built from endpoints, each of which describes its handlers. No other code may add
/// a route.
#[test]
fn no_route_is_added_outside_the_endpoints() {
    fn find_routes(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                find_routes(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let code = text.lines().filter(|line| !line.trim().starts_with("//"));
            if code
                .into_iter()
                .any(|line| line.contains(".route(") || line.contains(".route_service("))
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    find_routes(&source, &mut found);
    assert_eq!(found, [source.join("openapi/endpoint.rs")]);
}

#[test]
fn operation_names_are_unique_and_every_reference_resolves() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members
                    .values()
                    .for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let text = vestibule(EVERYTHING).openapi();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "{found:?}");
    for path in &found {
        assert!(document.pointer(&path[1..]).is_some(), "{path}");
    }
    let components = document["components"].as_object().unwrap();
    for (kind, named) in components {
        for name in named.as_object().unwrap().keys() {
            let path = format!("#/components/{kind}/{name}");
            assert!(
                kind == "securitySchemes" || found.contains(&path.as_str()),
                "nothing refers to {path}"
            );
        }
    }
    let mut names = BTreeSet::new();
    for (_, _, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{name} twice");
        assert!(!operation["summary"].as_str().unwrap().is_empty());
    }
}

#[test]
fn every_operation_describes_the_common_responses() {
    let document = document_of("SECURITY_REFRESH_TOKEN = true");
    for (path, method, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let of = |status| codes(&document, path, method, status);
        assert!(of("400").contains(&"UNTRUSTED_HOST".to_owned()), "{path}");
        assert_eq!(of("408"), ["REQUEST_TIMEOUT"], "{path}");
        assert_eq!(of("431"), ["HEADERS_TOO_LARGE"], "{path}");
        assert!(!responses.contains_key("500"), "{path}");
        assert!(responses.contains_key("200"), "{path}");
        if method == "post" {
            assert_eq!(of("403"), ["CROSS_SITE_REQUEST"], "{path}");
            assert_eq!(of("413"), ["BODY_TOO_LARGE"], "{path}");
            assert!(of("400").contains(&"MALFORMED_BODY".to_owned()), "{path}");
        }
        for (status, response) in responses {
            let response = follow(&document, response);
            let header = &response["headers"]["X-Request-Id"];
            assert_eq!(
                follow(&document, header)["required"],
                true,
                "{path} {status}"
            );
            let example = &response["content"]["application/json"]["example"];
            if !example.is_null() {
                assert_eq!(example["meta"]["code"].to_string(), *status, "{path}");
            }
        }
    }
}

#[test]
fn paths_features_and_names_follow_the_settings() {
    let plain = document_of("");
    assert_eq!(plain["servers"], json!([{"url": "/"}]));
    assert!(plain["paths"]["/refresh-token"].is_null());
    assert!(plain["paths"]["/logout"]["get"].is_null());
    assert!(plain["paths"]["/healthz"]["servers"].is_null());

    let other = document_of(
        r#"
        SECURITY_URL_PREFIX = "/auth"
        SECURITY_PUBLIC_URL = "https://accounts.example.com/somewhere"
        SECURITY_LOGIN_URL = "/sign-in"
        SECURITY_LOGOUT_METHODS = ["GET"]
        SECURITY_REFRESH_TOKEN = true
        SECURITY_REFRESH_TOKEN_COOKIE_NAME = ""
        SECURITY_TOKEN_AUTHENTICATION_HEADER = "X-Token"
        SESSION_COOKIE_NAME = "sid"
        SECURITY_CSRF_HEADER = "X-Csrf"
        SECURITY_MSG_INVALID_PASSWORD = "Nope."
        "#,
    );
    assert_eq!(
        other["servers"][0]["url"],
        "https://accounts.example.com/auth"
    );
    let probe = &other["paths"]["/healthz"]["servers"][0]["url"];
    assert_eq!(probe, "https://accounts.example.com");
    assert!(other["paths"]["/login"].is_null());
    assert!(other["paths"]["/logout"]["get"].is_object());
    assert!(other["paths"]["/logout"]["post"].is_null());
    let sign_in = &other["paths"]["/sign-in"]["post"];
    assert_eq!(sign_in["operationId"], "login");
    let names: Vec<&str> = sign_in["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["include_auth_token", "next", "X-Csrf"]);
    let refusal = sign_in["responses"]["400"]["description"].as_str().unwrap();
    assert!(
        refusal.contains("`INVALID_PASSWORD` (`password`): Nope."),
        "{refusal}"
    );
    let schemes = &other["components"]["securitySchemes"];
    assert_eq!(schemes["session"]["name"], "sid");
    assert_eq!(schemes["token"]["name"], "x-token");
    let fields = &other["components"]["schemas"]["RefreshTokenFields"];
    assert_eq!(fields["required"], json!(["refresh_token"]));
}

#[test]
fn described_refusals_follow_the_settings() {
    let has = |document: &Value, path, code: &str| {
        codes(document, path, "post", "400").contains(&code.to_owned())
    };
    let plain = document_of("");
    assert!(has(&plain, "/login", "USER_DOES_NOT_EXIST"));
    assert!(has(&plain, "/login", "CSRF_TOKEN_EXPIRED"));
    assert!(!has(&plain, "/login", "CONFIRMATION_REQUIRED"));
    assert!(has(&plain, "/logout", "CSRF_TOKEN_MISSING"));
    let trusting = document_of("WTF_CSRF_CHECK_DEFAULT = false");
    assert!(!has(&trusting, "/logout", "CSRF_TOKEN_MISSING"));

    let quiet = document_of("SECURITY_RETURN_GENERIC_RESPONSES = true");
    assert!(!has(&quiet, "/login", "USER_DOES_NOT_EXIST"));
    assert!(has(&quiet, "/login", "GENERIC_AUTHN_FAILED"));

    let open = document_of("WTF_CSRF_ENABLED = false");
    assert!(!open.to_string().contains("CSRF_TOKEN_"));

    let basic = document_of("SECURITY_API_ENABLED_METHODS = [\"basic\"]");
    let verify = &basic["paths"]["/verify"]["get"];
    assert_eq!(verify["security"], json!([{"basic": []}]));
    let headers = &verify["responses"]["401"]["headers"];
    assert!(headers["WWW-Authenticate"].is_object());
}

#[tokio::test]
async fn the_document_is_served_and_a_nested_router_omits_the_probes() {
    let vestibule = vestibule(EVERYTHING);
    let whole: Value = serde_json::from_str(&vestibule.openapi()).unwrap();
    let path = "/api/accounts/openapi.json";
    let (status, _, served) = ask(&vestibule.standalone(), Method::GET, path).await;
    assert_eq!((status, &served), (StatusCode::OK, &whole));

    let (status, _, nested) = ask(&vestibule.router(), Method::GET, "/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    assert!(nested["paths"]["/healthz"].is_null());
    assert_eq!(nested["paths"]["/login"], whole["paths"]["/login"]);
}

#[test]
fn attack_secrets_in_the_document_are_absent() {
    let text = vestibule(&format!(
        "{SECRETS}SQLALCHEMY_DATABASE_URI = \"sqlite:////srv/hidden.db\"\n"
    ))
    .openapi();
    for secret in ["a secret key", "146585145368132386", "hidden"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
