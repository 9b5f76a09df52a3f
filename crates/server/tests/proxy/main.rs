//! Tests behind a real nginx and a real Caddy with the configuration files of `deploy`, in front of
//! a backend without accounts of its own.

#![expect(clippy::unwrap_used, reason = "a test may panic when a step fails")]

#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod support;

mod backend;
mod front;
mod site;

use std::time::Duration;

use front::Proxy;
use site::Site;

/// Runs each of these tests behind each proxy.
macro_rules! behind_each_proxy {
    ($($test:ident)*) => {
        behind_each_proxy!(nginx = Nginx: $($test)*);
        behind_each_proxy!(caddy = Caddy: $($test)*);
    };
    ($name:ident = $proxy:ident: $($test:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::Proxy::$proxy);
                }
            )*
        }
    };
}

behind_each_proxy! {
    proxy_forwards_only_what_authz_allows
    remembered_user_gets_one_session_and_can_post
    preflights_reach_the_backend_only_if_configured
    non_ascii_identity_arrives_as_utf8
    attack_forward_auth_confusion_identity_headers_of_the_client_are_ignored
    attack_forward_auth_confusion_underscores_do_not_stand_for_hyphens
}

fn proxy_forwards_only_what_authz_allows(proxy: Proxy) {
    let site = Site::start(proxy);

    // Not signed in.
    for path in ["/reports/1", "/editors/1", "/vault/1"] {
        let (status, body) = site.curl("anonymous", &[&format!("{{}}{path}")]);
        assert_eq!(status, 401, "{path}: {body}");
    }
    assert!(site.backend.take().is_empty(), "the backend got no request");

    // Allowed: the backend gets the user's identity.
    let token = site.sign_in("ana", "ana@example.com");
    let (status, body) = site.curl("ana", &["{}/editors/1"]);
    assert_eq!((status, body.as_str()), (200, "backend"));
    let heard = site.backend.take().pop().unwrap();
    for line in [
        "x-auth-user: ana@example.com",
        "x-auth-user-id: 1",
        "x-auth-roles: editor",
        "x-auth-permissions: text-read,text-write",
    ] {
        assert!(heard.lines().any(|known| known == line), "{line}\n{heard}");
    }
    assert!(!heard.contains("cookie:"), "{heard}");

    // Signed in, but not allowed.
    site.sign_in("bo", "bo@example.com");
    assert_eq!(site.curl("bo", &["{}/editors/1"]).0, 403);
    assert_eq!(site.curl("bo", &["{}/reports/1"]).0, 200);
    site.backend.take();

    // POST, without and with the CSRF token.
    let post = |extra: &[&str]| {
        let mut arguments = vec!["-X", "POST", "-d", "x=1"];
        arguments.extend(extra);
        arguments.push("{}/reports/1");
        site.curl("ana", &arguments).0
    };
    assert_eq!(post(&[]), 403);
    assert_eq!(
        post(&["-H", "X-Original-Method: GET"]),
        403,
        "the client's own X-Original-Method is ignored"
    );
    assert!(site.backend.take().is_empty());
    assert_eq!(post(&["-H", &format!("X-XSRF-Token: {token}")]), 200);

    // The proof of identity is no longer fresh.
    site.backend.take();
    site.sign_in("fresh", "ana@example.com");
    assert_eq!(site.curl("fresh", &["{}/vault/1"]).0, 200);
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(site.curl("fresh", &["{}/vault/1"]).0, 401);
    assert_eq!(site.curl("fresh", &["{}/reports/1"]).0, 200);
}

fn attack_forward_auth_confusion_identity_headers_of_the_client_are_ignored(proxy: Proxy) {
    let site = Site::start(proxy);
    site.sign_in("bo", "bo@example.com");
    let claims = [
        "-H",
        "X-Auth-User: ana@example.com",
        "-H",
        "X-Auth-User-Id: 1",
        "-H",
        "X-Auth-Roles: editor",
        "-H",
        "X-Auth-Permissions: text-write",
    ];
    let with = |path: &'static str| -> Vec<&str> { claims.iter().copied().chain([path]).collect() };
    assert_eq!(site.curl("anonymous", &with("{}/reports/1")).0, 401);
    assert_eq!(site.curl("bo", &with("{}/editors/1")).0, 403);
    assert_eq!(site.curl("bo", &with("{}/reports/1")).0, 200);
    let heard = site.backend.take().pop().unwrap();
    assert!(heard.contains("x-auth-user: bo@example.com"), "{heard}");
    assert!(!heard.contains("ana@example.com"), "{heard}");
    assert!(!heard.contains("editor"), "{heard}");

    // Neither the query nor the spelling of the path changes the authentication policy.
    for path in [
        "{}/editors/1?roles_required=",
        "{}/editors/1?methods=session&roles_accepted=",
        "{}/editors//1",
        "{}/EDITORS/../editors/1",
        "{}/reports/../editors/1",
        "{}/editors/%2e%2e/editors/1",
    ] {
        assert_eq!(site.curl("bo", &[path]).0, 403, "{path}");
    }
    // No client can reach `/authz` through the proxy.
    for path in [
        "{}/authz/editor",
        "{}/authz/member",
        "{}/api/accounts/authz",
    ] {
        assert_eq!(site.curl("bo", &[path]).0, 404, "{path}");
    }
    assert!(site.backend.take().is_empty());
}

