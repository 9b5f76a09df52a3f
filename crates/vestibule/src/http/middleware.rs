//! The middleware around every request.
//!
//! In this order: it gives the request an ID, determines where the request comes from, checks the
//! `Host`, applies CORS, and checks whether another site may send the request. Then it runs the
//! handler within a time limit, catching panics. Last, it adds the security headers and writes one
//! log line.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::response::Response;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tower::{Layer, Service, ServiceExt as _};
use tracing::Instrument as _;

use super::cors::Asked;
use super::reject::Rejection;
use super::request_info::{RequestHead, RequestInfo};
use super::trust::origin::OwnOrigin;
use super::trust::{self, Peer, cross_site};
use crate::app::App;
use crate::messages::catalogue::Locale;
use crate::messages::{Explanation, Message};

/// The accepted size of the headers, in bytes and in lines. The connection itself accepts a little
/// more, so that a refusal can explain itself.
const HEADERS_LIMIT: (usize, usize) = (32 * 1024, 100);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What kind of endpoint a request is for, which decides what is checked beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surface {
    /// The account endpoints.
    Accounts,
    /// The health checks. Load balancers address them by IP address, so any `Host` is accepted.
    Probe,
    /// The account endpoints that other sites send the browser to, also by a form.
    Callbacks,
    /// A route of an embedding application, which may be a WebSocket.
    Application,
}

/// The layer around our own routes.
#[derive(Debug, Clone)]
pub(crate) struct Around {
    app: App,
    surface: Surface,
}

impl Around {
    /// Around the account endpoints.
    pub(crate) fn accounts(app: &App) -> Self {
        Self {
            app: app.clone(),
            surface: Surface::Accounts,
        }
    }

    /// Around the account endpoints that accept requests of other sites.
    pub(crate) fn callbacks(app: &App) -> Self {
        Self {
            app: app.clone(),
            surface: Surface::Callbacks,
        }
    }

    /// Around the health checks.
    pub(crate) fn probes(app: &App) -> Self {
        Self {
            app: app.clone(),
            surface: Surface::Probe,
        }
    }
}

impl<S> Layer<S> for Around {
    type Service = Surrounded<S>;

    fn layer(&self, inner: S) -> Surrounded<S> {
        Surrounded {
            around: self.clone(),
            inner: Arc::new(inner),
        }
    }
}

/// A route inside [`Around`]. axum clones it for each request, more than once, and a clone of a
/// route copies every layer below it, so the route is shared.
#[derive(Debug)]
pub(crate) struct Surrounded<S> {
    around: Around,
    inner: Arc<S>,
}

impl<S> Clone for Surrounded<S> {
    fn clone(&self) -> Self {
        Self {
            around: self.around.clone(),
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<S> Service<Request> for Surrounded<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The clone that serves the request waits until it is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Around { app, surface } = self.around.clone();
        let inner = S::clone(&self.inner);
        Box::pin(async move { Ok(enter(&app, surface, request, inner).await) })
    }
}

async fn enter<S>(app: &App, surface: Surface, request: Request, inner: S) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let secure = request
        .extensions()
        .get::<RequestInfo>()
        .map(RequestInfo::secure);
    let run = async move |request| {
        let Ok(response) = inner.oneshot(request).await;
        response
    };
    // If the embedding application is itself inside this middleware, only the headers of our own
    // responses remain to be added.
    let (secure, mut response) = match secure {
        Some(secure) => (secure, run(request).await),
        None => enclose(app, surface, request, |_, request| run(request)).await,
    };
    app.settings()
        .http
        .apply_security_headers(secure, response.headers_mut());
    response
}

