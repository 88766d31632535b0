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
}

impl VerifyTokenLayer {
    /// Accepts the tokens of this authority that are for the issuer itself, as those are that were
    /// asked for without a `resource`.
    pub fn new<A: TokenAuthority + Clone>(authority: &A) -> Self {
        Self { authority: Arc::new(authority.clone()), audiences: Vec::new() }
    }

    /// Accepts the tokens for this audience, in place of the issuer; called again, for this one
    /// too.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }
}

impl<S> Layer<S> for VerifyTokenLayer {
    type Service = VerifyToken<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let mut audiences = self.audiences.clone();
        if audiences.is_empty() {
            audiences.push(self.authority.issuer().to_owned());
        }
        VerifyToken::new(inner, Arc::clone(&self.authority), audiences.into())
    }
}
