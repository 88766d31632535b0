use std::sync::Arc;

use tower_layer::Layer;

use super::RequireScope;

/// Lets only requests through whose access token carries all of these scopes. It stands behind a
/// [`VerifyTokenLayer`](crate::resource::VerifyTokenLayer); without one it lets nothing through.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::convert::Infallible;
///
/// use donjon::resource::RequireScopeLayer;
/// use donjon::scope::Credential;
/// use http::{Request, Response, StatusCode};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// let inner = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
/// let api = RequireScopeLayer::new(["read", "write"]).layer(inner);
///
/// let mut request = Request::new(());
/// let scopes = vec!["read".to_owned()];
/// request.extensions_mut().insert(Credential::new("alice", "spa", scopes, "token-1"));
/// let Ok(response) = api.oneshot(request).await;
/// assert_eq!(response.status(), StatusCode::FORBIDDEN);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct RequireScopeLayer(Arc<[String]>);

impl RequireScopeLayer {
    /// Asks for all of these scopes.
    pub fn new<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self(scopes.into_iter().map(Into::into).collect())
    }
}

impl<S> Layer<S> for RequireScopeLayer {
    type Service = RequireScope<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireScope::new(inner, Arc::clone(&self.0))
    }
}
