//! `/authz`: the conditions in its query, the headers that name the user, and the input that it
//! ignores.

use http::Method;
use serde_json::json;
use vestibule::admin::{self, roles};

use crate::support::{ANA, Answer, Browser, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz";

/// Ana has the roles `editor` (may read and write) and `member` (no permissions).
async fn with_roles() -> TestApp {
    let app = TestApp::new().await;
    let user = app.stored(ANA).await;
    for (name, permissions) in [
        ("editor", vec!["read", "write"]),
        ("member", vec![]),
        ("owner", vec!["delete"]),
    ] {
        let permissions = permissions.into_iter().map(str::to_owned).collect();
        let role = roles::create(app.app(), name.to_owned(), None, permissions)
            .await
            .unwrap();
        if name != "owner" {
            roles::give(app.app(), &user, &role).await.unwrap();
        }
    }
    app
}

async fn get_authz(browser: &mut Browser<'_>, query: &str) -> Answer {
    browser.get(&format!("{AUTHZ}?{query}")).await
}

#[tokio::test]
async fn a_signed_in_user_passes_and_is_named_in_the_headers() {
    let app = with_roles().await;
    let user = app.stored(ANA).await;
    let token = app.auth_token(ANA).await;
    for mut browser in [app.signed_in().await, app.bearer(&token)] {
        let answer = browser.get(AUTHZ).await;
        assert_eq!(answer.verdict(), (200, String::new()));
        assert_eq!(answer.headers["x-auth-user"], ANA);
        assert_eq!(answer.headers["x-auth-user-id"], user.id.0.to_string());
        assert_eq!(answer.headers["x-auth-roles"], "editor,member");
        assert_eq!(answer.headers["x-auth-permissions"], "read,write");
        assert_eq!(answer.headers["cache-control"], "private, no-store");
        assert_eq!(answer.response(), json!({}));
    }
}

#[tokio::test]
async fn a_refused_request_gets_no_user_headers() {
    let app = with_roles().await;
    let anonymous = app.browser().get(AUTHZ).await;
    assert_eq!(anonymous.verdict(), (401, "UNAUTHENTICATED".into()));
    let refused = get_authz(&mut app.signed_in().await, "roles_required=owner").await;
    for answer in [anonymous, refused] {
        for name in answer.headers.keys() {
            assert!(!name.as_str().starts_with("x-auth-"), "{answer:?}");
        }
        assert_eq!(answer.headers["cache-control"], "private, no-store");
        assert!(!answer.headers.contains_key("location"));
    }
}

#[tokio::test]
async fn only_the_methods_in_the_query_are_accepted() {
    let app = TestApp::new().await;
    let token = app.auth_token(ANA).await;
    let callers = [
        ("session", app.signed_in().await),
        ("token", app.bearer(&token)),
        ("basic", app.basic(ANA, PASSWORD)),
    ];
    for mask in 1..8_usize {
        let named: Vec<&str> = (0..3)
            .filter(|bit| mask & (1 << bit) != 0)
            .map(|bit| callers[bit].0)
            .collect();
        let query = format!("methods={}", named.join(","));
        for (by, browser) in &callers {
            let answer = get_authz(&mut browser.clone(), &query).await;
            let expected = if named.contains(by) { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{query} by {by}");
            let challenged = answer.headers.contains_key("www-authenticate");
            assert_eq!(challenged, expected == 401 && named.contains(&"basic"));
        }
    }
    // Without `methods` in the query, the default settings do not accept basic authentication.
    let answer = app.basic(ANA, PASSWORD).get(AUTHZ).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn every_condition_on_roles_and_permissions_has_to_hold() {
    let app = with_roles().await;
    let mut ana = app.signed_in().await;
    let cases = [
        ("roles_required=editor", true),
        ("roles_required=editor,member", true),
        ("roles_required=editor,%20member", true),
        ("roles_required=editor,owner", false),
        ("roles_required=owner", false),
        ("roles_required=Editor", false),
        ("roles_required=edit", false),
        ("roles_required=*", false),
        ("roles_accepted=owner,member", true),
        ("roles_accepted=owner,unknown", false),
        ("permissions_required=read", true),
        ("permissions_required=read,write", true),
        ("permissions_required=read,delete", false),
        ("permissions_required=READ", false),
        // Roles and permissions have separate namespaces.
        ("permissions_required=editor", false),
        ("roles_required=read", false),
        ("permissions_accepted=delete,write", true),
        ("permissions_accepted=delete", false),
    ];
    for (query, allowed) in cases {
        let answer = get_authz(&mut ana, query).await;
        let expected = if allowed {
            (200, String::new())
        } else {
            (403, "UNAUTHORIZED".to_owned())
        };
        assert_eq!(answer.verdict(), expected, "{query}");
    }
    for (one, one_allowed) in cases {
        for (other, other_allowed) in cases {
            let name = |query: &str| query.split('=').next().unwrap().to_owned();
            if name(one) == name(other) {
                continue;
            }
            let answer = get_authz(&mut ana, &format!("{one}&{other}")).await;
            let expected = if one_allowed && other_allowed {
                200
            } else {
                403
            };
            assert_eq!(answer.status, expected, "{one} and {other}");
        }
    }
}

#[tokio::test]
async fn a_user_without_roles_gets_empty_headers() {
    let app = with_roles().await;
    app.user("bo@example.com", |draft| draft).await;
    let mut bo = app.bearer(&app.auth_token("bo@example.com").await);
    let answer = bo.get(AUTHZ).await;
    assert_eq!(answer.status, 200);
    // The headers are present though empty, so that a proxy that copies them overwrites the
    // client's.
    assert_eq!(answer.headers["x-auth-roles"], "");
    assert_eq!(answer.headers["x-auth-permissions"], "");
    for query in [
        "roles_required=editor",
        "roles_accepted=editor,member,owner",
    ] {
        assert_eq!(get_authz(&mut bo, query).await.status, 403, "{query}");
    }
}

#[tokio::test]
async fn attack_fail_open_an_invalid_authz_query_is_refused() {
    let app = with_roles().await;
    let mut ana = app.signed_in().await;
    for query in [
        "roles",
        "role_required=editor",
        "roles_require=editor",
        "Roles_Required=editor",
        "roles_required[]=editor",
        "roles_required%00=editor",
        "%20roles_required=editor",
        "roles_required",
        "roles_required=",
        "roles_required=%20",
        "roles_required=,",
        "roles_required=editor,",
        "roles_required=editor,,member",
        "roles_required=editor&roles_required=member",
        "roles_required=editor&roles_required=editor",
        "roles_accepted=",
        "permissions_required=",
        "permissions_accepted=,",
        "methods=",
        "methods=session,",
        "methods=Session",
        "methods=session,password",
        "methods=all",
        "methods=session&methods=token",
        "within=",
        "within=0",
        "within=00",
        "within=-1",
        "within=+60",
        "within=60.0",
        "within=1e9",
        "within=0x10",
        "within=%2060",
        "within=60s",
        "within=4294967296",
        "within=\u{0661}",
        "within=60&within=60",
        "grace=",
        "grace=-1",
        "grace=x",
        "auth_token=a&auth_token=b",
        "=",
        "=editor",
        "x",
        "roles_required=editor;roles_required=owner&x",
        "roles_required=editor?x=1&x",
    ] {
        let path = format!("{AUTHZ}?{}", query.replace('\u{0661}', "%D9%A1"));
        let answer = ana.get(&path).await;
        assert_eq!(answer.verdict(), (400, "AUTHZ_QUERY".into()), "{query}");
        // An anonymous client gets the same answer: the query is validated before the caller is
        // looked up.
        let anonymous = app.browser().get(&path).await;
        assert_eq!(anonymous.text, answer.text, "{query}");
    }
    // A semicolon is part of the role's name, and no user has that role.
    let query = "roles_required=editor;roles_required=owner";
    assert_eq!(get_authz(&mut ana, query).await.status, 403);
    assert_eq!(
        get_authz(&mut ana, "&&").await.status,
        200,
        "an empty query has no conditions"
    );
}

#[tokio::test]
async fn attack_forward_auth_identity_headers_from_the_client_are_ignored() {
    let app = with_roles().await;
    let mut plain = app.signed_in().await;
    let before = plain.get(&format!("{AUTHZ}?roles_required=owner")).await;
    let mut lying = plain.clone();
    for (name, value) in [
        ("x-auth-user", "root@example.com"),
        ("x-auth-user-id", "0"),
        ("x-auth-roles", "owner"),
        ("x-auth-permissions", "delete"),
        ("remote-user", "root@example.com"),
        ("x-forwarded-user", "root@example.com"),
        ("x-original-uri", "/../ADMIN/%2e%2e/?roles_required=member"),
        ("x-original-url", "https://LOCALHOST:5000/Admin//x;a"),
        (
            "x-forwarded-uri",
            "/api/accounts/authz?roles_required=member",
        ),
        ("x-rewrite-url", "/"),
    ] {
        lying = lying.header(name, value);
    }
    let answer = get_authz(&mut lying, "roles_required=owner").await;
    assert_eq!(answer.verdict(), (403, "UNAUTHORIZED".into()));
    assert_eq!(answer.text, before.text);
    let answer = lying.get(AUTHZ).await;
    assert_eq!(answer.headers["x-auth-user"], ANA);
    assert_eq!(answer.headers.get_all("x-auth-user").iter().count(), 1);
    assert_eq!(answer.headers["x-auth-roles"], "editor,member");
    // Identity headers do not authenticate a client without a session.
    lying.cookies.clear();
    let answer = lying.get(AUTHZ).await;
    assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()));
    assert!(!answer.headers.contains_key("x-auth-user"));
}

#[tokio::test]
async fn attack_forward_auth_other_spellings_of_host_and_path_bypass_nothing() {
    let app = with_roles().await;
    let mut ana = app.signed_in().await;
    for host in ["LOCALHOST:5000", "LocalHost:5000"] {
        let mut loud = ana.clone().header("host", host);
        let answer = get_authz(&mut loud, "roles_required=owner").await;
        assert_eq!(answer.status, 403, "{host}");
        assert_eq!(
            get_authz(&mut loud, "roles_required=editor").await.status,
            200
        );
    }
    for path in [
        "/api/accounts/AUTHZ",
        "/api/accounts/authz/",
        "/api/accounts//authz",
        "//api/accounts/authz",
        "/api/accounts/./authz",
        "/api/accounts/x/../authz",
        "/api/accounts/authz%2F",
        "/api/accounts/%61uthz/x",
        "/authz",
    ] {
        let answer = ana.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.headers.contains_key("x-auth-user"), "{path}");
    }
}

