//! Authorizing requests on behalf of another server: nginx's `auth_request`, Traefik's
//! `ForwardAuth`, Caddy's `forward_auth`.
//!
//! Routes    `GET /authz`
//! Query     `methods`, `roles_required`, `roles_accepted`, `permissions_required`,
//!           `permissions_accepted`, `within`, `grace` (both in seconds)
//! Settings  `CSRF_PROTECT_MECHANISMS`, `FRESHNESS_GRACE_PERIOD`
//! Messages  `UNAUTHENTICATED`, `REAUTHENTICATION_REQUIRED`, `UNAUTHORIZED`, `AUTHZ_QUERY`, the
//!           CSRF messages
//! Mails     none
//! Hooks     `Unauthenticated`
//! Never     reads the path, the host or the identity headers of the judged request; sends a cookie
//!           other than the session cookie

mod document;

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use vestibule_store::{Role, User};

use crate::app::App;
use crate::http::fault::{Fault, HandlerError};
use crate::http::query::Query;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::requirement::Access;
use crate::http::trust::origin::OwnOrigin;
use crate::http::trust::{cross_site, forward_auth};
use crate::identity;
use crate::messages::{Explanation, Message};
use crate::openapi::Endpoint;
use crate::session::auth_policy::{self, AuthPolicy};
use crate::session::caller::Caller;
use crate::session::csrf::{self, Evidence};
use crate::session::grace::ChosenBy;
use crate::session::request::RequestContext;
use crate::settings::Mechanism;

const USER: HeaderName = HeaderName::from_static("x-auth-user");
const USER_ID: HeaderName = HeaderName::from_static("x-auth-user-id");
const ROLES: HeaderName = HeaderName::from_static("x-auth-roles");
const PERMISSIONS: HeaderName = HeaderName::from_static("x-auth-permissions");

/// The endpoints of this feature.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::at("/authz").get(get, document::decide)]
}

/// `GET /authz`: decides whether the judged request may pass.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    request.session.send_one_cookie();
    let outcome = decide(&app, &mut request).await;
    let mut response = request.finish(&app, outcome);
    // The reply holds for this caller and this moment only, so it must never be cached.
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    response
}

async fn decide(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let conditions = Conditions::read(app, &request.query)?;
    auth_policy::authenticate(
        app,
        &mut request.session,
        &conditions.policy,
        &request.credentials,
    )
    .await?;
    let method = forward_auth::unsafe_method(&request.headers);
    check_origin(app, request, method.as_ref())?;
    if let Some(method) = method {
        let evidence = Evidence::without_body(app, &method, &request.headers);
        // Proxies understand 401 and 403, and turn any other refusal into a server error.
        csrf::check_caller(app, &mut request.session, &evidence)
            .map_err(|rejection| rejection.with_status(StatusCode::FORBIDDEN))?;
    }
    let Some(caller) = request.session.caller() else {
        return Err(Fault::Internal(
            "the authentication policy accepted a request without a caller".to_owned(),
        )
        .into());
    };
    let roles = caller.roles(app).await?;
    conditions.access.check(&roles)?;
    let mut reply = Reply::ok();
    for (name, value) in identity_headers(app, &caller.user, &roles) {
        reply = reply.header(name, value);
    }
    Ok(reply)
}

/// Checks the origin that the browser states for the judged request, as for requests to this
/// server, if a session cookie identifies the caller.
///
/// A WebSocket handshake carries no CSRF token, so this is its only check.
fn check_origin(
    app: &App,
    request: &RequestContext,
    method: Option<&Method>,
) -> Result<(), Rejection> {
    let by_session = |caller: &Caller| caller.via == Mechanism::Session;
    if !request.session.caller().is_some_and(by_session) {
        return Ok(());
    }
    let settings = &app.settings().http;
    let own = OwnOrigin::of(request.session.info(), settings);
    let allowed = |origin: &str| app.cors().allows(&settings.url_prefix, origin);
    match method {
        Some(method) => cross_site::check(method, &request.headers, &own, allowed),
        None => cross_site::check_handshake(&request.headers, &own, allowed),
    }
}

/// The conditions in the query.
#[derive(Debug)]
struct Conditions {
    policy: AuthPolicy,
    access: Access,
}

