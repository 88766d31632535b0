use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response};
use tower_service::Service;

use crate::http::ResponseBody;
use crate::resource::GuardFuture;
use crate::resource::refusal::Refusal;
use crate::scope::Credential;

/// The protection space of a challenge, where no issuer is known.
const REALM: &str = "api";

/// The service of a [`RequireScopeLayer`](super::RequireScopeLayer).
#[derive(Clone, Debug)]
pub struct RequireScope<S> {
    inner: S,
    scopes: Arc<[String]>,
}

impl<S> RequireScope<S> {
    pub(super) fn new(inner: S, scopes: Arc<[String]>) -> Self {
        Self { inner, scopes }
    }

    fn check(&self, extensions: &Extensions) -> Result<(), Refusal> {
        let credential = extensions.get::<Credential>().ok_or(Refusal::NoToken)?;
        if self.scopes.iter().all(|scope| credential.has_scope(scope)) {
            Ok(())
        } else {
            Err(Refusal::InsufficientScope(self.scopes.join(" ")))
        }
    }
}

impl<S, B, InnerBody> Service<Request<B>> for RequireScope<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.check(request.extensions()) {
            Ok(()) => GuardFuture::passed(self.inner.call(request)),
            Err(refusal) => GuardFuture::refused(refusal.into_response(REALM)),
        }
    }
}
