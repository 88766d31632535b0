use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use super::password::Busy;
use crate::http::{Body, FormError, Reader, Rejection};
use crate::page::{ErrorPage, Pages, Rejected, explain, reject};
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
    /// The browser's fault: nobody is logged in.
    #[error("nobody is logged in")]
    LoginRequired,
    /// The browser's fault: the user must prove again who they are.
    #[error("the user must log in again for this")]
    ReauthenticationRequired,
    /// The browser's fault: the organization, or a change of second factors, asks for a second factor,
    /// and this session was opened without; whether the user has one.
    #[error("a second factor is asked for, and this session was opened without")]
    SecondFactorRequired(bool),
    /// The browser's fault: there is no such thing, or the user may not know of it.
    #[error("there is nothing here, or the user may not know of it")]
    NotFound,
    /// The browser's fault: the user may see this, but not do it.
    #[error("the user may not do this")]
    Forbidden,
    /// The host's will: its hook does not let this user in, or nobody sign up so, for this reason.
    #[error("the host refuses: {0}")]
    Refused(String),
    /// The host's fault: its hook failed. Nothing changed.
    #[error("the account hook failed: {0}")]
    Hook(#[source] tower::BoxError),
    /// The browser's fault: only the user in person may do this.
    #[error("an administrator who acts as a user may not do this")]
    Impersonating,
    /// The browser's fault: that was often enough for now.
    #[error("this was done too often")]
    TooMany,
    /// The browser's fault, or its network's: too many forms; so many seconds are to be waited.
    #[error("too many forms; try again in {0} seconds")]
    Limited(u32),
    /// The fault of an app of the host's own: it asks for what it may not, in this field.
    #[error("an app asks for what it may not: {0:?}")]
    App(&'static str),
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
            // Only of an account that was deleted this very moment: ours need no source.
            SessionError::UserGone | SessionError::UserSource(_) => {
                Self::Store(StoreError::Unavailable(Box::new(error)))
            }
            SessionError::Impersonated => Self::Impersonating,
            SessionError::NotLoggedIn | SessionError::Gone => Self::LoginRequired,
            SessionError::NotAMember => Self::NotFound,
        }
    }
}

impl AccountError {
    /// Seconds after which it is worth trying again.
    const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

    /// The page that says so.
    pub(super) fn into_response(self, pages: &dyn Pages, reader: Reader) -> Response<Body> {
        if let Self::Limited(seconds) = self {
            let mut response = reject(pages, reader, &Rejected::new(Rejection::TooMany));
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            return response;
        }
        let m = pages.theme().messages();
        let (status, code, description) = match &self {
            Self::Form(_) => (StatusCode::BAD_REQUEST, "invalid_form", &m.error_form),
            Self::App(_) => (StatusCode::BAD_REQUEST, "invalid_app_request", &m.error_app),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &m.error_method),
            Self::LoginRequired => {
                (StatusCode::UNAUTHORIZED, "authentication_required", &m.error_login_required)
            }
            Self::ReauthenticationRequired => {
                (StatusCode::FORBIDDEN, "reauthentication_required", &m.login_again)
            }
            Self::SecondFactorRequired(_) => {
                (StatusCode::FORBIDDEN, "second_factor_required", &m.error_second_factor_required)
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", &m.rejected_not_found),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", &m.rejected_forbidden),
            Self::Refused(_) => (StatusCode::FORBIDDEN, "refused", &m.rejected_forbidden),
            Self::Hook(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &m.error_unavailable)
            }
            Self::Impersonating => {
                (StatusCode::FORBIDDEN, "impersonation_forbidden", &m.error_impersonating)
            }
            Self::TooMany | Self::Limited(_) => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", &m.rejected_too_many)
            }
            Self::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy", &m.error_busy),
            Self::Store(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &m.error_unavailable)
            }
            Self::NoSessionLayer => {
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error", &m.error_unavailable)
            }
        };
        let challenges = matches!(self, Self::LoginRequired);
        if let Self::App(_) = self {
            tracing::warn!(error = %self, "an app was not let in");
        }
        if status.is_server_error() {
            tracing::error!(error = ?self, "an account page could not be answered");
        }
        let description: &str = match &self {
            Self::Refused(reason) => reason,
            _ => description,
        };
        let mut response = explain(pages, reader, status, &ErrorPage { code, description });
        if challenges {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Cookie"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, Self::RETRY_AFTER);
        }
        response
    }
}
