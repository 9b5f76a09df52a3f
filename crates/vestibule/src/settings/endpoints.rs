//! The paths of all endpoints, so that collisions are found. A test of the router compares this
//! list with the endpoints themselves.

use super::oauth::IDENTITIES_URL;
use super::{MailRoute, Settings};

/// Appends a segment to a path. A trailing slash stays at the end.
pub(crate) fn under(path: &str, segment: &str) -> String {
    match path.strip_suffix('/') {
        Some(path) => format!("{path}/{segment}/"),
        None => format!("{path}/{segment}"),
    }
}

/// Every path that is served, and the setting that it comes from.
pub(crate) fn all(settings: &Settings) -> Vec<(&'static str, String)> {
    let accounts = &settings.accounts;
    let login = &settings.login;
    let passwordless = accounts.passwordless.enabled;
    let two_factor = &settings.two_factor;
    let unified = &settings.unified;
    let verifies = unified.enabled && settings.freshness.within.is_some();
    // The key, its path, whether it is served, and whether links have paths below it.
    let keys = [
        (
            "SECURITY_LOGIN_URL",
            &login.login_url,
            login.serves_password_login() || passwordless || settings.serves_unified_login(),
            passwordless,
        ),
        (
            "SECURITY_LOGOUT_URL",
            &login.logout_url,
            !login.logout_methods.is_empty(),
            false,
        ),
        (
            "SECURITY_VERIFY_URL",
            &login.verify_url,
            settings.freshness.within.is_some(),
            false,
        ),
        (
            "SECURITY_REFRESH_TOKEN_URL",
            &settings.refresh.url,
            settings.refresh.enabled,
            false,
        ),
        (
            "SECURITY_REGISTER_URL",
            &accounts.register.url,
            accounts.register.enabled,
            false,
        ),
        (
            "SECURITY_CONFIRM_URL",
            &accounts.confirm.url,
            login.confirmable,
            true,
        ),
        (
            "SECURITY_RESET_URL",
            &accounts.recover.url,
            accounts.recover.enabled,
            true,
        ),
        (
            "SECURITY_CHANGE_URL",
            &accounts.change_password.url,
            accounts.change_password.enabled,
            false,
        ),
        (
            "SECURITY_CHANGE_EMAIL_URL",
            &accounts.change_email.url,
            accounts.change_email.enabled,
            true,
        ),
        (
            "SECURITY_CHANGE_USERNAME_URL",
            &accounts.change_username.url,
            accounts.change_username.enabled,
            false,
        ),
        (
            "SECURITY_USERNAME_RECOVERY_URL",
            &accounts.recover_username.url,
            accounts.recover_username.enabled,
            false,
        ),
        (
            "SECURITY_US_SIGNIN_URL",
            &unified.signin_url,
            unified.enabled,
            false,
        ),
        (
            "SECURITY_US_SIGNIN_SEND_CODE_URL",
            &unified.send_code_url,
            unified.enabled,
            false,
        ),
        (
            "SECURITY_US_VERIFY_LINK_URL",
            &unified.verify_link_url,
            unified.enabled,
            false,
        ),
        (
            "SECURITY_US_VERIFY_URL",
            &unified.verify_url,
            verifies,
            false,
        ),
        (
            "SECURITY_US_VERIFY_SEND_CODE_URL",
            &unified.verify_send_code_url,
            verifies,
            false,
        ),
        (
            "SECURITY_US_SETUP_URL",
            &unified.setup_url,
            unified.enabled,
            true,
        ),
        (
            "SECURITY_TWO_FACTOR_SETUP_URL",
            &two_factor.setup_url,
            two_factor.enabled,
            true,
        ),
        (
            "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL",
            &two_factor.validate_url,
            two_factor.enabled,
            false,
        ),
        (
            "SECURITY_TWO_FACTOR_RESCUE_URL",
            &two_factor.rescue_url,
            two_factor.enabled,
            false,
        ),
        (
            "SECURITY_TWO_FACTOR_SELECT_URL",
            &two_factor.select_url,
            two_factor.enabled,
            false,
        ),
        (
            "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL",
            &settings.recovery_codes.codes_url,
            settings.serves_recovery_codes(),
            false,
        ),
        (
            "SECURITY_MULTI_FACTOR_RECOVERY_URL",
            &settings.recovery_codes.recovery_url,
            settings.serves_recovery_codes(),
            false,
        ),
        (
            "SECURITY_WAN_REGISTER_URL",
            &settings.webauthn.register_url,
            settings.webauthn.enabled,
            true,
        ),
        (
            "SECURITY_WAN_SIGNIN_URL",
            &settings.webauthn.signin_url,
            settings.webauthn.enabled,
            true,
        ),
        (
            "SECURITY_WAN_VERIFY_URL",
            &settings.webauthn.verify_url,
            settings.verifies_passkeys(),
            true,
        ),
        (
            "SECURITY_WAN_DELETE_URL",
            &settings.webauthn.delete_url,
            settings.webauthn.enabled,
            false,
        ),
    ];
    let prefixed = |path: &str| under_prefix(&settings.http.url_prefix, path);
    let mut paths = vec![
        ("the health check", "/healthz".to_owned()),
        ("the readiness check", "/readyz".to_owned()),
        ("the authz endpoint", prefixed("/authz")),
        ("the OpenAPI document", prefixed("/openapi.json")),
    ];
    if matches!(settings.mail.route, MailRoute::DevMailbox) {
        paths.extend(
            ["/dev/mailbox", "/dev/mailbox.json"]
                .map(|path| ("the developer's mailbox", path.to_owned())),
        );
    }
    let oauth = &settings.oauth;
    let reauthenticates = settings.freshness.within.is_some();
    for (key, path, served) in [
        ("SECURITY_OAUTH_START_URL", &oauth.start_url, true),
        ("SECURITY_OAUTH_RESPONSE_URL", &oauth.response_url, true),
        (
            "SECURITY_OAUTH_VERIFY_START_URL",
            &oauth.verify_start_url,
            reauthenticates,
        ),
        (
            "SECURITY_OAUTH_VERIFY_RESPONSE_URL",
            &oauth.verify_response_url,
            reauthenticates,
        ),
    ] {
        if oauth.enabled && served {
            paths.push((key, prefixed(&under(path, "{name}"))));
        }
    }
    if oauth.enabled {
        let identities = "the identities endpoint";
        paths.extend([
            (identities, prefixed(IDENTITIES_URL)),
            (identities, prefixed(&under(IDENTITIES_URL, "{id}"))),
        ]);
    }
    for (key, path, served, has_links) in keys {
        if served {
            paths.push((key, prefixed(path)));
        }
        if served && has_links {
            paths.push((key, prefixed(&under(path, "{token}"))));
        }
    }
    paths
}

/// Joins prefix and path as the router does.
pub(crate) fn under_prefix(prefix: &str, path: &str) -> String {
    if path == "/" && !prefix.is_empty() {
        return prefix.to_owned();
    }
    format!("{prefix}{path}")
}
