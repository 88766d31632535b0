use std::sync::Arc;

use tower_layer::Layer;

use super::{ApiTokenService, ApiTokens};
use crate::http::TrustedProxies;

/// Says who calls an API with a token of our own: puts a
/// [`CurrentScope`](crate::scope::CurrentScope) and a [`Credential`](crate::scope::Credential) into
/// the request's extensions, so that a [`RequireScopeLayer`] behind it treats these tokens and OAuth
/// access tokens alike.
///
/// | the request | what happens |
/// |---|---|
/// | has a token with our prefix that is good | goes on, with who calls |
/// | has one that is damaged, unknown, expired, revoked, or nobody's any more | 401 `invalid_token` |
/// | has another bearer token, or none | goes on as it came |
/// | has the header twice | 400 `invalid_request` |
/// | comes while the store is down | 503 |
///
/// A request that goes on as it came is nobody's: a [`RequireScopeLayer`] stops it, and a browser's
/// login is no way around that. Where OAuth access tokens are good too, a [`VerifyTokenLayer`] stands
/// **behind** this layer, told to
/// [`accept_api_tokens`](crate::resource::VerifyTokenLayer::accept_api_tokens). In front of it, it
/// would refuse every token that is no access token.
///
/// Together with a [`SessionLayer`](crate::session::SessionLayer) either may be the outer one: who
/// calls with a token is whose the token is, whatever the cookie says. Inside of it, this layer knows
/// from the session where the request comes from; else see [`ApiTokenLayer::trusted_proxies`].
///
/// [`RequireScopeLayer`]: crate::resource::RequireScopeLayer
/// [`VerifyTokenLayer`]: crate::resource::VerifyTokenLayer
#[derive(Clone, Debug)]
#[must_use]
pub struct ApiTokenLayer {
    tokens: ApiTokens,
    proxies: TrustedProxies,
}

impl ApiTokenLayer {
    /// Recognises these tokens.
    pub fn new(tokens: &ApiTokens) -> Self {
        Self { tokens: tokens.clone(), proxies: TrustedProxies::default() }
    }

    /// The proxies whose word on the client's address is believed, for the audit log.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }
}

impl<S> Layer<S> for ApiTokenLayer {
    type Service = ApiTokenService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ApiTokenService::new(inner, Arc::new(self.tokens.clone()), self.proxies.clone())
    }
}
