use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};

use super::password::Busy;
use crate::http::{Body, FormError, respond};
use crate::page::{ErrorPage, Pages};
use crate::session::SessionError;
use crate::store::StoreError;

/// Why a request to one of the account pages was not answered as it asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The browser's fault: the form is not one of ours.
    #[error("the form is not one of ours: {0}")]
    Form(#[from] FormError),
    /// The browser's fault: the path is not used with this method.
    #[error("this path is not used with this method")]
    Method,
    /// Nobody's fault: too many passwords at a time.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store's fault; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The host's fault: there is no session to log in to.
    #[error("there is no session; put a SessionLayer around the AccountLayer")]
    NoSessionLayer,
}

impl From<SessionError> for AccountError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(error) => Self::Store(error),
            // To log in or out needs no session that is there already.
            SessionError::NotLoggedIn | SessionError::Gone => Self::NoSessionLayer,
        }
    }
}

impl AccountError {
    /// Seconds after which it is worth trying again.
    const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

    /// The page that says so.
    pub(super) fn into_response(self, pages: &dyn Pages) -> Response<Body> {
        let m = pages.theme().messages();
        let (status, code, description) = match &self {
            Self::Form(_) => (StatusCode::BAD_REQUEST, "invalid_form", &m.error_form),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &m.error_method),
            Self::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy", &m.error_busy),
            Self::Store(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &m.error_unavailable)
            }
            Self::NoSessionLayer => {
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error", &m.error_unavailable)
            }
        };
        if status.is_server_error() {
            tracing::error!(error = ?self, "an account page could not be answered");
        }
        let mut response = respond::html(status, pages.error(&ErrorPage { code, description }));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, Self::RETRY_AFTER);
        }
        response
    }
}
