use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::Session;
use crate::http::{ResponseBody, respond};
use crate::store::StoreError;

pin_project! {
    /// The response future of [`SessionService`](super::SessionService).
    pub struct SessionFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, R> {
        Loading { load: BoxFuture<'static, Result<Session, StoreError>>, next: Option<(S, Request<B>)> },
        Calling { #[pin] future: F, session: Session },
        Committing { commit: BoxFuture<'static, Result<Option<HeaderValue>, StoreError>>, response: Option<R> },
    }
}

impl<S, B> SessionFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn loading(
        load: impl Future<Output = Result<Session, StoreError>> + Send + 'static,
        inner: S,
        request: Request<B>,
    ) -> Self {
        Self { state: State::Loading { load: Box::pin(load), next: Some((inner, request)) } }
    }

    pub(super) fn calling(session: Session, inner: &mut S, request: Request<B>) -> Self {
        Self { state: call(session, inner, request) }
    }
}

/// Shows the session to the inner service.
fn call<S, B>(
    session: Session,
    inner: &mut S,
    mut request: Request<B>,
) -> State<S, B, S::Future, S::Response>
where
    S: Service<Request<B>>,
{
    let extensions = request.extensions_mut();
    extensions.insert(session.scope());
    extensions.insert(session.data());
    extensions.insert(session.clone());
    State::Calling { future: inner.call(request), session }
}

impl<S, B, InnerBody> Future for SessionFuture<S, B>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
{
    type Output = Result<Response<ResponseBody<InnerBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Loading { load, next } => {
                    match (ready!(load.as_mut().poll(cx)), next.take()) {
                        (Ok(session), Some((mut inner, request))) => {
                            call(session, &mut inner, request)
                        }
                        (Err(error), _) => return Poll::Ready(Ok(unavailable(&error))),
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
                StateProjection::Calling { future, session } => {
                    let response = ready!(future.poll(cx))?;
                    if !session.is_changed() {
                        return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                    }
                    let session = session.clone();
                    // What a handler that failed had put into the session is not to be relied on.
                    let save_data = !response.status().is_server_error();
                    let commit = Box::pin(async move { session.commit(save_data).await });
                    State::Committing { commit, response: Some(response) }
                }
                StateProjection::Committing { commit, response } => {
                    let cookie = ready!(commit.as_mut().poll(cx));
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(match cookie {
                        Ok(cookie) => with_cookie(response.map(ResponseBody::inner), cookie),
                        Err(error) => unavailable(&error),
                    }));
                }
            };
            state.set(next);
        }
    }
}

/// Adds the cookie, and keeps caches from handing it to others, whatever the inner service allows.
fn with_cookie<T>(mut response: Response<T>, cookie: Option<HeaderValue>) -> Response<T> {
    if let Some(cookie) = cookie {
        let headers = response.headers_mut();
        headers.append(SET_COOKIE, cookie);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn unavailable<T>(error: &StoreError) -> Response<ResponseBody<T>> {
    tracing::error!(%error, "the session store failed");
    let mut response = respond::status(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response.map(ResponseBody::own)
}
