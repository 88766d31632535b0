use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Request, Response};
use tower_service::Service;

use super::asked::Asked;
use super::config::{Config, SessionKind};
use super::cookie::Carried;
use super::future::Excuse;
use super::sweep::Sweeper;
use super::{Session, SessionError, SessionFuture};
use crate::crypto::OpaqueToken;
use crate::http::{Reader, ResponseBody, TrustedProxies};
use crate::store::Device;

const USER_AGENT_LENGTH: usize = 512;

/// The service that [`SessionLayer`](super::SessionLayer) makes.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    config: Arc<Config>,
    sweeper: Sweeper,
    inner: S,
}

impl<S> SessionService<S> {
    pub(super) fn new(config: Arc<Config>, sweeper: Sweeper, inner: S) -> Self {
        Self { config, sweeper, inner }
    }
}

impl<S, B, InnerBody> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>> + Clone,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = SessionFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.sweeper.start(&self.config);
        let config = Arc::clone(&self.config);
        let (mut parts, body) = request.into_parts();
        Asked::note(&mut parts);
        let device = device_of(&config.proxies, &parts.headers, &parts.extensions);
        let carried = config.cookie.read(&parts.headers);
        let reader = Reader::of(&parts.headers);
        let clears = !matches!(carried, Carried::Nothing) && reader == Reader::Person;
        let excuse = Excuse { config: Arc::clone(&config), reader };
        let request = Request::from_parts(parts, body);
        let Carried::Token { token, outdated } = carried else {
            let session = Session::anonymous(config, device, clears);
            return SessionFuture::calling(session, &mut self.inner, request, excuse);
        };
        let load = load(config, (token, outdated), device, clears);
        // The clone takes the place of the service that `poll_ready` made ready.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        SessionFuture::loading(load, ready, request, excuse)
    }
}

/// The session behind a cookie: one read, and one write if it was not used for a while or the host
/// says that its user changed.
///
/// A token that opens nothing may have been rotated while this request was on its way, and clearing
/// the cookie would take the new one. A page is hardly ever loaded at that very moment.
async fn load(
    config: Arc<Config>,
    (token, outdated): (OpaqueToken, bool),
    device: Device,
    clears: bool,
) -> Result<Session, SessionError> {
    let now = config.clock.now();
    let stored = match config.store.load_session(&token.hash(), now).await? {
        Some(stored) => config.refresh(stored, now).await?,
        None => None,
    };
    let Some(mut stored) = stored else {
        return Ok(Session::anonymous(config, device, clears));
    };
    config.reselect(&mut stored, &device, now).await;
    let kind = SessionKind::of(stored.login.as_ref(), stored.remembered);
    if config.lifetimes.is_due(kind, stored.last_active_at, now) {
        let idle_end = config.lifetimes.idle_end(kind, now);
        match config.store.touch_session(stored.id, now, idle_end).await {
            Ok(()) => (stored.last_active_at, stored.idle_expires_at) = (now, idle_end),
            // The request goes on; the next one tries again.
            Err(error) => tracing::warn!(%error, "activity of a session was not written"),
        }
    }
    Ok(Session::resumed(config, device, token, stored, outdated))
}

/// What is seen of who sends a request.
pub(crate) fn device_of(
    proxies: &TrustedProxies,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Device {
    Device { address: proxies.client_addr(headers, extensions), user_agent: user_agent(headers) }
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(http::header::USER_AGENT)?.to_str().ok()?;
    // Header text that `to_str` accepts is ASCII: every index is a boundary.
    text.get(..text.len().min(USER_AGENT_LENGTH)).map(str::to_owned)
}
