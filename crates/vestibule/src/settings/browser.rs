//! How browsers treat our cookies: detects settings with which they discard them, so that a sign-in
//! does not even last until the next request.

use super::check::is_host;
use super::cookie::CookieSettings;
use super::hosts::BelievedHosts;
use super::load::Problem;
use super::reader::Reader;
use super::{Settings, advice};

/// Refuses settings with which every sign-in fails.
pub(super) fn check(reader: &mut Reader<'_>, settings: &Settings) {
    cookie_domains(reader, settings);
    if settings.session.cookie.secure
        && let Some(origin) = plain_http(settings)
    {
        reader.problem(
            "SESSION_COOKIE_SECURE",
            format!("is on, but SECURITY_PUBLIC_URL is {origin:?}: browsers discard the session cookie over plain HTTP, so users do not stay signed in"),
            "serve over HTTPS and use https:// in SECURITY_PUBLIC_URL, or set SESSION_COOKIE_SECURE = false",
        );
    }
}

/// Warns about settings with which some requests fail, or all requests if there is no proxy.
pub(super) fn advise(settings: &Settings) -> Vec<Problem> {
    let mut advice = Vec::new();
    let prefix = &settings.http.url_prefix;
    let path = &settings.session.cookie.path;
    if !covers(path, &format!("{prefix}/")) {
        advice.push(Problem::new(
            "SESSION_COOKIE_PATH",
            format!("is {path:?} (possibly from APPLICATION_ROOT), but the endpoints are below \"{prefix}/\": unless a proxy changes the path, browsers never send the session cookie"),
            "remove SESSION_COOKIE_PATH and APPLICATION_ROOT, or set SESSION_COOKIE_PATH = \"/\"",
        ));
    }
    if plain_http(settings).is_some() {
        let cookies = [
            (
                "REMEMBER_COOKIE_SECURE",
                Some(&settings.session.remember.cookie),
                "no user is remembered",
            ),
            (
                "SECURITY_REFRESH_TOKEN_COOKIE",
                settings
                    .refresh
                    .cookie
                    .as_ref()
                    .filter(|_| settings.refresh.enabled),
                "no token can be refreshed",
            ),
        ];
        for (key, cookie, effect) in cookies {
            if cookie.is_some_and(|cookie| cookie.secure) {
                advice.push(Problem::new(
                    key,
                    format!("is Secure, but SECURITY_PUBLIC_URL is plain HTTP: browsers discard such a cookie, so {effect}"),
                    "serve over HTTPS",
                ));
            }
        }
    }
    if let (Some(host), BelievedHosts::Listed(hosts)) =
        (public_host(settings), &settings.http.hosts)
        && !settings.http.hosts.believe(host)
    {
        advice.push(Problem::new(
            "SECURITY_PUBLIC_URL",
            format!("is on {host}, which is not one of this server's hosts ({}): unless a proxy changes the Host header, every request is refused", hosts.join(", ")),
            "add it to TRUSTED_HOSTS",
        ));
    }
    advice
}

/// Browsers discard a cookie for a domain that the host is not part of.
fn cookie_domains(reader: &mut Reader<'_>, settings: &Settings) {
    let mut hosts = match &settings.http.hosts {
        BelievedHosts::Listed(hosts) => hosts.clone(),
        BelievedHosts::Loopback => vec!["localhost".to_owned()],
    };
    hosts.extend(public_host(settings).map(str::to_owned));
    let refresh = settings.refresh.cookie.as_ref();
    let cookies = [
        ("SESSION_COOKIE_DOMAIN", Some(&settings.session.cookie)),
        (
            "REMEMBER_COOKIE_DOMAIN",
            Some(&settings.session.remember.cookie),
        ),
        ("SECURITY_CSRF_COOKIE", settings.csrf.cookie.as_ref()),
        (
            "SECURITY_REFRESH_TOKEN_COOKIE",
            refresh.filter(|_| settings.refresh.enabled),
        ),
    ];
    for (key, cookie) in cookies {
        let Some(domain) = cookie.and_then(domain_of) else {
            continue;
        };
        let is_of = |host: &String| {
            let host = host.trim_start_matches('.').to_ascii_lowercase();
            let host = host.split(':').next().unwrap_or_default();
            host == domain || host.ends_with(&format!(".{domain}"))
        };
        if !hosts.iter().any(is_of) {
            reader.problem(
                key,
                format!("{domain:?} contains none of this server's hosts ({}), so browsers discard the cookie", hosts.join(", ")),
                "use a domain that contains your hosts, or remove it; hosts are set with TRUSTED_HOSTS or SERVER_NAME",
            );
        }
    }
}

fn domain_of(cookie: &CookieSettings) -> Option<String> {
    let domain = cookie.domain.as_deref()?.trim_start_matches('.');
    // An invalid host name is reported elsewhere.
    is_host(domain).then(|| domain.to_ascii_lowercase())
}

/// The public origin if it is plain HTTP and not on this machine.
fn plain_http(settings: &Settings) -> Option<&str> {
    let origin = settings.http.public_origin.as_deref()?;
    (origin.starts_with("http://") && !advice::is_local(origin)).then_some(origin)
}

fn public_host(settings: &Settings) -> Option<&str> {
    let origin = settings.http.public_origin.as_deref()?;
    origin.split("://").nth(1)
}

/// Whether a cookie for `path` is sent with requests for `requested` (RFC 6265, section 5.1.4).
fn covers(path: &str, requested: &str) -> bool {
    requested
        .strip_prefix(path)
        .is_some_and(|rest| path.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_cookie_path_covers_itself_and_the_paths_below_it() {
        for path in ["/", "/api", "/api/", "/api/accounts", "/api/accounts/"] {
            assert!(covers(path, "/api/accounts/"), "{path}");
        }
        for path in ["/app", "/ap", "/api/accounts/login", "/api/acc"] {
            assert!(!covers(path, "/api/accounts/"), "{path}");
        }
    }
}
