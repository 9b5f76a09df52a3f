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

/// A layer that gives an application's own routes a session context, and adds its cookies to their
/// responses. Created by [`Vestibule::layer`](crate::Vestibule::layer).
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

/// A service inside [`VestibuleLayer`].
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
        // The instance that `poll_ready` found ready has to be the one that is called.
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let around = app.clone();
            let answer = middleware::surround(
                &around,
                request,
                move |info, mut request: Request| async move {
                    let slot = SessionSlot::new(app, info);
                    request.extensions_mut().insert(slot.clone());
                    let Ok(mut response) = inner.call(request).await;
                    slot.write_back(&mut response).await;
                    response
                },
            );
            Ok(answer.await)
        })
    }
}

/// Holds the session context of a request to the application, which is loaded on first use.
#[derive(Debug, Clone)]
pub(super) struct SessionSlot {
    pub(super) app: App,
    info: RequestInfo,
    session: Arc<Mutex<Option<SessionContext>>>,
}

impl SessionSlot {
    fn new(app: App, info: RequestInfo) -> Self {
        Self {
            app,
            info,
            session: Arc::default(),
        }
    }

    /// The slot that the layer put into a request.
    ///
    /// # Errors
    /// When the route is outside of the layer. No caller is then accepted.
    pub(super) fn of(parts: &Parts) -> Result<Self, Fault> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Fault::Internal("the route is not inside Vestibule::layer()".to_owned()))
    }

    /// Takes the session context out of the slot, or loads it on the first use.
    pub(super) async fn take(&self, parts: &mut Parts) -> Result<SessionContext, Response<Body>> {
        match self.session.lock().await.take() {
            Some(session) => Ok(session),
            None => SessionContext::from_request_parts(parts, &self.app).await,
        }
    }

    /// Puts the session context back for the next extractor and for the cookies of the response.
    pub(super) async fn put_back(&self, session: SessionContext) {
        *self.session.lock().await = Some(session);
    }

    async fn write_back(&self, response: &mut Response) {
        if let Some(session) = self.session.lock().await.take() {
            session.write_cookies(&self.app, response.headers_mut());
        }
    }

    /// The response to a refused request, from the application's own hook if it has one.
    pub(super) fn refuse(&self, refusal: HandlerError) -> Response {
        self.app.answer(&self.info, refusal)
    }
}