#[tokio::test]
async fn attack_forward_auth_an_unsafe_method_in_either_header_needs_a_csrf_token() {
    let app = TestApp::new().await;
    let mut ana = app.signed_in().await;
    let csrf = ana.get("/api/accounts/login").await.csrf_token();
    let safe = ["GET", "HEAD", "OPTIONS", "TRACE"];
    // Methods are case-sensitive, so "get" is unknown; unknown and invalid methods count as unsafe.
    let unsafe_ones = [
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "CONNECT",
        "PROPFIND",
        "get",
        "Get",
        "post",
        "",
        " ",
        "GET, POST",
        "GET POST",
        "\u{e9}",
    ];
    let names = ["x-original-method", "x-forwarded-method"];
    for (at, name) in names.into_iter().enumerate() {
        let other = names[1 - at];
        for method in safe {
            let mut asking = ana.clone().header(name, method);
            assert_eq!(asking.get(AUTHZ).await.status, 200, "{name}: {method:?}");
            let mut both = asking.header(other, "GET");
            assert_eq!(both.get(AUTHZ).await.status, 200, "{name}: {method:?}");
        }
        for method in unsafe_ones {
            let asking = ana.clone().header(name, method);
            for mut asking in [asking.clone(), asking.header(other, "GET")] {
                let answer = asking.get(AUTHZ).await;
                let verdict = (403, "CSRF_TOKEN_MISSING".to_owned());
                assert_eq!(answer.verdict(), verdict, "{name}: {method:?}");
                assert!(!answer.headers.contains_key("x-auth-user"));
                let mut with = asking.header("x-xsrf-token", &csrf);
                assert_eq!(with.get(AUTHZ).await.status, 200, "{name}: {method:?}");
            }
        }
    }
    let mut twice = ana.clone();
    twice
        .headers
        .append("x-original-method", "GET".parse().unwrap());
    twice
        .headers
        .append("x-original-method", "POST".parse().unwrap());
    assert_eq!(twice.get(AUTHZ).await.code(), "CSRF_TOKEN_MISSING");
}

