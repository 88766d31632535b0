use tower::BoxError;

use super::protocol::id_token::IdTokenError;
use super::protocol::token::TokenError;
use super::protocol::userinfo::UserInfoError;
use crate::http::EgressError;
use crate::page::LoginNotice;

/// Why nobody came in by a provider. The host's log has the whole of it; the visitor is told what
/// to do about it.
#[derive(Debug, thiserror::Error)]
pub(in crate::account) enum Fault {
    /// The browser's: it has begun no such login, or too long ago.
    #[error("no login of this browser waits for this answer")]
    Expired,
    /// The user's.
    #[error("the user did not want to go on")]
    Cancelled,
    /// The provider's, by its own word.
    #[error("the provider answered with an error: {0}")]
    Said(String),
    /// Somebody's who mixed up providers.
    #[error("the answer is from another issuer than the one that was asked")]
    Issuer,
    /// The network's, or the provider's.
    #[error("the provider cannot be reached: {0}")]
    Unavailable(#[source] BoxError),
    /// The host's configuration, or the provider's.
    #[error("the metadata are those of another issuer")]
    Metadata,
    /// The provider's.
    #[error("no tokens: {0}")]
    Token(#[from] TokenError),
    /// The provider's.
    #[error("no ID token")]
    NoIdToken,
    /// The provider's.
    #[error("the ID token is refused: {0}")]
    IdToken(#[from] IdTokenError),
    /// The provider's.
    #[error("the user info is refused: {0}")]
    UserInfo(#[from] UserInfoError),
    /// The provider's.
    #[error("what the provider says of the user cannot be read")]
    Profile,
    /// The host's configuration.
    #[error("the secret could not be made: {0}")]
    Secret(#[source] crate::jose::SigningError),
    /// Nobody's: the host takes nobody without an address.
    #[error("the provider vouches for no address")]
    NoEmail,
    /// Nobody's: the address is of a domain that logs in with the provider, and the account there is
    /// not the domain's.
    #[error("the provider does not say that the owner of the address's domain is behind it")]
    Unbacked,
    /// Nobody's: the host takes nobody new.
    #[error("there is no account, and nobody may sign up")]
    Closed,
    /// Nobody's: identity and address belong to two accounts.
    #[error("the identity is one user's, and its address another's")]
    Mismatch,
    /// Nobody's: the account has another identity of this provider.
    #[error("the account with the address has another identity of this provider")]
    Another,
}

impl From<EgressError> for Fault {
    fn from(error: EgressError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl Fault {
    /// A word for it, for the audit log.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Expired => "no_such_login",
            Self::Cancelled => "cancelled",
            Self::Said(_) => "provider_error",
            Self::Issuer => "wrong_issuer",
            Self::Unavailable(_) => "unavailable",
            Self::Metadata => "wrong_metadata",
            Self::Token(_) => "no_tokens",
            Self::NoIdToken => "no_id_token",
            Self::IdToken(_) => "id_token",
            Self::UserInfo(_) => "user_info",
            Self::Profile => "profile",
            Self::Secret(_) => "secret",
            Self::NoEmail => "no_email",
            Self::Unbacked => "not_of_the_domain",
            Self::Closed => "sign_up_closed",
            Self::Mismatch => "email_mismatch",
            Self::Another => "another_identity",
        }
    }

    /// What the login page says.
    pub(super) fn notice(&self) -> LoginNotice {
        match self {
            Self::Expired => LoginNotice::TimedOut,
            Self::Cancelled => LoginNotice::ProviderCancelled,
            Self::Unavailable(_) => LoginNotice::ProviderUnavailable,
            Self::NoEmail => LoginNotice::ProviderNoEmail,
            Self::Unbacked => LoginNotice::ProviderPersonal,
            Self::Closed => LoginNotice::ProviderNoAccount,
            Self::Mismatch => LoginNotice::ProviderMismatch,
            Self::Another => LoginNotice::ProviderAnother,
            _ => LoginNotice::ProviderFailed,
        }
    }
}

/// The notices about providers, by what they are called in a query.
const NOTICES: [(LoginNotice, &str); 8] = [
    (LoginNotice::ProviderAnother, "provider-another"),
    (LoginNotice::ProviderCancelled, "provider-cancelled"),
    (LoginNotice::ProviderFailed, "provider-failed"),
    (LoginNotice::ProviderMismatch, "provider-mismatch"),
    (LoginNotice::ProviderNoAccount, "provider-no-account"),
    (LoginNotice::ProviderNoEmail, "provider-no-email"),
    (LoginNotice::ProviderPersonal, "provider-personal"),
    (LoginNotice::ProviderUnavailable, "provider-unavailable"),
];

/// What a notice is called in a query.
pub(super) fn name_of(notice: LoginNotice) -> &'static str {
    let found = NOTICES.iter().find(|(known, _)| *known == notice);
    found.map_or("timed-out", |(_, name)| *name)
}

/// The notice that is called so.
pub(in crate::account) fn notice_named(name: &str) -> Option<LoginNotice> {
    NOTICES.iter().find(|(_, known)| *known == name).map(|(notice, _)| *notice)
}
