use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{HeaderMap, Request, Response};
use tower_service::Service;

use super::config::Config;
use super::{Session, SessionFuture};
use crate::crypto::OpaqueToken;
use crate::http::ResponseBody;
use crate::store::{Device, StoreError};

const USER_AGENT_LENGTH: usize = 512;

/// The service that [`SessionLayer`](super::SessionLayer) makes.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    config: Arc<Config>,
    inner: S,
}

impl<S> SessionService<S> {
    pub(super) fn new(config: Arc<Config>, inner: S) -> Self {
        Self { config, inner }
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
        let (parts, body) = request.into_parts();
        let device = device_of(&self.config, &parts);
        let (carried, token) = self.config.cookie.read(&parts.headers);
        match token {
            None => {
                let session = Session::anonymous(Arc::clone(&self.config), device, carried);
                SessionFuture::calling(session, &mut self.inner, Request::from_parts(parts, body))
            }
            Some(token) => {
                let load = load(Arc::clone(&self.config), token, device);
                // The clone takes the place of the service that `poll_ready` made ready.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                SessionFuture::loading(load, ready, Request::from_parts(parts, body))
            }
        }
    }
}

/// The session behind a cookie: one read, and one write if it was not used for a while.
async fn load(
    config: Arc<Config>,
    token: OpaqueToken,
    device: Device,
) -> Result<Session, StoreError> {
    let now = config.clock.now();
    let Some(mut stored) = config.store.load_session(&token.hash(), now).await? else {
        return Ok(Session::anonymous(config, device, true));
    };
    if now - stored.last_active_at >= config.lifetimes.activity {
        let idle_end = config.lifetimes.idle_end(stored.remembered, now);
        match config.store.touch_session(stored.id, now, idle_end).await {
            Ok(()) => (stored.last_active_at, stored.idle_expires_at) = (now, idle_end),
            // The request goes on; the next one tries again.
            Err(error) => tracing::warn!(%error, "activity of a session was not written"),
        }
    }
    Ok(Session::resumed(config, device, token, stored))
}

fn device_of(config: &Config, parts: &Parts) -> Device {
    Device {
        address: config.proxies.client_addr(&parts.headers, &parts.extensions),
        user_agent: user_agent(&parts.headers),
    }
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(http::header::USER_AGENT)?.to_str().ok()?;
    // Header text that `to_str` accepts is ASCII: every index is a boundary.
    text.get(..text.len().min(USER_AGENT_LENGTH)).map(str::to_owned)
}
