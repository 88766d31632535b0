use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{VerifiedToken, VerifyTokenError};
use crate::http::bearer::{self, Challenge};
use crate::http::{Body, ResponseBody, TrustedProxies};
use crate::session::{Session, device_of};
use crate::store::Device;

/// The protection space of a challenge, where no issuer is known.
const REALM: &str = "api";

/// A kind of bearer tokens of our own.
pub(in crate::account) trait Recognize: std::fmt::Debug + Send + Sync {
    /// Whether the text begins as these tokens do.
    fn is_like(&self, text: &str) -> bool;

    /// Looks at a token that somebody shows.
    fn verify<'a>(
        &'a self,
        text: &'a str,
        device: &'a Device,
    ) -> BoxFuture<'a, Result<VerifiedToken, VerifyTokenError>>;
}

/// The service of an [`ApiTokenLayer`](super::ApiTokenLayer), or of an
/// [`AppSessionLayer`](crate::account::app::AppSessionLayer).
#[derive(Clone, Debug)]
pub struct ApiTokenService<S> {
    inner: S,
    tokens: Arc<dyn Recognize>,
    proxies: TrustedProxies,
}

impl<S> ApiTokenService<S> {
    pub(in crate::account) fn new(
        inner: S,
        tokens: Arc<dyn Recognize>,
        proxies: TrustedProxies,
    ) -> Self {
        Self { inner, tokens, proxies }
    }

    fn device(&self, headers: &HeaderMap, extensions: &Extensions) -> Device {
        match extensions.get::<Session>() {
            Some(session) => session.device().clone(),
            None => device_of(&self.proxies, headers, extensions),
        }
    }
}

impl<S, B, InnerBody> Service<Request<B>> for ApiTokenService<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>> + Clone,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = ApiTokenFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let text = match bearer::token(request.headers()) {
            Ok(Some(text)) if self.tokens.is_like(text) => text.to_owned(),
            Ok(_) => return ApiTokenFuture::calling(self.inner.call(request)),
            Err(repeated) => {
                let challenge = Challenge {
                    error: "invalid_request",
                    description: "The Authorization header is repeated.",
                    scope: None,
                };
                tracing::debug!(%repeated, "a request was refused");
                return ApiTokenFuture::refused(bearer::refusal(
                    StatusCode::BAD_REQUEST,
                    REALM,
                    challenge,
                ));
            }
        };
        let device = self.device(request.headers(), request.extensions());
        let tokens = Arc::clone(&self.tokens);
        let verify = Box::pin(async move {
            let verified = tokens.verify(&text, &device).await;
            verified.map_err(refuse)
        });
        // The clone takes the place of the service that `poll_ready` made ready.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        ApiTokenFuture { state: State::Verifying { verify, next: Some((ready, request)) } }
    }
}

fn refuse(error: VerifyTokenError) -> Response<Body> {
    if let VerifyTokenError::Store(error) = error {
        tracing::error!(%error, "a token could not be looked up");
        return bearer::unavailable("Tokens cannot be looked up right now; try again.");
    }
    let challenge = Challenge {
        error: "invalid_token",
        description: "The token is malformed, expired or revoked.",
        scope: None,
    };
    bearer::refusal(StatusCode::UNAUTHORIZED, REALM, challenge)
}

pin_project! {
    /// The response future of [`ApiTokenService`].
    pub struct ApiTokenFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Verifying {
            verify: BoxFuture<'static, Result<VerifiedToken, Response<Body>>>,
            next: Option<(S, Request<B>)>,
        },
        Calling { #[pin] future: F },
        Refused { response: Option<Response<Body>> },
    }
}

impl<S, B> ApiTokenFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn calling(future: S::Future) -> Self {
        Self { state: State::Calling { future } }
    }

    fn refused(response: Response<Body>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }
}

impl<S, B, InnerBody> Future for ApiTokenFuture<S, B>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
{
    type Output = Result<Response<ResponseBody<InnerBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Verifying { verify, next } => {
                    match (ready!(verify.as_mut().poll(cx)), next.take()) {
                        (Ok(verified), Some((mut inner, mut request))) => {
                            request.extensions_mut().insert(verified.scope);
                            request.extensions_mut().insert(verified.credential);
                            State::Calling { future: inner.call(request) }
                        }
                        (Err(response), _) => State::Refused { response: Some(response) },
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
                StateProjection::Calling { future } => {
                    return future.poll(cx).map_ok(|response| response.map(ResponseBody::inner));
                }
                // Polled again after it was ready, a future may stay silent for ever.
                StateProjection::Refused { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response.map(ResponseBody::own))),
                    None => return Poll::Pending,
                },
            };
            state.set(next);
        }
    }
}

impl<S, B> std::fmt::Debug for ApiTokenFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiTokenFuture")
    }
}
