//! What can go wrong, and what is said about it: one table.

use http::StatusCode;

use crate::http::FormError;
use crate::jose::SigningError;
use crate::store::StoreError;

/// An error code on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// RFC 6749, sections 4.1.2.1 and 5.2.
    InvalidRequest,
    /// RFC 6749, section 5.2.
    InvalidClient,
    /// RFC 6749, section 5.2.
    InvalidGrant,
    /// RFC 6749, sections 4.1.2.1 and 5.2.
    UnauthorizedClient,
    /// RFC 6749, section 5.2.
    UnsupportedGrantType,
    /// RFC 6749, section 4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749, sections 4.1.2.1 and 5.2.
    InvalidScope,
    /// RFC 6749, section 4.1.2.1.
    AccessDenied,
    /// RFC 6749, section 4.1.2.1.
    ServerError,
    /// RFC 6749, section 4.1.2.1.
    TemporarilyUnavailable,
    /// RFC 8707, section 2.
    InvalidTarget,
    /// RFC 7009, section 2.2.1.
    UnsupportedTokenType,
    /// OpenID Connect Core, section 3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core, section 3.1.2.6.
    InteractionRequired,
    /// OpenID Connect Core, section 3.1.2.6.
    ConsentRequired,
    /// OpenID Connect Core, section 3.1.2.6.
    AccountSelectionRequired,
    /// OpenID Connect Core, section 3.1.2.6.
    RequestNotSupported,
    /// OpenID Connect Core, section 3.1.2.6.
    RequestUriNotSupported,
    /// OpenID Connect Core, section 3.1.2.6.
    RegistrationNotSupported,
    /// RFC 6750, section 3.1.
    InvalidToken,
    /// RFC 6750, section 3.1.
    InsufficientScope,
}

impl ErrorCode {
    /// The code as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidTarget => "invalid_target",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::LoginRequired => "login_required",
            Self::InteractionRequired => "interaction_required",
            Self::ConsentRequired => "consent_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    /// The status of a response that is not a redirect: RFC 6749, section 5.2; RFC 6750,
    /// section 3.1.
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Who has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The client, by its request.
    Client,
    /// The user, by a choice.
    User,
    /// The application around the server.
    Host,
    /// The store, or the machine.
    Store,
}

/// The table. A row: the condition, the code on the wire, the stable reason for logs, and what the
/// other side is told (which never holds a secret).
macro_rules! conditions {
    ($($fault:ident {
        $($name:ident $(($detail:ty))? : $code:ident, $reason:literal, $text:literal;)*
    })*) => {
        /// Why the provider refuses. Each condition has exactly one code on the wire, one status and
        /// one stable reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[non_exhaustive]
        pub enum ProviderError {
            $($(
                #[doc = $text]
                #[error($text)]
                $name $(($detail))?,
            )*)*
        }

        impl ProviderError {
            /// The code on the wire.
            pub fn code(self) -> ErrorCode {
                match self { $($(Self::$name { .. } => ErrorCode::$code,)*)* }
            }

            /// The stable machine-readable reason, finer than the code; for logs and error pages.
            pub fn reason(self) -> &'static str {
                match self { $($(Self::$name { .. } => $reason,)*)* }
            }

            /// Who has to change something.
            pub fn fault(self) -> Fault {
                match self { $($(Self::$name { .. } => Fault::$fault,)*)* }
            }

            /// The status of a response that is not a redirect.
            pub fn status(self) -> StatusCode {
                match self {
                    // RFC 6585, section 4.
                    Self::TooManyLongRequests(_) | Self::TooManyWrongSecrets(_) => {
                        StatusCode::TOO_MANY_REQUESTS
                    }
                    _ => self.code().status(),
                }
            }

            /// In how many seconds to try again, where that may help.
            pub fn retry_after(self) -> Option<u32> {
                match self {
                    Self::TooManyLongRequests(seconds) | Self::TooManyWrongSecrets(seconds) => {
                        Some(seconds)
                    }
                    _ => (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
                }
            }

            #[cfg(test)]
            fn all() -> Vec<Self> {
                vec![$($(Self::$name $((<$detail>::default()))?,)*)*]
            }
        }
    };
}

