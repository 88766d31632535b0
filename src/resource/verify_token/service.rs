use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Request, Response};
use tower_service::Service;

use crate::http::{ResponseBody, bearer};
use crate::jose::{AccessTokenClaims, AccessTokenError, TokenAuthority, verify_access_token};
use crate::resource::GuardFuture;
use crate::resource::refusal::Refusal;
use crate::scope::{Credential, CredentialKind};

/// The service of a [`VerifyTokenLayer`](super::VerifyTokenLayer).
#[derive(Clone, Debug)]
pub struct VerifyToken<S> {
    inner: S,
    authority: Arc<dyn TokenAuthority>,
    audiences: Arc<[String]>,
    accepts_api_tokens: bool,
}

impl<S> VerifyToken<S> {
    pub(super) fn new(
        inner: S,
        authority: Arc<dyn TokenAuthority>,
        audiences: Arc<[String]>,
        accepts_api_tokens: bool,
    ) -> Self {
        Self { inner, authority, audiences, accepts_api_tokens }
    }

    /// Whether a layer in front has verified another credential than an access token. One of those
    /// may be for another audience, and is looked at again.
    fn is_verified(&self, extensions: &Extensions) -> bool {
        let other = |held: &Credential| held.kind != CredentialKind::AccessToken;
        self.accepts_api_tokens && extensions.get().is_some_and(other)
    }

    fn verify(&self, headers: &HeaderMap) -> Result<Credential, Refusal> {
        let token = bearer::token(headers).map_err(|_| Refusal::Malformed)?;
        let token = token.ok_or(Refusal::NoToken)?;
        match verify_access_token(&*self.authority, &self.audiences, token) {
            Ok(claims) => Ok(credential(claims)),
            Err(error) => {
                tracing::debug!(%error, "an access token was refused");
                Err(match error {
                    AccessTokenError::RevocationsUnknown => Refusal::Unavailable,
                    _ => Refusal::InvalidToken,
                })
            }
        }
    }
}

fn credential(claims: AccessTokenClaims) -> Credential {
    let scopes = claims.scopes().map(str::to_owned).collect();
    Credential::new(claims.sub, claims.client_id, scopes, claims.jti)
}

impl<S, B, InnerBody> Service<Request<B>> for VerifyToken<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if self.is_verified(request.extensions()) {
            return GuardFuture::passed(self.inner.call(request));
        }
        match self.verify(request.headers()) {
            Ok(credential) => {
                request.extensions_mut().insert(credential);
                GuardFuture::passed(self.inner.call(request))
            }
            Err(refusal) => GuardFuture::refused(refusal.into_response(self.authority.issuer())),
        }
    }
}
