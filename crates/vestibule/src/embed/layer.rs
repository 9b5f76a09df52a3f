//! The layer around an application.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request};
use axum::response::Response;
use http::request::Parts;
use tokio::sync::Mutex;
use tower::{Layer, Service};

use crate::app::App;
use crate::http::fault::{Fault, HandlerError};
use crate::http::middleware;
use crate::http::request_info::RequestInfo;
use crate::session::context::SessionContext;

/// Knows who is asking on an application's own routes, and sends back the cookies that this
/// calls for. Made by [`Vestibule::layer`](crate::Vestibule::layer).
#[derive(Debug, Clone)]
pub struct VestibuleLayer {
    app: App,
}

impl VestibuleLayer {
    pub(crate) fn new(app: App) -> Self {
        Self { app }
    }
}

impl<S> Layer<S> for VestibuleLayer {
    type Service = VestibuleService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VestibuleService {
            app: self.app.clone(),
            inner,
        }
    }
}

/// What [`VestibuleLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct VestibuleService<S> {
    app: App,
    inner: S,
}

impl<S> Service<Request> for VestibuleService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let app = self.app.clone();
        let clone = self.inner.clone();
        // The service that was found ready is the one that is called.
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let around = app.clone();
            let answer = middleware::surround(
                &around,
                request,
                move |info, mut request: Request| async move {
                    let asking = Asking::new(app, info);
                    request.extensions_mut().insert(asking.clone());
                    let Ok(mut response) = inner.call(request).await;
                    asking.write_back(&mut response).await;
                    response
                },
            );
            Ok(answer.await)
        })
    }
}

/// The visit behind a request to the application, loaded when somebody asks for it.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) app: App,
    info: RequestInfo,
    session: Arc<Mutex<Option<SessionContext>>>,
}

impl Asking {
    fn new(app: App, info: RequestInfo) -> Self {
        Self {
            app,
            info,
            session: Arc::default(),
        }
    }

    /// The one that the layer put into a request.
    ///
    /// # Errors
    /// When the route is not inside of the layer: then nobody is let in.
    pub(super) fn of(parts: &Parts) -> Result<Self, Fault> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Fault::Internal("the route is not inside Vestibule::layer()".to_owned()))
    }

    /// Takes the visit out, loading it if this is the first time.
    pub(super) async fn take(&self, parts: &mut Parts) -> Result<SessionContext, Response<Body>> {
        match self.session.lock().await.take() {
            Some(session) => Ok(session),
            None => SessionContext::from_request_parts(parts, &self.app).await,
        }
    }

    /// Puts it back, for the next one who asks and for the cookies.
    pub(super) async fn put_back(&self, session: SessionContext) {
        *self.session.lock().await = Some(session);
    }

    async fn write_back(&self, response: &mut Response) {
        if let Some(session) = self.session.lock().await.take() {
            session.write_cookies(&self.app, response.headers_mut());
        }
    }

    /// The answer to a refusal, in the application's own words if it has some.
    pub(super) fn refuse(&self, refusal: HandlerError) -> Response {
        self.app.answer(&self.info, refusal)
    }
}
