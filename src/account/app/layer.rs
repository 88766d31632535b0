use std::sync::Arc;

use tower_layer::Layer;

use super::AppSessions;
use crate::account::token::ApiTokenService;
use crate::http::TrustedProxies;

/// Says who calls an API from an app of the host's own: puts a
/// [`CurrentScope`](crate::scope::CurrentScope) and a [`Credential`](crate::scope::Credential) into
/// the request's extensions, so that a [`RequireScopeLayer`] behind it treats these tokens, API
/// tokens and OAuth access tokens alike.
///
/// It answers and passes on as an [`ApiTokenLayer`](crate::account::token::ApiTokenLayer) does, and
/// stands with it, in either order, where both kinds of tokens are good; a [`VerifyTokenLayer`] stands
/// behind both, told to
/// [`accept_api_tokens`](crate::resource::VerifyTokenLayer::accept_api_tokens).
///
/// [`RequireScopeLayer`]: crate::resource::RequireScopeLayer
/// [`VerifyTokenLayer`]: crate::resource::VerifyTokenLayer
#[derive(Clone, Debug)]
#[must_use]
pub struct AppSessionLayer {
    apps: AppSessions,
}

impl AppSessionLayer {
    /// Recognises the access tokens of these apps.
    pub fn new(apps: &AppSessions) -> Self {
        Self { apps: apps.clone() }
    }
}

impl<S> Layer<S> for AppSessionLayer {
    type Service = ApiTokenService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ApiTokenService::new(inner, Arc::new(self.apps.clone()), TrustedProxies::default())
    }
}
