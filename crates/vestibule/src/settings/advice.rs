//! What can stand, and probably should not.

use super::Settings;
use super::load::Problem;
use super::reader::Reader;
use super::{Listening, SameSite};

/// Looks for risky combinations.
pub(super) fn give(reader: &Reader<'_>, settings: &Settings, listening: Listening) -> Vec<Problem> {
    let mut advice = Vec::new();
    let mut say = |key: &str, what: &str, fix: &str| advice.push(Problem::new(key, what, fix));

    if !settings.csrf.enabled {
        say(
            "WTF_CSRF_ENABLED",
            "is off: nothing asks for a CSRF token",
            "switch it on",
        );
    }
    if !settings.csrf.logout_csrf {
        say(
            "SECURITY_LOGOUT_CSRF",
            "is off: signing out needs no CSRF token (browsers' cross-site requests are refused all the same)",
            "switch it on if your front end sends the token",
        );
    }
    if settings.session.cookie.same_site == Some(SameSite::None) {
        say(
            "SESSION_COOKIE_SAMESITE",
            "is None: requests from every site carry the session",
            "use Lax unless your app runs on another site",
        );
    }
    if listening == Listening::Public && !settings.session.cookie.secure {
        say(
            "SESSION_COOKIE_SECURE",
            "is off: the session travels over plain HTTP too",
            "switch it on where users come over HTTPS",
        );
    }
    if !settings.session.cookie.http_only {
        say(
            "SESSION_COOKIE_HTTPONLY",
            "is off: scripts can read the session",
            "switch it on",
        );
    }
    if settings.debug {
        say(
            "DEBUG",
            "is on: refusals explain themselves to whoever asks",
            "switch it off in production",
        );
    }
    if !settings.login.return_generic_responses {
        say(
            "SECURITY_RETURN_GENERIC_RESPONSES",
            "is off: a refused sign-in tells whether the account exists",
            "switch it on unless your front end shows these details",
        );
    }
    if settings.redirect.redirect_host.is_some() && listening == Listening::Public {
        say(
            "SECURITY_REDIRECT_HOST",
            "is set: views are sought on another host",
            "leave it out in production",
        );
    }
    if settings
        .http
        .trusted_proxies
        .iter()
        .any(|net| net.prefix_len() == 0)
    {
        say(
            "TRUSTED_PROXIES",
            "trusts everybody: clients can choose their address",
            "name your proxies",
        );
    }
    if reader.text("SECURITY_TOTP_ISSUER").is_empty() && reader.flag("SECURITY_UNIFIED_SIGNIN") {
        say(
            "SECURITY_TOTP_ISSUER",
            "is not set: authenticator apps will show \"vestibule\"",
            "set it to the name of your product",
        );
    }
    advice
}