/// The same around an application's routes, whose security headers are left to the application.
pub(crate) async fn surround<F>(
    app: &App,
    request: Request,
    inner: impl FnOnce(RequestInfo, Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    enclose(app, Surface::Application, request, inner).await.1
}

/// Runs the checks and the handler. Returns whether the client used TLS, and the response.
async fn enclose<F>(
    app: &App,
    surface: Surface,
    mut request: Request,
    inner: impl FnOnce(RequestInfo, Request) -> F,
) -> (bool, Response)
where
    F: Future<Output = Response>,
{
    let started = Instant::now();
    let id = request_id(app, request.headers());
    let span = tracing::info_span!("request", id = %id);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let place = Place::of(&request);

    let handled = async {
        let (info, refusal) = settle(app, surface, &request, id.clone());
        let asked = Asked::of(request.method(), request.headers());
        request.extensions_mut().insert(info.clone());
        let work = async {
            match refusal {
                Some(rejection) => app.answer(&info, rejection),
                None => inner(info.clone(), request).await,
            }
        };
        let mut response = run(app, &info, work).await;
        app.cors()
            .decorate(&path, asked.as_ref(), response.headers_mut());
        if let Ok(value) = HeaderValue::try_from(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        log(&method, &place, info.address(), response.status(), started);
        (info.secure(), response)
    };
    handled.instrument(span).await
}

/// Collects the request info and decides whether the request is refused outright.
fn settle(
    app: &App,
    surface: Surface,
    request: &Request,
    id: String,
) -> (RequestInfo, Option<Rejection>) {
    let settings = &app.settings().http;
    let headers = request.headers();
    let peer = peer(request);
    let arrival = trust::locate(peer, headers, &settings.trusted_proxies, false);
    let host = arrival
        .forwarded_host
        .or_else(|| trust::sent_host(request.uri(), headers))
        .unwrap_or_default();
    let head = app.wants_the_request().then(|| RequestHead::of(request));
    let locale = locale_of(headers);
    let info = RequestInfo::new(id, arrival.address, arrival.secure, host, locale, head);

    if let Some(rejection) = too_many_headers(headers) {
        return (info, Some(rejection));
    }
    if surface != Surface::Probe && !settings.hosts.believe(info.host()) {
        let rejection = Rejection::new(StatusCode::BAD_REQUEST, Message::UntrustedHost)
            .explained(Explanation::host(info.host()));
        return (info, Some(rejection));
    }
    if surface == Surface::Callbacks {
        return (info, None);
    }
    let path = request.uri().path();
    let own = OwnOrigin::of(&info, settings);
    let allowed = |origin: &str| app.cors().allows(path, origin);
    let mut verdict = cross_site::check(request.method(), headers, &own, allowed);
    if surface == Surface::Application && verdict.is_ok() {
        verdict = cross_site::check_handshake(headers, &own, allowed);
    }
    let refusal = verdict.err();
    (info, refusal)
}

/// The available language that the client prefers.
fn locale_of(headers: &HeaderMap) -> Locale {
    let languages = headers.get(header::ACCEPT_LANGUAGE);
    Locale::negotiate(languages.and_then(|value| value.to_str().ok()))
}

/// The peer as recorded by our own listener, or else by the application's.
fn peer(request: &Request) -> Peer {
    let extensions = request.extensions();
    extensions.get::<Peer>().copied().unwrap_or_else(|| {
        extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(Peer::Unknown, |ConnectInfo(address)| Peer::Ip(address.ip()))
    })
}

fn too_many_headers(headers: &HeaderMap) -> Option<Rejection> {
    let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    let (bytes, lines) = (headers.iter().map(size).sum::<usize>(), headers.len());
    if bytes <= HEADERS_LIMIT.0 && lines <= HEADERS_LIMIT.1 {
        return None;
    }
    let rejection = Rejection::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Message::HeadersTooLarge,
    );
    Some(rejection.explained(Explanation::headers(lines, bytes)))
}

/// The request ID from a proxy if it is well-formed, or else a new one.
fn request_id(app: &App, headers: &HeaderMap) -> String {
    let plain = |id: &&str| {
        (8..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(plain)
        .map_or_else(|| app.next_request_id(), str::to_owned)
}

/// Runs the handler within the time limit; a panic becomes a 500.
async fn run(app: &App, info: &RequestInfo, work: impl Future<Output = Response>) -> Response {
    let work = AssertUnwindSafe(work).catch_unwind();
    let refuse = |status, message| {
        let own = || app.answer(info, Rejection::new(status, message));
        // The panic may come from the application's own response hook.
        catch_unwind(AssertUnwindSafe(own)).unwrap_or_else(|_| {
            Rejection::new(status, message)
                .into_reply(app.words(info), false)
                .into_response()
        })
    };
    match tokio::time::timeout(app.settings().http.request_timeout, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a handler panicked");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, Message::InternalError)
        }
        Err(_) => refuse(StatusCode::REQUEST_TIMEOUT, Message::RequestTimeout),
    }
}

/// The response for a method that the route does not support: the supported methods for OPTIONS,
/// 405 for all others.
pub(crate) fn other_method(
    app: &App,
    info: &RequestInfo,
    method: &Method,
    allow: &HeaderValue,
) -> Response {
    if method == Method::OPTIONS {
        let mut answer = Response::new(Body::empty());
        answer.headers_mut().insert(header::ALLOW, allow.clone());
        return answer;
    }
    let rejection = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, Message::MethodNotAllowed)
        .header(header::ALLOW, allow.clone());
    app.answer(info, rejection)
}

/// The response for a path without a route.
pub(crate) async fn not_found(
    State(app): State<App>,
    Extension(info): Extension<RequestInfo>,
) -> Response {
    let rejection = Rejection::new(StatusCode::NOT_FOUND, Message::NotFound);
    app.answer(&info, rejection)
}

/// The path of a request as it may be logged. It becomes text only if a line is written.
enum Place {
    /// The route, never the token in the path.
    Route(MatchedPath),
    /// The path of a request without a route.
    Path(Uri),
}

impl Place {
    fn of(request: &Request) -> Self {
        match request.extensions().get::<MatchedPath>() {
            Some(route) => Self::Route(route.clone()),
            None => Self::Path(request.uri().clone()),
        }
    }

    /// The path without its segments that are as long as a token.
    fn text(&self) -> Cow<'_, str> {
        /// Longer than any segment of our own paths, and shorter than any token.
        const LONG: usize = 32;
        let part = |part| if str::len(part) < LONG { part } else { "..." };
        match self {
            Self::Route(route) => route.as_str().into(),
            Self::Path(uri) => {
                let parts: Vec<&str> = uri.path().split('/').map(part).collect();
                parts.join("/").into()
            }
        }
    }
}

/// Logs one line for each request; a successful request that changes nothing only at debug level.
/// The query string is left out, as it may contain tokens.
fn log(
    method: &Method,
    place: &Place,
    address: Option<IpAddr>,
    status: StatusCode,
    started: Instant,
) {
    let status = status.as_u16();
    // A macro evaluates its fields only if the line is written.
    macro_rules! answered {
        ($level:ident) => {
            tracing::$level!(
                %method,
                path = &*place.text(),
                address = address.map(tracing::field::display),
                status,
                micros = started.elapsed().as_micros(),
                "answered"
            )
        };
    }
    if status < 400 && matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        answered!(debug);
    } else {
        answered!(info);
    }
}