impl Conditions {
    /// Reads the query. An unknown parameter is refused rather than ignored: a misspelt condition
    /// must not grant access to every caller.
    fn read(app: &App, query: &Query) -> Result<Self, Rejection> {
        let mut conditions = Self {
            policy: AuthPolicy {
                chosen_by: ChosenBy::Client,
                ..AuthPolicy::session_or_token()
            },
            access: Access::default(),
        };
        let mut seen = Vec::new();
        for (name, value) in query.all() {
            if seen.contains(&name) {
                return Err(refuse(name, "is repeated"));
            }
            seen.push(name);
            match name {
                "methods" => {
                    conditions.policy.methods = list(name, value)?
                        .iter()
                        .map(|method| Mechanism::from_name(method))
                        .collect::<Option<_>>()
                        .ok_or_else(|| refuse(name, "names an unknown authentication method"))?;
                }
                "roles_required" => conditions.access.roles_required = list(name, value)?,
                "roles_accepted" => conditions.access.roles_accepted = list(name, value)?,
                "permissions_required" => {
                    conditions.access.permissions_required = list(name, value)?;
                }
                "permissions_accepted" => {
                    conditions.access.permissions_accepted = list(name, value)?;
                }
                "within" => conditions.policy.within = Some(seconds(name, value)?),
                "grace" => conditions.policy.grace = Some(seconds(name, value)?),
                _ if name == app.settings().token.parameter => {}
                _ => return Err(refuse(name, "is not known")),
            }
        }
        if conditions
            .policy
            .within
            .is_some_and(|within| within.is_zero())
        {
            return Err(refuse("within", "must be more than 0 seconds"));
        }
        Ok(conditions)
    }
}

fn list(name: &str, value: &str) -> Result<Vec<String>, Rejection> {
    let items: Vec<String> = value
        .split(',')
        .map(|item| item.trim().to_owned())
        .collect();
    if items.iter().any(String::is_empty) {
        return Err(refuse(name, "is empty or has an empty item"));
    }
    Ok(items)
}

fn seconds(name: &str, value: &str) -> Result<Duration, Rejection> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse::<u32>() {
        Ok(seconds) if digits => Ok(Duration::from_secs(seconds.into())),
        _ => Err(refuse(name, "is not a number of seconds")),
    }
}

fn refuse(name: &str, what: &str) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, Message::AuthzQuery)
        .explained(Explanation::authz_query(name, what))
}

/// The headers that identify the caller to the server behind the proxy.
fn identity_headers(app: &App, user: &User, roles: &[Role]) -> Vec<(HeaderName, HeaderValue)> {
    let mut permissions: Vec<&str> = roles
        .iter()
        .flat_map(|role| &role.permissions)
        .map(String::as_str)
        .collect();
    permissions.sort_unstable();
    permissions.dedup();
    // Every header is sent, even if empty: in place of a missing one, a proxy may pass on the
    // header of the client.
    let identity = identity::of(app, user).and_then(plain);
    let mut headers = vec![
        (USER_ID, HeaderValue::from(user.id.0)),
        (
            USER,
            identity.unwrap_or_else(|| HeaderValue::from_static("")),
        ),
    ];
    let names = joined(roles.iter().map(|role| role.name.as_str()));
    headers.extend([
        (ROLES, names),
        (PERMISSIONS, joined(permissions.into_iter())),
    ]);
    headers
}

/// Whether a text is unambiguous as a header value: it has no control characters, which could end
/// the line, and no surrounding white space, which readers would trim.
fn is_plain(text: &str) -> bool {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return true;
    }
    !text.chars().any(char::is_control) && text.trim() == text
}

/// A header value for a text, if the text is unambiguous as one.
fn plain(text: &str) -> Option<HeaderValue> {
    is_plain(text)
        .then(|| HeaderValue::from_bytes(text.as_bytes()).ok())
        .flatten()
}

/// Joins names by commas. A name that contains a comma is left out, since it would read as two.
fn joined<'a>(names: impl Iterator<Item = &'a str>) -> HeaderValue {
    let unmistakable = |name: &&str| {
        let fits = !name.is_empty() && !name.contains(',') && is_plain(name);
        if !fits {
            tracing::warn!(
                name,
                "a name was left out of the headers, because it would be ambiguous there"
            );
        }
        fits
    };
    let line: Vec<&str> = names.filter(unmistakable).collect();
    plain(&line.join(",")).unwrap_or_else(|| HeaderValue::from_static(""))
}
