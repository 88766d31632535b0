//! Tokens that cannot be taken for one another.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::{
    Algorithm, ClaimRules, JwsError, SigningError, SigningKey, Typ, TypRule, VerifiedJws,
    VerifyRules, VerifyingKey, sign_jwt, verify,
};

/// A kind of JWT that has a type of its own. Sealed: [`AccessToken`] and [`IdToken`].
pub trait Kind: sealed::Kind {
    /// The `typ` that is written.
    const TYP: Typ;
    /// The `typ` that is accepted.
    const TYP_RULE: TypRule;
}

mod sealed {
    pub trait Kind {}
}

/// An access token (RFC 9068): for a resource server.
#[derive(Debug, Clone, Copy)]
pub enum AccessToken {}

/// An ID token (OpenID Core section 2): for the client, never for an API.
#[derive(Debug, Clone, Copy)]
pub enum IdToken {}

impl sealed::Kind for AccessToken {}
impl Kind for AccessToken {
    const TYP: Typ = Typ::ACCESS_TOKEN;
    const TYP_RULE: TypRule = TypRule::Exactly(Typ::ACCESS_TOKEN);
}

impl sealed::Kind for IdToken {}
impl Kind for IdToken {
    const TYP: Typ = Typ::JWT;
    const TYP_RULE: TypRule = TypRule::AbsentOr(&[Typ::JWT]);
}

/// A signed token of one kind, fresh from the key. Prints as `[redacted]`.
pub struct Jwt<K> {
    token: String,
    kind: PhantomData<K>,
}

/// A signed access token.
pub type AccessTokenJwt = Jwt<AccessToken>;
/// A signed ID token.
pub type IdTokenJwt = Jwt<IdToken>;

impl<K: Kind> Jwt<K> {
    /// Signs `claims` as a token of this kind.
    ///
    /// # Errors
    /// As [`sign_jwt`].
    pub fn sign<C: Serialize>(key: &SigningKey, claims: &C) -> Result<Self, SigningError> {
        Ok(Self { token: sign_jwt(key, K::TYP, claims)?, kind: PhantomData })
    }

    /// The token, in compact serialisation.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.token
    }

    /// The token, by value.
    #[must_use]
    pub fn into_string(self) -> String {
        self.token
    }
}

impl<K: Kind> Serialize for Jwt<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.token)
    }
}

impl<K> fmt::Debug for Jwt<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jwt([redacted])")
    }
}

/// How tokens of one kind are verified: the rules with the kind's own `typ`.
///
/// ```
/// use donjon::jose::{AccessTokenJwt, Algorithm, ClaimRules, IdTokenJwt, JwtVerifier, SigningKey};
/// use serde_json::{Value, json};
/// use time::macros::datetime;
///
/// let key = SigningKey::generate(Algorithm::ES256)?;
/// let keys = [key.verifying_key().clone()];
/// let claims = json!({ "iss": "https://app.example", "aud": "api", "exp": 1_800_000_000 });
/// let now = datetime!(2026-11-01 12:00 UTC);
///
/// let rules = ClaimRules::new().issuer("https://app.example").audience("api");
/// let verifier = JwtVerifier::access_token(&[Algorithm::ES256], rules);
/// let token = AccessTokenJwt::sign(&key, &claims)?;
/// assert!(verifier.verify::<Value>(token.as_str(), &keys, now).is_ok());
///
/// let id_token = IdTokenJwt::sign(&key, &claims)?;
/// assert!(verifier.verify::<Value>(id_token.as_str(), &keys, now).is_err());
/// # Ok::<(), donjon::jose::SigningError>(())
/// ```
#[derive(Debug, Clone)]
pub struct JwtVerifier<K> {
    rules: VerifyRules,
    kind: PhantomData<K>,
}

impl JwtVerifier<AccessToken> {
    /// Verifies access tokens; state an issuer and an audience in the rules (RFC 9068 section 4).
    #[must_use]
    pub fn access_token(algorithms: &[Algorithm], claims: ClaimRules) -> Self {
        Self::new(algorithms, claims)
    }
}

impl JwtVerifier<IdToken> {
    /// Verifies ID tokens (OpenID Core section 3.1.3.7); state an issuer and an audience in the
    /// rules.
    #[must_use]
    pub fn id_token(algorithms: &[Algorithm], claims: ClaimRules) -> Self {
        Self::new(algorithms, claims)
    }
}

impl<K: Kind> JwtVerifier<K> {
    fn new(algorithms: &[Algorithm], claims: ClaimRules) -> Self {
        Self { rules: VerifyRules::new(algorithms, K::TYP_RULE, claims), kind: PhantomData }
    }

    /// Verifies `token` against `keys` at the moment `now`.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        keys: &[VerifyingKey],
        now: OffsetDateTime,
    ) -> Result<VerifiedJwt<K, C>, JwsError> {
        let jws = verify(token, keys, &self.rules, now)?;
        Ok(VerifiedJwt { jws, kind: PhantomData })
    }
}

/// A verified token of one kind: what code that must not be fooled by another kind asks for.
pub struct VerifiedJwt<K, C> {
    jws: VerifiedJws<C>,
    kind: PhantomData<K>,
}

/// A verified access token.
pub type VerifiedAccessToken<C> = VerifiedJwt<AccessToken, C>;
/// A verified ID token.
pub type VerifiedIdToken<C> = VerifiedJwt<IdToken, C>;

impl<K, C> VerifiedJwt<K, C> {
    /// The verified JWS: header, registered claims, claims.
    #[must_use]
    pub fn jws(&self) -> &VerifiedJws<C> {
        &self.jws
    }

    /// The claims, as the type asked for.
    #[must_use]
    pub fn claims(&self) -> &C {
        self.jws.claims()
    }

    /// The claims, by value.
    #[must_use]
    pub fn into_claims(self) -> C {
        self.jws.into_claims()
    }
}

impl<K, C: fmt::Debug> fmt::Debug for VerifiedJwt<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedJwt").field(&self.jws).finish()
    }
}
