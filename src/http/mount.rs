use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::ORIGIN;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use pin_project_lite::pin_project;
use tower::{ServiceExt as _, service_fn};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_layer::Layer;
use tower_service::Service;

use super::{Body, Reader, Rejection, ResponseBody};

/// A part of the application that answers absolute paths of its own and leaves all others alone.
///
/// It sees whole requests with bounded bodies, and answers whole responses: a fault is a response
/// too. A panic costs its request a 500, nothing more.
pub trait Role: Send + Sync + 'static {
    /// What to do with a request that has this method and path; `None` passes it on.
    fn mount(&self, method: &Method, path: &str) -> Option<Mount>;

    /// Answers a request that [`Role::mount`] took.
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> BoxFuture<'static, Response<Body>>;

    /// Where browsers reach the application, such as `https://app.example`, if this part knows it:
    /// a form of ours then comes from there, and from nowhere else that has the same host.
    fn origin(&self) -> Option<&str> {
        None
    }

    /// Says why a request never came to [`Role::answer`], or why there is nothing to say of it.
    fn reject(&self, rejection: Rejection, reader: Reader) -> Response<Body>;
}

/// How a path is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The longest request body accepted, in bytes; beyond it the answer is 413.
    pub body_limit: usize,
    /// Whether it is a form of our own pages, which only our own origin may post.
    pub own_form: bool,
}

impl Mount {
    /// A page or form of ours: cross-origin posts are refused.
    pub const PAGE: Self = Self { body_limit: super::limits::FORM_BODY, own_form: true };
    /// An endpoint that other programs and sites call.
    pub const ENDPOINT: Self = Self { body_limit: super::limits::FORM_BODY, own_form: false };
}

/// A [`Role`] in front of an inner service.
#[derive(Debug)]
pub struct Mounted<R, S> {
    role: Arc<R>,
    inner: S,
}

impl<R, S: Clone> Clone for Mounted<R, S> {
    fn clone(&self) -> Self {
        Self { role: Arc::clone(&self.role), inner: self.inner.clone() }
    }
}

impl<R: Role, S> Mounted<R, S> {
    /// Puts `role` in front of `inner`.
    pub fn new(role: Arc<R>, inner: S) -> Self {
        Self { role, inner }
    }
}

impl<R, S, B, InnerBody> Service<Request<B>> for Mounted<R, S>
where
    R: Role,
    S: Service<Request<B>, Response = Response<InnerBody>>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<tower::BoxError>,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = MountFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.role.mount(request.method(), request.uri().path()) {
            None => MountFuture { state: State::Inner { future: self.inner.call(request) } },
            Some(mount) => {
                let future = Box::pin(answer(Arc::clone(&self.role), mount, request));
                MountFuture { state: State::Own { future } }
            }
        }
    }
}

/// Reads the body within its bound, checks the origin of our own forms, and asks the role.
pub(crate) async fn answer<R: Role, B>(
    role: Arc<R>,
    mount: Mount,
    request: Request<B>,
) -> Response<Body>
where
    B: http_body::Body + Send,
    B::Error: Into<tower::BoxError>,
{
    let (parts, body) = request.into_parts();
    let reader = Reader::of(&parts.headers);
    let whole = Limited::new(body, mount.body_limit).collect();
    let body = match tokio::time::timeout(super::limits::BODY_PATIENCE, whole).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return role.reject(Rejection::TooLarge, reader);
        }
        Ok(Err(_)) => return role.reject(Rejection::Invalid, reader),
        Err(_) => return role.reject(Rejection::TooSlow, reader),
    };
    let request = Request::from_parts(parts, body);
    let judge = Arc::clone(&role);
    let ask = async move {
        if !mount.own_form {
            return role.answer(request).await;
        }
        if comes_from_elsewhere(role.origin(), request.method(), request.headers()) {
            return role.reject(Rejection::CrossOrigin, reader);
        }
        let guard = Arc::clone(&role);
        let refuse = move |_: ProtectionError| guard.reject(Rejection::CrossOrigin, reader);
        let form = service_fn(move |request| {
            let role = Arc::clone(&role);
            async move { Ok::<_, Infallible>(role.answer(request).await) }
        });
        let csrf = CsrfLayer::new().with_rejection_response(refuse);
        let Ok(response) = csrf.layer(form).oneshot(request).await;
        response
    };
    AssertUnwindSafe(ask).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a request handler panicked");
        judge.reject(Rejection::Failed, reader)
    })
}

