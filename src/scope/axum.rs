//! Extractors for axum.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::{Credential, CurrentScope, MissingLayer};

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        tracing::error!(layer = self.0, "a layer is not around the handler that needs it");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// Who is acting; anonymous if nobody is logged in.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use donjon::scope::CurrentScope;
///
/// async fn home(scope: CurrentScope) -> String {
///     match scope.account() {
///         Some(account) => format!("Hello, {}", account.id()),
///         None => "Hello, stranger".to_owned(),
///     }
/// }
///
/// let app: Router = Router::new().route("/", get(home)); // .layer(sessions)
/// ```
impl<S: Sync> FromRequestParts<S> for CurrentScope {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        parts.extensions.get().cloned().ok_or(MissingLayer("SessionLayer"))
    }
}

/// The credential an API call was made with; a handler that takes it needs a
/// `VerifyTokenLayer` around it.
impl<S: Sync> FromRequestParts<S> for Credential {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        parts.extensions.get().cloned().ok_or(MissingLayer("VerifyTokenLayer"))
    }
}

/// The credential, if the call was made with one.
impl<S: Sync> OptionalFromRequestParts<S> for Credential {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Option<Self>, std::convert::Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[tokio::test]
    async fn a_handler_without_its_layer_is_a_fault_of_the_host() {
        let (mut parts, ()) = Request::new(()).into_parts();
        let missing = <CurrentScope as FromRequestParts<()>>::from_request_parts(&mut parts, &());
        let response = missing.await.unwrap_err().into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        parts.extensions.insert(CurrentScope::anonymous());
        let scope = <CurrentScope as FromRequestParts<()>>::from_request_parts(&mut parts, &());
        assert!(scope.await.unwrap().account().is_none());
    }
}
