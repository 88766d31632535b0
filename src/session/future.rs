use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::config::Config;
use super::{Session, SessionError};
use crate::http::{Reader, Rejection, ResponseBody};
use crate::page::{Rejected, reject};
use crate::scope::CurrentScope;

pin_project! {
    /// The response future of [`SessionService`](super::SessionService).
    pub struct SessionFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future, S::Response>,
        excuse: Excuse,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, R> {
        Loading { load: BoxFuture<'static, Result<Session, SessionError>>, next: Option<(S, Request<B>)> },
        Calling { #[pin] future: F, session: Session },
        Committing { commit: BoxFuture<'static, Result<(), SessionError>>, session: Session, response: Option<R> },
    }
}

impl<S, B> SessionFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn loading(
        load: impl Future<Output = Result<Session, SessionError>> + Send + 'static,
        inner: S,
        request: Request<B>,
        excuse: Excuse,
    ) -> Self {
        let state = State::Loading { load: Box::pin(load), next: Some((inner, request)) };
        Self { state, excuse }
    }

    pub(super) fn calling(
        session: Session,
        inner: &mut S,
        request: Request<B>,
        excuse: Excuse,
    ) -> Self {
        Self { state: call(session, inner, request), excuse }
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
    // Who calls with an API credential is whom the credential stands for, whatever the cookie says.
    let by_credential =
        |scope: &CurrentScope| scope.account().is_some() && scope.authentication().is_none();
    if !extensions.get().is_some_and(by_credential) {
        extensions.insert(session.scope());
    }
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
        let this = self.project();
        let (mut state, excuse) = (this.state, this.excuse);
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Loading { load, next } => {
                    match (ready!(load.as_mut().poll(cx)), next.take()) {
                        (Ok(session), Some((mut inner, request))) => {
                            call(session, &mut inner, request)
                        }
                        (Err(error), _) => return Poll::Ready(Ok(excuse.unavailable(&error))),
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
                StateProjection::Calling { future, session } => {
                    let response = ready!(future.poll(cx))?;
                    if !session.is_changed() {
                        return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                    }
                    let (session, handle) = (session.clone(), session.clone());
                    // What a handler that failed had put into the session is not to be relied on.
                    let save_data = !response.status().is_server_error();
                    let commit = Box::pin(async move { handle.commit(save_data).await });
                    State::Committing { commit, session, response: Some(response) }
                }
                StateProjection::Committing { commit, session, response } => {
                    let committed = ready!(commit.as_mut().poll(cx));
                    let Some(response) = response.take() else { return Poll::Pending };
                    let response = match committed {
                        Ok(()) => response.map(ResponseBody::inner),
                        Err(error) => excuse.unavailable(&error),
                    };
                    // Whatever became of the data: a token that was rotated opens nothing any more.
                    return Poll::Ready(Ok(with_cookie(response, session.cookie())));
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

/// What is said, and to whom, when a session cannot be loaded or saved.
pub(super) struct Excuse {
    pub(super) config: Arc<Config>,
    pub(super) reader: Reader,
}

impl Excuse {
    fn unavailable<T>(&self, error: &SessionError) -> Response<ResponseBody<T>> {
        tracing::error!(%error, "a session could not be loaded or saved");
        let page = Rejected::new(Rejection::Unavailable);
        let mut response = reject(&*self.config.pages, self.reader, &page);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        response.map(ResponseBody::own)
    }
}