#[tokio::test]
async fn the_csrf_check_comes_before_the_roles_and_after_the_caller() {
    let app = with_roles().await;
    let ana = app.signed_in().await.header("x-original-method", "POST");
    let answer = get_authz(&mut ana.clone(), "roles_required=owner").await;
    assert_eq!(answer.code(), "CSRF_TOKEN_MISSING");
    let mut anonymous = app.browser().header("x-original-method", "POST");
    assert_eq!(anonymous.get(AUTHZ).await.verdict().0, 401);
    // "token" is not in SECURITY_CSRF_PROTECT_MECHANISMS here.
    let bearer = app.bearer(&app.auth_token(ANA).await);
    let mut bearer = bearer.header("x-original-method", "POST");
    assert_eq!(bearer.get(AUTHZ).await.status, 200);
}

#[tokio::test]
async fn attack_csrf_a_cross_site_state_change_through_a_proxy_is_refused() {
    // This holds even if the session needs no CSRF token.
    let app = TestApp::with("SECURITY_CSRF_PROTECT_MECHANISMS = [\"basic\"]").await;
    let ana = app.signed_in().await.header("x-original-method", "POST");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let mut lured = ana.clone().header(name, value);
        let verdict = (403, "CROSS_SITE_REQUEST".to_owned());
        assert_eq!(lured.get(AUTHZ).await.verdict(), verdict, "{name}: {value}");
        let mut reading = lured.header("x-original-method", "GET");
        assert_eq!(reading.get(AUTHZ).await.status, 200, "{name}: {value}");
    }
    let mut own = ana.clone().header("sec-fetch-site", "same-origin");
    assert_eq!(own.get(AUTHZ).await.status, 200);
    // Browsers never add an auth token by themselves.
    let bearer = app.bearer(&app.auth_token(ANA).await);
    let mut bearer = bearer
        .header("x-original-method", "POST")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(bearer.get(AUTHZ).await.status, 200);
}

