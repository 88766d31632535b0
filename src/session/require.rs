use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use serde_json::json;
use tower_layer::Layer;
use tower_service::Service;

use crate::crypto::{Clock, SystemClock};
use crate::http::{Body, ResponseBody, ReturnTo, respond, wants_html};
use crate::scope::CurrentScope;

/// Lets only logged-in users through. Others get, if they are a browser, a redirect to the login
/// page with a `return_to`, else a 401 with a JSON body.
///
/// It needs a [`SessionLayer`](super::SessionLayer) around it; without one it lets nobody through.
#[derive(Clone, Debug)]
pub struct RequireUserLayer(Requirement);

/// Lets only users through who proved who they are within the last minutes. Others get, if they
/// are a browser, a redirect to the login page with a `return_to`, else a 403 with the JSON error
/// `reauthentication_required` (or what [`RequireUserLayer`] answers, if nobody is logged in).
#[derive(Clone, Debug)]
pub struct RequireSudoLayer(Requirement);

#[derive(Clone, Debug)]
struct Requirement {
    login_path: Arc<str>,
    /// Who asks for freshness, asks a clock.
    fresh: Option<Arc<dyn Clock>>,
}

impl Default for RequireUserLayer {
    fn default() -> Self {
        Self::new("/login")
    }
}

impl RequireUserLayer {
    /// Sends browsers to this path to log in.
    pub fn new(login_path: &str) -> Self {
        Self(Requirement { login_path: login_path.into(), fresh: None })
    }
}

impl Default for RequireSudoLayer {
    fn default() -> Self {
        Self::new("/login")
    }
}

impl RequireSudoLayer {
    /// Sends browsers to this path to log in, again.
    pub fn new(login_path: &str) -> Self {
        let fresh: Arc<dyn Clock> = Arc::new(SystemClock);
        Self(Requirement { login_path: login_path.into(), fresh: Some(fresh) })
    }

    /// Another clock; for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.0.fresh = Some(clock);
        self
    }
}

impl<S> Layer<S> for RequireUserLayer {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService { requirement: self.0.clone(), inner }
    }
}

impl<S> Layer<S> for RequireSudoLayer {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService { requirement: self.0.clone(), inner }
    }
}

/// The service that the requirement layers make.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    requirement: Requirement,
    inner: S,
}

impl<S, B, InnerBody> Service<Request<B>> for RequireService<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = RequireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.requirement.refusal(&request) {
            None => RequireFuture { state: State::Inner { future: self.inner.call(request) } },
            Some(refusal) => RequireFuture { state: State::Refused { refusal: Some(refusal) } },
        }
    }
}

impl Requirement {
    fn refusal<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let scope = request.extensions().get::<CurrentScope>();
        if scope.is_none() {
            tracing::error!("a requirement layer has no SessionLayer around it");
        }
        match (scope.and_then(CurrentScope::authentication), &self.fresh) {
            (Some(_), None) => None,
            (Some(authentication), Some(clock)) => {
                let fresh = authentication.fresh_until.is_some_and(|until| clock.now() < until);
                (!fresh).then(|| {
                    self.turn_away(request, StatusCode::FORBIDDEN, "reauthentication_required")
                })
            }
            (None, _) => {
                Some(self.turn_away(request, StatusCode::UNAUTHORIZED, "authentication_required"))
            }
        }
    }

    fn turn_away<B>(
        &self,
        request: &Request<B>,
        status: StatusCode,
        error: &'static str,
    ) -> Response<Body> {
        if !wants_html(request.headers()) {
            return respond::json(status, &json!({ "error": error }));
        }
        // Only a GET can be repeated by following a link.
        let returns = request.method() == Method::GET;
        let target = request.uri().path_and_query().map(|target| target.as_str());
        match target.filter(|_| returns).and_then(ReturnTo::parse) {
            Some(target) => {
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("return_to", target.as_str())
                    .finish();
                respond::see_other(&format!("{}?{query}", self.login_path))
            }
            None => respond::see_other(&self.login_path),
        }
    }
}

pin_project! {
    /// The response future of [`RequireService`].
    pub struct RequireFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] future: F },
        Refused { refusal: Option<Response<Body>> },
    }
}

impl<F, InnerBody, E> Future for RequireFuture<F>
where
    F: Future<Output = Result<Response<InnerBody>, E>>,
{
    type Output = Result<Response<ResponseBody<InnerBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Inner { future } => {
                future.poll(cx).map_ok(|response| response.map(ResponseBody::inner))
            }
            StateProjection::Refused { refusal } => match refusal.take() {
                Some(refusal) => Poll::Ready(Ok(refusal.map(ResponseBody::own))),
                None => Poll::Pending,
            },
        }
    }
}
