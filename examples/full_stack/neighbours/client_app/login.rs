use std::fmt;

use axum::BoxError;
use serde::Deserialize;

use crate::neighbours::random;

/// What a login that has begun must find again when the browser comes back.
pub(super) struct PendingLogin {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

/// The query of the redirect URI (RFC 6749, section 4.1.2; `iss` by RFC 9207).
#[derive(Deserialize)]
pub(super) struct Callback {
    pub(super) code: Option<String>,
    pub(super) state: Option<String>,
    pub(super) iss: Option<String>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
}

pub(super) type Claims = serde_json::Map<String, serde_json::Value>;

/// A user of this application.
#[derive(Clone)]
pub(super) struct LoggedIn {
    pub(super) id_token: Claims,
    pub(super) userinfo: Claims,
    pub(super) access_token: String,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error("This browser has not begun to log in, or it took longer than ten minutes.")]
    NothingPending,
    #[error("The answer does not belong to the login this browser began.")]
    WrongState,
    #[error("The answer came from another provider.")]
    WrongIssuer,
    #[error("Donjon demo answered {error}: {description}")]
    Refused { error: String, description: String },
    #[error("Donjon demo answered neither a code nor an error.")]
    NoCode,
    #[error("The ID token is not good: {0}.")]
    IdToken(&'static str),
    #[error("The userinfo endpoint spoke of somebody else.")]
    WrongSubject,
    #[error("Donjon demo's answer cannot be used: {0}.")]
    Provider(#[from] BoxError),
}

impl From<jsonwebtoken::errors::Error> for LoginError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self::Provider(error.into())
    }
}

impl PendingLogin {
    pub(super) fn new() -> Self {
        Self { state: random::token(), nonce: random::token(), verifier: random::token() }
    }

    /// Reads what [`PendingLogin`] displays.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(str::to_owned);
        Some(Self { state: parts.next()?, nonce: parts.next()?, verifier: parts.next()? })
    }
}

impl fmt::Display for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.state, self.nonce, self.verifier)
    }
}
