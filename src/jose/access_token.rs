//! Access tokens as JWT (RFC 9068): what they say, and who can tell whether they still hold.

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Algorithm, Audience, ClaimRules, JwsError, JwtVerifier, NumericDate, VerifyingKey};

/// What an access token says (RFC 9068, section 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// Whom the token acts for: the user, or the client itself.
    pub sub: String,
    /// Where it may be used.
    pub aud: Audience,
    /// From when on it must not be accepted.
    pub exp: NumericDate,
    /// When it was issued.
    pub iat: NumericDate,
    /// Its own id, by which it can be revoked.
    pub jti: String,
    /// The client it was issued to.
    pub client_id: String,
    /// The scopes, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// When the user last proved who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<NumericDate>,
    /// How well they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// And by what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The grant it belongs to, by which it can be revoked with all its siblings; a claim of our
    /// own. A token that a client got for itself has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<Uuid>,
}

impl AccessTokenClaims {
    /// The scopes, one by one.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split(' ').filter(|scope| !scope.is_empty())
    }
}

/// Who issues access tokens, as one who verifies them sees it. It answers from memory.
pub trait TokenAuthority: Debug + Send + Sync + 'static {
    /// The issuer.
    fn issuer(&self) -> &str;

    /// Its public keys.
    fn verifying_keys(&self) -> Arc<[VerifyingKey]>;

    /// Whether a token, or the grant it belongs to, is revoked; `None` while that is not known,
    /// because the list of revocations could not be kept up to date.
    fn is_revoked(&self, grant: Option<Uuid>, token_id: &str) -> Option<bool>;

    /// The present moment.
    fn now(&self) -> OffsetDateTime;
}

/// Why an access token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessTokenError {
    /// It is not an access token of this issuer, for this audience, at this time.
    #[error("the access token is not valid: {0}")]
    Invalid(#[from] JwsError),
    /// It was revoked.
    #[error("the access token is revoked")]
    Revoked,
    /// Nobody can tell whether it was.
    #[error("the list of revoked tokens is out of date")]
    RevocationsUnknown,
}

/// Verifies an access token without asking anybody: signature, `typ`, `iss`, `aud` (one of
/// `audiences`, or any if there are none), `exp`, revocation.
///
/// # Errors
/// [`AccessTokenError`].
pub fn verify_access_token(
    authority: &dyn TokenAuthority,
    audiences: &[String],
    token: &str,
) -> Result<AccessTokenClaims, AccessTokenError> {
    let rules = ClaimRules::new().issuer(authority.issuer());
    let rules = audiences.iter().fold(rules, ClaimRules::audience);
    let claims: AccessTokenClaims = JwtVerifier::access_token(&Algorithm::ALL, rules)
        .verify(token, &authority.verifying_keys(), authority.now())?
        .into_claims();
    match authority.is_revoked(claims.grant_id, &claims.jti) {
        Some(false) => Ok(claims),
        Some(true) => Err(AccessTokenError::Revoked),
        None => Err(AccessTokenError::RevocationsUnknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{AccessTokenJwt, IdTokenJwt, SigningKey};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-01 12:00 UTC);

    #[derive(Debug)]
    struct Known {
        key: SigningKey,
        revoked: Option<bool>,
    }

    impl TokenAuthority for Known {
        fn issuer(&self) -> &str {
            "https://op.example"
        }

        fn verifying_keys(&self) -> Arc<[VerifyingKey]> {
            [self.key.verifying_key().clone()].into()
        }

        fn is_revoked(&self, _: Option<Uuid>, _: &str) -> Option<bool> {
            self.revoked
        }

        fn now(&self) -> OffsetDateTime {
            NOW
        }
    }

    fn claims() -> AccessTokenClaims {
        AccessTokenClaims {
            iss: "https://op.example".into(),
            sub: "alice".into(),
            aud: "https://api.example".into(),
            exp: (NOW + time::Duration::MINUTE).into(),
            iat: NOW.into(),
            jti: "1".into(),
            client_id: "spa".into(),
            scope: "read write".into(),
            auth_time: None,
            acr: None,
            amr: Vec::new(),
            grant_id: Some(Uuid::nil()),
        }
    }

    fn verify(
        claims: &AccessTokenClaims,
        revoked: Option<bool>,
    ) -> Result<AccessTokenClaims, AccessTokenError> {
        let authority = Known { key: SigningKey::generate(Algorithm::ES256).unwrap(), revoked };
        let token = AccessTokenJwt::sign(&authority.key, claims).unwrap();
        verify_access_token(&authority, &["https://api.example".into()], token.as_str())
    }

    #[test]
    fn a_token_holds_while_it_is_ours_alive_and_not_revoked() {
        assert_eq!(verify(&claims(), Some(false)).unwrap(), claims());
        assert_eq!(claims().scopes().collect::<Vec<_>>(), ["read", "write"]);
        assert_eq!(verify(&claims(), Some(true)), Err(AccessTokenError::Revoked));
        assert_eq!(verify(&claims(), None), Err(AccessTokenError::RevocationsUnknown));
        for wrong in [
            AccessTokenClaims { iss: "https://evil.example".into(), ..claims() },
            AccessTokenClaims { aud: "https://other.example".into(), ..claims() },
            AccessTokenClaims { aud: Audience::Many(vec![]), ..claims() },
            AccessTokenClaims { exp: (NOW - time::Duration::MINUTE).into(), ..claims() },
        ] {
            assert!(matches!(verify(&wrong, Some(false)), Err(AccessTokenError::Invalid(_))));
        }
    }

    #[test]
    fn an_id_token_is_no_access_token() {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        let token = IdTokenJwt::sign(&key, &claims()).unwrap();
        let authority = Known { key, revoked: Some(false) };
        let refused = verify_access_token(&authority, &[], token.as_str());
        assert_eq!(refused, Err(AccessTokenError::Invalid(JwsError::WrongType)));
    }
}