#[tokio::test]
async fn authz_serves_only_get_and_head() {
    let app = TestApp::new().await;
    let mut ana = app.signed_in().await;
    let answer = ana.send(Method::HEAD, AUTHZ, None, Vec::new()).await;
    assert_eq!(answer.named(), Some(ANA));
    assert_eq!(answer.text, "");
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = ana.send(method.clone(), AUTHZ, None, Vec::new()).await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(!answer.headers.contains_key("x-auth-user"));
    }
}

#[tokio::test]
async fn a_revoked_role_or_permission_is_refused_at_once() {
    let app = with_roles().await;
    let mut ana = app.signed_in().await;
    assert_eq!(
        get_authz(&mut ana, "permissions_required=write")
            .await
            .status,
        200
    );
    let role = roles::find(app.app(), "editor").await.unwrap();
    let gone = vec!["write".to_owned()];
    roles::remove_permissions(app.app(), role.clone(), gone)
        .await
        .unwrap();
    assert_eq!(
        get_authz(&mut ana, "permissions_required=write")
            .await
            .status,
        403
    );
    assert_eq!(
        get_authz(&mut ana, "roles_required=editor").await.status,
        200
    );
    let user = admin::find(app.app(), ANA).await.unwrap();
    roles::take(app.app(), &user, &role).await.unwrap();
    assert_eq!(
        get_authz(&mut ana, "roles_required=editor").await.status,
        403
    );
}
