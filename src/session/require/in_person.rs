use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::refusal::Refusal;
use crate::audit::{Action, AuditLog, Entry};
use crate::crypto::{Clock, Random, SystemClock, SystemRandom};
use crate::http::ResponseBody;
use crate::scope::{Actor, CurrentScope};
use crate::session::Session;

/// Keeps out an administrator who acts as a user: for what only the user may do, such as to pay or to
/// sign. The answer is 403, and the denial is written into the audit log.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use donjon::audit::AuditLog;
/// use donjon::session::ForbidDuringImpersonationLayer;
/// use donjon::store::SqlStore;
///
/// let store = SqlStore::connect("sqlite::memory:").await?;
/// let payments: axum::Router = axum::Router::new()
///     .layer(ForbidDuringImpersonationLayer::new(AuditLog::new(&store)));
/// # drop(payments);
/// # Ok::<(), donjon::store::ConnectError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ForbidDuringImpersonationLayer {
    log: AuditLog,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl ForbidDuringImpersonationLayer {
    /// Writes its denials into this log.
    pub fn new(log: AuditLog) -> Self {
        Self { log, clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
    }

    /// Takes the time from this clock.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }
}

impl<S> Layer<S> for ForbidDuringImpersonationLayer {
    type Service = InPerson<S>;

    fn layer(&self, inner: S) -> InPerson<S> {
        InPerson { inner, guard: Arc::new(self.clone()) }
    }
}

/// A service behind a [`ForbidDuringImpersonationLayer`].
#[derive(Clone, Debug)]
pub struct InPerson<S> {
    inner: S,
    guard: Arc<ForbidDuringImpersonationLayer>,
}

impl<S, B, InnerBody> Service<Request<B>> for InPerson<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    InnerBody: Send + 'static,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let scope = request.extensions().get::<CurrentScope>();
        let refusal = match scope.map(CurrentScope::actor) {
            None => Refusal::NoSessionLayer,
            Some(Actor::Impersonator(_)) => Refusal::InPersonOnly,
            Some(_) => {
                let future = self.inner.call(request);
                return Box::pin(async move { Ok(future.await?.map(ResponseBody::inner)) });
            }
        };
        let entry = self.denial(&request);
        let (response, log) = (refusal.respond(&request), self.guard.log.clone());
        Box::pin(async move {
            if let Some(entry) = entry
                && let Err(error) = log.write(&entry).await
            {
                tracing::warn!(%error, "a denial during an impersonation was not written");
            }
            Ok(response.map(ResponseBody::own))
        })
    }
}

impl<S> InPerson<S> {
    fn denial<B>(&self, request: &Request<B>) -> Option<crate::audit::AuditEntry> {
        let scope = request.extensions().get::<CurrentScope>()?;
        let mut entry = Entry::new(Action::IMPERSONATION_DENIED)
            .within(scope)
            .refused()
            .with("path", request.uri().path());
        if let Some(session) = request.extensions().get::<Session>() {
            let device = session.device();
            entry = entry.from(device.address, device.user_agent.as_deref());
        }
        Some(entry.at(self.guard.clock.now(), &*self.guard.random))
    }
}
