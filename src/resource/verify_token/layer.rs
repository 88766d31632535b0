use std::sync::Arc;

use tower_layer::Layer;

use super::VerifyToken;
use crate::jose::TokenAuthority;

/// Lets only requests with a good access token through, with a
/// [`Credential`](crate::scope::Credential) in their extensions. See the [module](crate::resource).
#[derive(Clone, Debug)]
pub struct VerifyTokenLayer {
    authority: Arc<dyn TokenAuthority>,
    audiences: Vec<String>,
    accepts_api_tokens: bool,
}

impl VerifyTokenLayer {
    /// Accepts the tokens of this authority that are for the issuer itself, as those are that were
    /// asked for without a `resource`.
    pub fn new<A: TokenAuthority + Clone>(authority: &A) -> Self {
        Self {
            authority: Arc::new(authority.clone()),
            audiences: Vec::new(),
            accepts_api_tokens: false,
        }
    }

    /// Accepts the tokens for this audience, in place of the issuer; called again, for this one
    /// too.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Lets requests through, too, that a layer in front has verified another credential of: a
    /// token of the application's own API (`ApiTokenLayer`). That layer must be the outer one.
    #[must_use]
    pub fn accept_api_tokens(self) -> Self {
        Self { accepts_api_tokens: true, ..self }
    }
}

impl<S> Layer<S> for VerifyTokenLayer {
    type Service = VerifyToken<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let mut audiences = self.audiences.clone();
        if audiences.is_empty() {
            audiences.push(self.authority.issuer().to_owned());
        }
        let authority = Arc::clone(&self.authority);
        VerifyToken::new(inner, authority, audiences.into(), self.accepts_api_tokens)
    }
}