conditions! {
    Client {
        MalformedRequest: InvalidRequest, "malformed_request", "The request is not a well-formed form.";
        MissingParameter(&'static str): InvalidRequest, "missing_parameter", "The parameter '{0}' is missing.";
        RepeatedParameter(&'static str): InvalidRequest, "repeated_parameter", "The parameter '{0}' appears more than once.";

        MissingClientAuthentication: InvalidClient, "missing_client_authentication", "The client did not say who it is.";
        MixedClientAuthentication: InvalidClient, "mixed_client_authentication", "The client used more than one way to authenticate.";
        MalformedClientAuthentication: InvalidClient, "malformed_client_authentication", "The client's authentication is not well formed.";
        UnknownClient: InvalidClient, "unknown_client", "Client authentication failed.";
        WrongAuthenticationMethod: InvalidClient, "wrong_authentication_method", "Client authentication failed.";
        WrongClientSecret: InvalidClient, "wrong_client_secret", "Client authentication failed.";
        TooManyWrongSecrets(u32): InvalidClient, "too_many_wrong_secrets", "Too many wrong secrets of this client came from this network; try again in {0} seconds.";
        InvalidClientAssertion: InvalidClient, "invalid_client_assertion", "Client authentication failed.";
        ClientAssertionReplayed: InvalidClient, "client_assertion_replayed", "Client authentication failed.";

        UnsupportedGrantType: UnsupportedGrantType, "unsupported_grant_type", "The grant type is not one of those in the server's metadata.";
        GrantTypeNotAllowed: UnauthorizedClient, "grant_type_not_allowed", "The client is not registered for this grant type.";

        UnknownCode: InvalidGrant, "unknown_code", "The authorization code is unknown, or its grant has ended.";
        CodeExpired: InvalidGrant, "code_expired", "The authorization code has expired.";
        CodeReplayed: InvalidGrant, "code_replayed", "The authorization code was used before; everything issued from it is revoked.";
        RedirectUriMismatch: InvalidGrant, "redirect_uri_mismatch", "The redirect_uri is not the one the code was sent to.";
        MissingCodeVerifier: InvalidGrant, "missing_code_verifier", "The code was requested with a challenge; code_verifier is missing.";
        UnexpectedCodeVerifier: InvalidGrant, "unexpected_code_verifier", "The code was requested without a challenge; code_verifier must not be there.";
        WrongCodeVerifier: InvalidGrant, "wrong_code_verifier", "The code_verifier does not match the code_challenge.";
        UnknownRefreshToken: InvalidGrant, "unknown_refresh_token", "The refresh token is unknown, or its grant has ended.";
        RefreshTokenExpired: InvalidGrant, "refresh_token_expired", "The refresh token has expired.";
        RefreshTokenReused: InvalidGrant, "refresh_token_reused", "The refresh token was used before; its whole family is revoked.";

        ScopeNotGranted: InvalidScope, "scope_not_granted", "The scope goes beyond what was granted.";
        MalformedScope: InvalidScope, "malformed_scope", "The scope is not a list of scope tokens.";
        ScopeNotAllowed: InvalidScope, "scope_not_allowed", "The client is not registered for this scope.";

        UnknownClientId: InvalidClient, "unknown_client_id", "No client is registered with this client_id; register it, or send the right one.";
        UnregisteredRedirectUri: InvalidRequest, "unregistered_redirect_uri", "The redirect_uri is not one that the client is registered with; send one that is the same byte for byte, or register this one.";
        ParameterTooLong(&'static str): InvalidRequest, "parameter_too_long", "The parameter '{0}' is too long.";
        MalformedParameter(&'static str): InvalidRequest, "malformed_parameter", "The parameter '{0}' is not well formed.";
        UnsupportedResponseType: UnsupportedResponseType, "unsupported_response_type", "The response_type is not supported; send 'code'.";
        UnsupportedResponseMode: InvalidRequest, "unsupported_response_mode", "The response_mode is not supported; see response_modes_supported.";
        MissingScope: InvalidScope, "missing_scope", "The request asks for no scope that is known here.";
        MissingCodeChallenge: InvalidRequest, "missing_code_challenge", "PKCE is needed; send code_challenge, with code_challenge_method S256.";
        UnsupportedCodeChallengeMethod: InvalidRequest, "unsupported_code_challenge_method", "The code_challenge_method must be S256.";
        MissingNonce: InvalidRequest, "missing_nonce", "A request without PKCE needs the scope openid and a nonce; send them, or a code_challenge.";
        UnsupportedPrompt: InvalidRequest, "unsupported_prompt", "The parameter 'prompt' has a value that is not supported; see prompt_values_supported.";
        PromptNoneNotAlone: InvalidRequest, "prompt_none_not_alone", "The prompt 'none' cannot be combined with another.";
        InvalidIdTokenHint: InvalidRequest, "invalid_id_token_hint", "The id_token_hint is not an ID token that this server issued to this client.";
        RequestNotSupported: RequestNotSupported, "request_not_supported", "Request objects are not supported; send the parameters themselves.";
        RequestUriNotSupported: RequestUriNotSupported, "request_uri_not_supported", "The parameter 'request_uri' is not supported; send the parameters themselves.";
        RegistrationNotSupported: RegistrationNotSupported, "registration_not_supported", "The parameter 'registration' is not supported; register the client.";
        InvalidResource: InvalidTarget, "invalid_resource", "Each resource must be an absolute https URL without a fragment (plain http on a loopback address only), and there may be at most 8.";

        TooManyLongRequests(u32): TemporarilyUnavailable, "too_many_long_requests", "Too many long authorization requests came from this network, or from all together; try again in {0} seconds.";

        ResourceNotGranted: InvalidTarget, "resource_not_granted", "The resource is not one that was granted.";

        MissingToken: InvalidToken, "missing_token", "No access token was presented.";
        InvalidToken: InvalidToken, "invalid_token", "The access token is malformed, expired, revoked, or not for this use.";
        InsufficientScope(&'static str): InsufficientScope, "insufficient_scope", "The access token lacks the scope '{0}'.";
    }
    User {
        LoginRequired: LoginRequired, "login_required", "Nobody is logged in, and the request allows no page.";
        LoginNotFresh: LoginRequired, "login_not_fresh", "The user did not log in again, although the request needs it.";
        OtherUserLoggedIn: LoginRequired, "other_user_logged_in", "The user who is logged in is not the one of the id_token_hint.";
        ConsentRequired: ConsentRequired, "consent_required", "The user has not agreed to this yet, and the request allows no page.";
        ConsentDenied: AccessDenied, "consent_denied", "The user said no.";
        InteractionUnknown: InvalidRequest, "interaction_unknown", "This authorization was not begun in this browser, or is over, or its cookie was blocked. Go back to the application and begin again.";
        InteractionCompleted: InvalidRequest, "interaction_completed", "This authorization is complete already. Go back to the application; if it did not let you in, begin again there.";
        AccountGone: InvalidGrant, "account_gone", "The user's account is gone or may not be used.";
    }
    Host {
        LoginPathNotLocal: ServerError, "login_path_not_local", "The application named no local path to log in at.";
        ResolverFailed: ServerError, "resolver_failed", "The application could not answer for the user.";
        SubjectMismatch: ServerError, "subject_mismatch", "The application's claims are about another account.";
        SigningFailed: ServerError, "signing_failed", "A token could not be signed.";
        SealingFailed: ServerError, "sealing_failed", "A secret could not be sealed or opened.";
    }
    Store {
        StoreUnavailable: TemporarilyUnavailable, "store_unavailable", "The server cannot reach its store; try again.";
        RevocationsUnknown: TemporarilyUnavailable, "revocations_unknown", "The server cannot tell at the moment which tokens are revoked; try again.";
        StoreCorrupt: ServerError, "store_corrupt", "The server's store holds what it cannot read.";
    }
}

impl From<StoreError> for ProviderError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        match error {
            StoreError::Unavailable(_) => Self::StoreUnavailable,
            StoreError::Corrupt(_) => Self::StoreCorrupt,
        }
    }
}

impl From<SigningError> for ProviderError {
    fn from(error: SigningError) -> Self {
        tracing::error!(%error, "a token could not be signed");
        Self::SigningFailed
    }
}

impl From<FormError> for ProviderError {
    fn from(error: FormError) -> Self {
        match error {
            FormError::Missing(name) => Self::MissingParameter(name),
            FormError::Repeated(name) => Self::RepeatedParameter(name),
            _ => Self::MalformedRequest,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_condition_has_a_reason_of_its_own_and_a_text_fit_for_the_wire() {
        let mut reasons = HashSet::new();
        for error in ProviderError::all() {
            assert!(reasons.insert(error.reason()), "{error:?}");
            // RFC 6749, section 5.2: %x20-21 / %x23-5B / %x5D-7E.
            let text = error.to_string();
            let fits = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            assert!(!text.is_empty() && text.bytes().all(fits), "{error:?}");
            let snake = |b: u8| b.is_ascii_lowercase() || b == b'_';
            assert!(error.reason().bytes().all(snake), "{error:?}");
        }
    }

    #[test]
    fn the_code_and_the_status_tell_who_is_wrong() {
        for error in ProviderError::all() {
            let ours = matches!(error.fault(), Fault::Host | Fault::Store);
            assert_eq!(ours, error.status().is_server_error(), "{error:?}");
            let blames_us =
                matches!(error.code(), ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable);
            let later = matches!(error, ProviderError::TooManyLongRequests(_));
            assert_eq!(ours || later, blames_us, "{error:?}");
        }
    }

    #[test]
    fn what_passes_by_itself_says_when() {
        for error in ProviderError::all() {
            let passes = error.code() == ErrorCode::TemporarilyUnavailable
                || error.status() == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(passes, error.retry_after().is_some(), "{error:?}");
        }
    }

    #[test]
    fn the_wire_does_not_tell_an_unknown_client_from_a_wrong_secret() {
        let told = |error: ProviderError| (error.code(), error.to_string());
        for error in [
            ProviderError::WrongClientSecret,
            ProviderError::WrongAuthenticationMethod,
            ProviderError::InvalidClientAssertion,
            ProviderError::ClientAssertionReplayed,
        ] {
            assert_eq!(told(error), told(ProviderError::UnknownClient));
        }
    }
}
