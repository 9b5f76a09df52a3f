//! Warnings about settings that are valid but probably a mistake.

use secrecy::ExposeSecret;

use super::Settings;
use super::hosts::BelievedHosts;
use super::load::Problem;
use super::reader::Reader;
use super::{CorsRule, LimitMode, Listening, MailRoute, Mechanism, Method, SameSite, SmtpTls};
use super::{browser, features, mail_server, salts, sender, sms};

/// Collects warnings about risky combinations.
pub(super) fn give(reader: &Reader<'_>, settings: &Settings, listening: Listening) -> Vec<Problem> {
    let public = is_public(settings, listening);
    let mut advice = Vec::new();
    let mut say = |key: &str, what: &str, fix: &str| advice.push(Problem::new(key, what, fix));

    if reader.text("SECURITY_REDIRECT_BEHAVIOR").is_empty() && features::leads_to_views(reader) {
        say(
            "SECURITY_REDIRECT_BEHAVIOR",
            "is not set; this server has no pages of its own, so links in emails lead to your app's views anyway",
            "set it to \"spa\"",
        );
    }
    match settings.limits.mode {
        LimitMode::On => {}
        LimitMode::Log => say(
            "SECURITY_LIMITS",
            "is \"log\": guesses over the limits are logged, but not refused",
            "set it to \"on\" once the log shows no limit that your own users reach",
        ),
        LimitMode::Off => say(
            "SECURITY_LIMITS",
            "is off: an attacker can guess passwords and codes without a limit, and have any number of mails sent to one address",
            "remove it",
        ),
    }
    if !settings.csrf.enabled {
        say(
            "WTF_CSRF_ENABLED",
            "is off: no request needs a CSRF token",
            "switch it on",
        );
        if reader.is_set("SECURITY_CSRF_PROTECT_MECHANISMS") {
            say(
                "SECURITY_CSRF_PROTECT_MECHANISMS",
                "has no effect while WTF_CSRF_ENABLED is off",
                "switch WTF_CSRF_ENABLED on, or remove this setting",
            );
        }
    }
    if !reader
        .list("SECURITY_HASHING_SCHEMES")
        .iter()
        .any(|scheme| scheme == "sha256_crypt")
    {
        say(
            "SECURITY_HASHING_SCHEMES",
            "does not include sha256_crypt: a Flask application that runs beside this server cannot verify the links in its emails",
            "add \"sha256_crypt\"",
        );
    }
    if !settings.csrf.logout_csrf {
        say(
            "SECURITY_LOGOUT_CSRF",
            "is off: sign-out needs no CSRF token (browsers' cross-site requests are refused regardless)",
            "switch it on if your front end sends the token",
        );
    }
    if settings.csrf.enabled
        && !settings.csrf.check_default
        && !settings
            .csrf
            .protect_mechanisms
            .contains(&Mechanism::Session)
    {
        say(
            "SECURITY_CSRF_PROTECT_MECHANISMS",
            "does not include session: requests with a session cookie need no CSRF token",
            "add \"session\"",
        );
    }
    if let Some(cookie) = &settings.csrf.cookie {
        if cookie.http_only {
            say(
                "SECURITY_CSRF_COOKIE",
                "is HttpOnly: your app's scripts cannot read the token",
                "set httponly = false, or have your app read csrf_token from the responses",
            );
        }
        let plain_http = settings
            .http
            .public_origin
            .as_deref()
            .is_some_and(|origin| origin.starts_with("http://") && !is_local(origin));
        if cookie.secure && plain_http {
            say(
                "SECURITY_CSRF_COOKIE",
                "is Secure, but SECURITY_PUBLIC_URL is plain HTTP: browsers accept the cookie only over HTTPS or on localhost",
                "serve over HTTPS, or set secure = false",
            );
        }
    }
    if settings.cors.rules.iter().any(CorsRule::lets_everybody_in) {
        say(
            "CORS_ORIGINS",
            "matches every origin: requests from any site are treated as your app's own",
            "list the origins of your apps",
        );
    }
    let mut bare: Vec<&String> = settings
        .cors
        .rules
        .iter()
        .flat_map(CorsRule::with_bare_dots)
        .collect();
    bare.sort();
    bare.dedup();
    for origin in bare {
        say(
            "CORS_ORIGINS",
            &format!("contains {origin:?}, where a dot matches any character"),
            "escape the dots of a host as \\. and use single quotes",
        );
    }
    if settings.session.cookie.same_site == Some(SameSite::None) {
        say(
            "SESSION_COOKIE_SAMESITE",
            "is None: browsers send the session cookie with requests from every site",
            "use Lax, unless your app runs on another site",
        );
    }
    if public && settings.keeps_mails_it_has_to_send() {
        advice.push(no_mail());
    }
    if public && settings.needs_mail() && matches!(settings.mail.route, MailRoute::Nowhere) {
        advice.push(Problem::new(
            "MAIL_BACKEND",
            "is set to discard every email, or MAIL_SUPPRESS_SEND is on: users receive no links",
            "set MAIL_SERVER and remove MAIL_BACKEND and MAIL_SUPPRESS_SEND",
        ));
    }
    if public {
        advice.extend(sms::not_sent(reader, &settings.sms));
    }
    advice.extend(sender(settings));
    advice.extend(sender::needs_smtputf8(&settings.mail));
    if let MailRoute::Smtp(smtp) = &settings.mail.route {
        advice.extend(mail_server::advise(smtp));
    }
    advice.extend(browser::advise(settings));
    advice.extend(salts::advise(reader, &settings.secrets));
    let mut say = |key: &str, what: &str, fix: &str| advice.push(Problem::new(key, what, fix));
    if public && settings.http.public_origin.is_none() {
        say(
            "SECURITY_PUBLIC_URL",
            "is not set: links in emails take their scheme and host from the request, so a client can choose them if a proxy passes on its X-Forwarded-Proto or X-Forwarded-Host header",
            "set it to the address that browsers use for this server, such as \"https://accounts.example.com\"",
        );
    }
    if public && !settings.session.cookie.secure {
        say(
            "SESSION_COOKIE_SECURE",
            "is off: browsers also send the session cookie over plain HTTP",
            "switch it on if users reach this server over HTTPS",
        );
    }
    if !settings.session.cookie.http_only {
        say(
            "SESSION_COOKIE_HTTPONLY",
            "is off: scripts can read the session cookie",
            "switch it on",
        );
    }
    if settings.debug {
        advice.push(debug());
    }
    let mut say = |key: &str, what: &str, fix: &str| advice.push(Problem::new(key, what, fix));
    if !settings.login.return_generic_responses {
        say(
            "SECURITY_RETURN_GENERIC_RESPONSES",
            "is off: a failed sign-in reveals whether the account exists",
            "switch it on, unless your front end needs these details",
        );
    }
    let registering_signs_in =
        !settings.login.confirmable || settings.login.login_without_confirmation;
    if settings.login.return_generic_responses
        && settings.accounts.register.enabled
        && registering_signs_in
    {
        let fix = if settings.login.confirmable {
            "set SECURITY_LOGIN_WITHOUT_CONFIRMATION = false"
        } else {
            "set SECURITY_CONFIRMABLE = true"
        };
        say(
            "SECURITY_RETURN_GENERIC_RESPONSES",
            "is on, but registration signs in immediately: /register reveals whether an address has an account, because only a new account is signed in",
            fix,
        );
    }
    let short = |key: &secrecy::SecretString| key.expose_secret().len() < 16;
    if settings.secrets.fallbacks.iter().any(short) {
        say(
            "SECRET_KEY_FALLBACKS",
            "contains a key shorter than 16 characters: an attacker who guesses it can sign sessions",
            "remove it as soon as the sessions signed with it may end",
        );
    }
    if settings.csrf.secret_key.as_ref().is_some_and(short) {
        say(
            "WTF_CSRF_SECRET_KEY",
            "is shorter than 16 characters: an attacker could guess it",
            "remove it, so that SECRET_KEY is used",
        );
    }
    let latin_1 = |text: &str| text.chars().all(|c| u32::from(c) < 256);
    if !latin_1(settings.secrets.secret_key.expose_secret()) {
        say(
            "SECRET_KEY",
            "contains characters outside Latin-1: Flask-Login cannot sign remember cookies with it",
            "choose another key if a Flask application shares these users",
        );
    }
    if let MailRoute::Smtp(smtp) = &settings.mail.route
        && smtp.username.is_some()
        && smtp.tls == SmtpTls::None
        && !BelievedHosts::Loopback.believe(&smtp.host)
    {
        say(
            "MAIL_USERNAME",
            "is set, but the connection is not encrypted: an attacker on the network can read MAIL_PASSWORD",
            "set MAIL_USE_TLS or MAIL_USE_SSL",
        );
    }
    if settings.password.length_min < 8 {
        say(
            "SECURITY_PASSWORD_LENGTH_MIN",
            "is less than 8: such short passwords are easy to guess",
            "remove it",
        );
    }
    if reader.flag("SECURITY_REDIRECT_ALLOW_SUBDOMAINS")
        && settings.redirect.subdomains_of.is_none()
    {
        say(
            "SECURITY_REDIRECT_ALLOW_SUBDOMAINS",
            "has no effect without SERVER_NAME",
            "set SERVER_NAME to your domain",
        );
    }
    if !reader
        .list("SECURITY_REDIRECT_ALLOWED_SUBDOMAINS")
        .is_empty()
        && settings.redirect.allowed_hosts.is_empty()
    {
        say(
            "SECURITY_REDIRECT_ALLOWED_SUBDOMAINS",
            "has no effect without SECURITY_REDIRECT_BASE_DOMAIN",
            "set SECURITY_REDIRECT_BASE_DOMAIN",
        );
    }
    if reader.flag("SECURITY_UNIFIED_SIGNIN")
        && reader.is_set("SECURITY_US_ENABLED_METHODS")
        && reader
            .list("SECURITY_US_ENABLED_METHODS")
            .iter()
            .any(|method| method == "sms")
        && !settings.identity.has("us_phone_number")
    {
        say(
            "SECURITY_US_ENABLED_METHODS",
            "contains \"sms\", but users cannot be identified by phone number",
            "add \"us_phone_number\" to SECURITY_USER_IDENTITY_ATTRIBUTES",
        );
    }
    if settings.redirect.redirect_host.is_some() && listening == Listening::Public {
        say(
            "SECURITY_REDIRECT_HOST",
            "is set: redirects to views lead to another host",
            "remove it in production",
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
            "trusts every address: clients can forge their IP address",
            "list only your proxies",
        );
    }
    if settings.oauth.enabled && settings.session.cookie.same_site == Some(SameSite::Strict) {
        say(
            "SESSION_COOKIE_SAMESITE",
            "is Strict: browsers do not send the session when a social provider sends them back, so that no user can sign in with one",
            "set it to \"Lax\"",
        );
    }
    let two_factor = &settings.two_factor;
    let by_mail = settings.unified.has(Method::Email)
        || settings.accounts.passwordless.enabled
        || settings.accounts.recover.enabled && settings.accounts.recover.auto_login;
    let same_channel = by_mail && two_factor.methods.contains(&Method::Email);
    if two_factor.enabled && two_factor.same_channel && same_channel {
        say(
            "SECURITY_TWO_FACTOR_SAME_CHANNEL",
            "is \"allow\": an attacker who reads a user's mail has both factors, a code or link that signs in and the code of the second factor",
            "set it to \"refuse\"",
        );
    }
    let in_apps = settings.unified.has(Method::Authenticator)
        || two_factor.enabled && two_factor.methods.contains(&Method::Authenticator);
    if reader.text("SECURITY_TOTP_ISSUER").is_empty() && in_apps {
        say(
            "SECURITY_TOTP_ISSUER",
            "is not set: authenticator apps show the name of the host",
            "set it to the name of your product",
        );
    }
    advice
}

