use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::refusal::Refusal;
use crate::http::{Body, ResponseBody};

pin_project! {
    /// The response future of [`Required`](super::Required).
    #[derive(Debug)]
    pub struct RequireFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F> {
        Inner { #[pin] future: F },
        Refused { response: Option<Response<Body>> },
    }
}

impl<F> RequireFuture<F> {
    pub(super) fn inner(future: F) -> Self {
        Self { state: State::Inner { future } }
    }

    pub(super) fn refused(response: Response<Body>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
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
            // Polled again after it was ready, a future may stay silent for ever.
            StateProjection::Refused { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(ResponseBody::own))),
                None => Poll::Pending,
            },
        }
    }
}

pin_project! {
    /// The response future of [`Permitted`](super::Permitted).
    pub struct PermittedFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: PermittedState<S, B, S::Future>,
    }
}

pin_project! {
    #[project = PermittedProjection]
    enum PermittedState<S, B, F> {
        Asking { ask: BoxFuture<'static, bool>, next: Option<(S, Request<B>)> },
        Answering { #[pin] future: RequireFuture<F> },
    }
}

impl<S: Service<Request<B>>, B> PermittedFuture<S, B> {
    pub(super) fn asking(ask: BoxFuture<'static, bool>, inner: S, request: Request<B>) -> Self {
        Self { state: PermittedState::Asking { ask, next: Some((inner, request)) } }
    }

    pub(super) fn refused(response: Response<Body>) -> Self {
        Self { state: PermittedState::Answering { future: RequireFuture::refused(response) } }
    }
}

impl<S, B, InnerBody> Future for PermittedFuture<S, B>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
{
    type Output = Result<Response<ResponseBody<InnerBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                PermittedProjection::Answering { future } => return future.poll(cx),
                PermittedProjection::Asking { ask, next } => {
                    let allowed = ready!(ask.as_mut().poll(cx));
                    let Some((mut inner, request)) = next.take() else { return Poll::Pending };
                    if allowed {
                        RequireFuture::inner(inner.call(request))
                    } else {
                        RequireFuture::refused(Refusal::NotPermitted.respond(&request))
                    }
                }
            };
            state.set(PermittedState::Answering { future });
        }
    }
}

impl<S: Service<Request<B>>, B> std::fmt::Debug for PermittedFuture<S, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PermittedFuture").finish_non_exhaustive()
    }
}
