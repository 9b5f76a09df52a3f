//! The page is on another port than vestibule, as during development. The relying party is
//! `localhost` for both.

use serde_json::json;

use crate::authenticator::{Authenticator, Kind};
use crate::front::Host;
use crate::site::{Api, Site, code};

#[track_caller]
fn passkeys_work(site: &Site) {
    let _key = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.sign_in();
    let done = site.succeeds("register", &json!({}));
    assert_eq!(done["options"]["rp"]["id"], "localhost");
    site.sign_out();
    site.succeeds("signIn", &json!({}));
    assert!(site.is_signed_in());
}

#[test]
fn development_server_that_changes_the_host_needs_redirect_host() {
    let behind = Api::Behind(Host::Vestibule);
    let site = Site::reached(behind, |port| {
        format!("SECURITY_REDIRECT_HOST = \"localhost:{port}\"\n")
    });
    passkeys_work(&site);
}

#[test]
fn page_on_another_port_is_listed_in_wan_origins() {
    let site = Site::reached(Api::OwnPort, |port| {
        format!(
            "SECURITY_WAN_ORIGINS = [\"http://localhost:{port}\"]\n\
             CORS_ORIGINS = [\"http://localhost:{port}\"]\nCORS_SUPPORTS_CREDENTIALS = true\n\
             CORS_EXPOSE_HEADERS = [\"X-Auth-User\"]\n"
        )
    });
    passkeys_work(&site);
}

#[test]
fn attack_webauthn_origin_page_on_an_unlisted_port_cannot_use_passkeys() {
    let site = Site::reached(Api::OwnPort, |port| {
        format!("CORS_ORIGINS = [\"http://localhost:{port}\"]\nCORS_SUPPORTS_CREDENTIALS = true\n")
    });
    let _key = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.sign_in();
    let refused = site.ceremony("register", &json!({}));
    assert_eq!(refused["status"], 400, "{refused:#}");
    assert_eq!(code(&refused), "WEBAUTHN_NO_VERIFY");
    assert!(
        refused["errors"][0].as_str().unwrap().contains("origin"),
        "{refused:#}"
    );
    assert_eq!(site.passkeys().len(), 0);
}