fn remembered_user_gets_one_session_and_can_post(proxy: Proxy) {
    let site = Site::start(proxy);
    site.sign_in("ana", "ana@example.com");
    // The user closed the browser, which ends the session cookie.
    site.keep_only("ana", "remember_token");
    let remembered = site.cookie("ana", "remember_token");

    assert_eq!(site.curl("ana", &["{}/reports/1"]).0, 200);
    let session = site.cookie("ana", "session");
    assert!(session.is_some(), "the browser gets the session cookie");
    assert_eq!(site.curl("ana", &["{}/reports/1"]).0, 200);
    assert_eq!(site.cookie("ana", "session"), session);
    assert_eq!(site.cookie("ana", "remember_token"), remembered);

    let post = |token: &str| {
        let header = format!("X-XSRF-Token: {token}");
        site.curl("ana", &["-H", &header, "-d", "x=1", "{}/reports/1"])
            .0
    };
    assert_eq!(post("none"), 403);
    assert_eq!(site.curl("ana", &["{}/api/accounts/login"]).0, 200);
    assert_eq!(post(&site.cookie("ana", "XSRF-TOKEN").unwrap()), 200);
}

fn preflights_reach_the_backend_only_if_configured(proxy: Proxy) {
    let preflight = [
        "-X",
        "OPTIONS",
        "-H",
        "Origin: https://other.example",
        "-H",
        "Access-Control-Request-Method: POST",
        "-H",
        "X-Auth-User: ana@example.com",
        "{}/reports/1",
    ];
    let site = Site::start(proxy);
    assert_eq!(site.curl("anonymous", &preflight).0, 401);
    assert!(site.backend.take().is_empty());

    let site = Site::with_preflights(proxy);
    assert_eq!(site.curl("anonymous", &preflight).0, 200);
    let heard = site.backend.take().pop().unwrap();
    assert!(heard.starts_with("options /reports/1"), "{heard}");
    assert!(!heard.contains("x-auth-"), "{heard}");
    // Other methods, and OPTIONS requests that are not preflights, are still checked.
    let other = ["-X", "OPTIONS", "{}/reports/1"];
    assert_eq!(site.curl("anonymous", &other).0, 401);
    let post: Vec<&str> = [&["-X", "POST"], &preflight[2..]].concat();
    assert_eq!(site.curl("anonymous", &post).0, 401);
    assert!(site.backend.take().is_empty());
}

fn attack_forward_auth_confusion_underscores_do_not_stand_for_hyphens(proxy: Proxy) {
    let site = Site::start(proxy);
    site.sign_in("bo", "bo@example.com");
    for name in [
        "X_Auth_User",
        "x_auth-user",
        "X-Auth_User",
        "X_AUTH_USER_ID",
        "X-Auth_Roles",
    ] {
        let claim = format!("{name}: ana");
        assert_eq!(site.curl("bo", &["-H", &claim, "{}/reports/1"]).0, 200);
        let heard = site.backend.take().pop().unwrap();
        assert!(heard.contains("x-auth-user: bo@example.com"), "{heard}");
        assert!(!heard.contains("ana"), "{name}: {heard}");
    }
}

fn non_ascii_identity_arrives_as_utf8(proxy: Proxy) {
    let site = Site::start(proxy);
    site.sign_in("joerg", "j\u{f6}rg@example.com");
    assert_eq!(site.curl("joerg", &["{}/reports/1"]).0, 200);
    let heard = site.backend.take().pop().unwrap();
    assert!(
        heard.contains("x-auth-user: j\u{f6}rg@example.com"),
        "{heard}"
    );
}