/// Whether a form was posted from another origin than ours, as far as a browser without Fetch
/// Metadata tells. Of two origins on one host tower-http's layer cannot tell which is ours: it knows
/// the `Host` header alone, and no scheme.
fn comes_from_elsewhere(own: Option<&str>, method: &Method, headers: &HeaderMap) -> bool {
    let Some(own) = own else { return false };
    !method.is_safe()
        && !headers.contains_key("sec-fetch-site")
        && headers.get_all(ORIGIN).iter().any(|origin| origin != own)
}

pin_project! {
    /// The response future of [`Mounted`].
    pub struct MountFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] future: F },
        Own { future: BoxFuture<'static, Response<Body>> },
    }
}

impl<F, InnerBody, E> Future for MountFuture<F>
where
    F: Future<Output = Result<Response<InnerBody>, E>>,
{
    type Output = Result<Response<ResponseBody<InnerBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Inner { future } => {
                future.poll(cx).map_ok(|response| response.map(ResponseBody::inner))
            }
            StateProjection::Own { future } => {
                future.as_mut().poll(cx).map(|response| Ok(response.map(ResponseBody::own)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http_body_util::Full;

    use super::*;
    use crate::http::respond;

    struct Echo;

    impl Role for Echo {
        fn mount(&self, _: &Method, path: &str) -> Option<Mount> {
            match path {
                "/own" => Some(Mount { body_limit: 8, ..Mount::PAGE }),
                "/open" | "/panic" => Some(Mount::ENDPOINT),
                _ => None,
            }
        }

        fn answer(self: Arc<Self>, request: Request<Bytes>) -> BoxFuture<'static, Response<Body>> {
            Box::pin(async move {
                assert_ne!(request.uri().path(), "/panic", "asked to");
                Response::new(Body::from(request.into_body()))
            })
        }

        fn origin(&self) -> Option<&str> {
            Some("https://app.example")
        }

        fn reject(&self, rejection: Rejection, reader: Reader) -> Response<Body> {
            let told = format!("{} {reader:?}", rejection.code());
            respond::plain(rejection.status(), "text/plain", told)
        }
    }

    async fn post(path: &str, body: &'static str, origin: &str) -> (StatusCode, Bytes) {
        let inner = service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Full::from("inner")))
        });
        let request = Request::post(path)
            .header("host", "app.example")
            .header("origin", origin)
            .header("accept", "text/html")
            .body(Full::from(body))
            .unwrap();
        let Ok(response) = Mounted::new(Arc::new(Echo), inner).oneshot(request).await;
        (response.status(), response.into_body().collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn a_role_answers_its_own_paths_and_passes_the_rest_on() {
        assert_eq!(post("/open", "x", "https://app.example").await, (StatusCode::OK, "x".into()));
        assert_eq!(post("/else", "x", "https://app.example").await.1, "inner");
    }

    #[tokio::test]
    async fn a_form_of_ours_cannot_be_posted_from_elsewhere() {
        assert_eq!(post("/own", "x", "https://app.example").await.0, StatusCode::OK);
        for elsewhere in [
            "https://evil.example",
            "http://app.example",
            "https://app.example:444",
            "https://app.example.evil.example",
            "null",
            "",
        ] {
            let refused = post("/own", "x", elsewhere).await;
            let expected = (StatusCode::FORBIDDEN, "cross_origin Person".into());
            assert_eq!(refused, expected, "{elsewhere}");
        }
        assert_eq!(post("/open", "x", "https://evil.example").await.0, StatusCode::OK);
    }

    /// A body of which a part comes, and nothing more.
    struct Stalled(Option<Bytes>);

    impl http_body::Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            match self.0.take() {
                Some(part) => Poll::Ready(Some(Ok(http_body::Frame::data(part)))),
                None => Poll::Pending,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let inner = service_fn(|_: Request<Stalled>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("inner")))
        });
        let request = Request::post("/open").body(Stalled(Some("a=".into()))).unwrap();
        let began = tokio::time::Instant::now();
        let Ok(response) = Mounted::new(Arc::new(Echo), inner).oneshot(request).await;
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
        assert!(began.elapsed() < 2 * crate::http::limits::BODY_PATIENCE);
    }

    #[tokio::test]
    async fn a_long_body_and_a_panic_cost_one_request() {
        let long = post("/own", "123456789", "https://app.example").await;
        assert_eq!(long, (StatusCode::PAYLOAD_TOO_LARGE, "request_too_large Person".into()));
        let panicked = post("/panic", "", "https://app.example").await;
        assert_eq!(panicked, (StatusCode::INTERNAL_SERVER_ERROR, "server_error Person".into()));
    }
}
