use http::StatusCode;

use super::{MapperError, SamlError};
use crate::session::SessionError;
use crate::store::{AssertionConsumption, StoreError};

/// Why a request to one of our SAML paths was refused. The code is stable, and shown to the user
/// with what can be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The message is not what it must be.
    #[error("{0}. Ask whoever runs the login to check the connection")]
    Protocol(#[from] SamlError),
    /// The form lacks a field, or has it twice.
    #[error("the identity provider's form is not complete: {0}")]
    InvalidBindingPayload(#[from] crate::http::FormError),
    /// There is no connection of this name.
    #[error("there is no such connection. Check the address")]
    ConnectionNotFound,
    /// The relay state is not one of ours, or its login was forgotten.
    #[error("this login is not known here. Start again from the login page")]
    IntentNotFound,
    /// The login was begun over another connection.
    #[error("this login was begun with another identity provider. Start again")]
    ConnectionMismatch,
    /// The login took too long.
    #[error("this login took too long. Start again from the login page")]
    IntentExpired,
    /// The login was completed before.
    #[error("this login was completed before. Start again from the login page")]
    IntentConsumed,
    /// The response was used before.
    #[error("this response was used before. Start again from the login page")]
    Replayed,
    /// Another browser began the login.
    #[error(
        "this login was begun in another browser, or its cookies are blocked. Start again here"
    )]
    BrowserMismatch,
    /// Too many logins were begun, from one network or in all.
    #[error("too many logins were begun here. Try again in {0} seconds")]
    TooMany(u32),
    /// The host does not let this user in.
    #[error("{0}")]
    Refused(String),
    /// The host says that this user is gone, or may not come in any more.
    #[error("this account is not open any more. Ask whoever runs the application")]
    Gone,
    /// The host, or its store, cannot answer now.
    #[error("the login cannot be completed now. Try again in a moment")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The application is put together wrongly.
    #[error("the application has no session layer around its SAML layer")]
    NoSessionLayer,
}

impl LoginError {
    /// The stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Protocol(error) => error.code(),
            Self::InvalidBindingPayload(_) => "invalid_binding_payload",
            Self::ConnectionNotFound => "connection_not_found",
            Self::IntentNotFound => "request_intent_not_found",
            Self::ConnectionMismatch => "connection_binding_mismatch",
            Self::IntentExpired => "request_intent_expired",
            Self::IntentConsumed => "request_intent_consumed",
            Self::Replayed => "replayed_assertion",
            Self::BrowserMismatch => "browser_mismatch",
            Self::TooMany(_) => "too_many_logins",
            Self::Refused(_) => "user_refused",
            Self::Gone => "user_gone",
            Self::Unavailable(_) => "temporarily_unavailable",
            Self::NoSessionLayer => "session_layer_missing",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::ConnectionNotFound => StatusCode::NOT_FOUND,
            Self::Refused(_) | Self::Gone => StatusCode::FORBIDDEN,
            // RFC 6585, section 4.
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSessionLayer => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// In how many seconds to try again, where that helps.
    pub(super) fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooMany(seconds) => Some(*seconds),
            Self::Unavailable(_) => Some(1),
            _ => None,
        }
    }

    /// The refusal that a consumption is, unless it is none.
    pub(super) fn of_consumption(consumption: AssertionConsumption) -> Result<(), Self> {
        match consumption {
            AssertionConsumption::Consumed => Ok(()),
            AssertionConsumption::Replayed => Err(Self::Replayed),
            AssertionConsumption::IntentConsumed => Err(Self::IntentConsumed),
            AssertionConsumption::IntentExpired => Err(Self::IntentExpired),
            AssertionConsumption::IntentUnknown => Err(Self::IntentNotFound),
        }
    }
}

impl From<StoreError> for LoginError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<SessionError> for LoginError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::UserGone => Self::Gone,
            error => Self::Unavailable(Box::new(error)),
        }
    }
}

impl From<MapperError> for LoginError {
    fn from(error: MapperError) -> Self {
        match error {
            MapperError::Refused(reason) => Self::Refused(reason),
            MapperError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}