/// The warning that no mail is sent.
pub(super) fn no_mail() -> Problem {
    Problem::new(
        "MAIL_SERVER",
        "is not set: no links and codes are sent, and the dev mailbox that shows them is for development only",
        "set it, or set MAIL_BACKEND",
    )
}

/// The warning that mails come from an address at this machine.
pub(super) fn sender(settings: &Settings) -> Option<Problem> {
    sender::at_localhost(&settings.mail)
}

/// The warning that refusals explain themselves.
pub(super) fn debug() -> Problem {
    Problem::new(
        "DEBUG",
        "is on: error responses explain failed checks to every client",
        "switch it off in production",
    )
}

/// Whether other machines can reach the server. A server behind a proxy listens on loopback, but
/// has a name that is not this machine's.
pub(super) fn is_public(settings: &Settings, listening: Listening) -> bool {
    let named = match &settings.http.hosts {
        BelievedHosts::Loopback => false,
        BelievedHosts::Listed(hosts) => hosts
            .iter()
            .any(|host| !BelievedHosts::Loopback.believe(host.trim_start_matches('.'))),
    };
    let origin = settings.http.public_origin.as_deref();
    listening == Listening::Public || named || origin.is_some_and(|origin| !is_local(origin))
}

/// Whether an origin is on this machine, which browsers trust even over plain HTTP.
pub(super) fn is_local(origin: &str) -> bool {
    let host = origin.split("://").nth(1).unwrap_or_default();
    BelievedHosts::Loopback.believe(host)
}
