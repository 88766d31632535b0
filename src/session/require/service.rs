use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response};
use tower_service::Service;

use super::future::RequireFuture;
use super::membership::Demand;
use super::refusal::Refusal;
use crate::crypto::Clock;
use crate::http::ResponseBody;
use crate::scope::CurrentScope;

/// A service behind a [`RequireUserLayer`](super::RequireUserLayer), a
/// [`RequireSudoLayer`](super::RequireSudoLayer) or a
/// [`RequireMembershipLayer`](super::RequireMembershipLayer).
#[derive(Clone, Debug)]
pub struct Required<S> {
    inner: S,
    requirement: Arc<Requirement>,
}

/// What a request must bring.
#[derive(Debug)]
pub(super) struct Requirement {
    pub(super) login: Arc<str>,
    pub(super) freshness: Option<Freshness>,
    pub(super) membership: Option<Demand>,
}

/// That the user has just proven who they are.
#[derive(Clone, Debug)]
pub(super) struct Freshness {
    pub(super) prove_at: Arc<str>,
    pub(super) clock: Arc<dyn Clock>,
}

impl<S> Required<S> {
    pub(super) fn new(inner: S, requirement: Requirement) -> Self {
        Self { inner, requirement: Arc::new(requirement) }
    }
}

impl<S, B, InnerBody> Service<Request<B>> for Required<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = RequireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let refusal = self.requirement.refusal(request.extensions());
        match refusal {
            None => RequireFuture::inner(self.inner.call(request)),
            Some(refusal) => RequireFuture::refused(refusal.respond(&request)),
        }
    }
}

impl Requirement {
    /// That somebody is logged in.
    pub(super) fn user(login: &Arc<str>) -> Self {
        Self { login: Arc::clone(login), freshness: None, membership: None }
    }

    fn refusal(&self, extensions: &Extensions) -> Option<Refusal<'_>> {
        let Some(scope) = extensions.get::<CurrentScope>() else {
            return Some(Refusal::NoSessionLayer);
        };
        let Some(authentication) = scope.authentication() else {
            return Some(Refusal::LoginRequired(&self.login));
        };
        if let Some(Freshness { prove_at, clock }) = &self.freshness {
            let fresh = authentication.fresh_until.is_some_and(|until| clock.now() < until);
            return (!fresh).then_some(Refusal::ReauthenticationRequired(prove_at));
        }
        self.membership.as_ref().and_then(|demand| demand.refusal(scope))
    }
}
