use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use crate::http::bearer::{self, Challenge};
use crate::http::{Body, ResponseBody, respond};

/// Why a request goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No token came.
    NoToken,
    /// The header came twice.
    Malformed,
    /// The token is not good.
    InvalidToken,
    /// The token lacks one of these scopes.
    InsufficientScope(String),
    /// Nobody can tell whether the token is revoked.
    Unavailable,
}

impl Refusal {
    /// RFC 6750, section 3.
    pub(super) fn into_response(self, realm: &str) -> Response<Body> {
        let (status, error, description) = match &self {
            Self::NoToken => {
                let mut response = respond::status(StatusCode::UNAUTHORIZED);
                bearer::challenge(response.headers_mut(), realm, None);
                return response;
            }
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The Authorization header is repeated.",
            ),
            Self::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "The access token is malformed, expired, revoked, or not for this API.",
            ),
            Self::InsufficientScope(_) => (
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "The access token lacks a scope that is needed here.",
            ),
            Self::Unavailable => {
                return bearer::unavailable(
                    "The list of revoked tokens is out of date; try again.",
                );
            }
        };
        let scope = match &self {
            Self::InsufficientScope(scope) => Some(scope.as_str()),
            _ => None,
        };
        bearer::refusal(status, realm, Challenge { error, description, scope })
    }
}

pin_project! {
    /// The response future of the layers in this module: a refusal, or what the inner service
    /// answers.
    pub struct GuardFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Refused { response: Option<Response<Body>> },
        Passed { #[pin] future: F },
    }
}

impl<F> GuardFuture<F> {
    pub(super) fn refused(response: Response<Body>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(super) fn passed(future: F) -> Self {
        Self { state: State::Passed { future } }
    }
}

impl<F, InnerBody, E> Future for GuardFuture<F>
where
    F: Future<Output = Result<Response<InnerBody>, E>>,
{
    type Output = Result<Response<ResponseBody<InnerBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Refused { response } => {
                let response = response.take().unwrap_or_default();
                Poll::Ready(Ok(response.map(ResponseBody::own)))
            }
            StateProjection::Passed { future } => {
                Poll::Ready(Ok(ready!(future.poll(cx))?.map(ResponseBody::inner)))
            }
        }
    }
}

impl<F> std::fmt::Debug for GuardFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GuardFuture")
    }
}
