//! Verifying compact JWS: the one place where a token becomes believable.

use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::strict_json;
use super::{
    Algorithm, ClaimRules, Header, JwsError, RegisteredClaims, TypRule, UnverifiedJws, VerifyingKey,
};

/// What a verifier asks of a token: its algorithm, its type, its claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRules {
    algorithms: Vec<Algorithm>,
    typ: TypRule,
    claims: ClaimRules,
}

impl VerifyRules {
    /// Accepts tokens of these algorithms and this type, with claims as the rules say.
    #[must_use]
    pub fn new(algorithms: &[Algorithm], typ: TypRule, claims: ClaimRules) -> Self {
        Self { algorithms: algorithms.to_vec(), typ, claims }
    }
}

/// A JWT that was signed by one of the given keys and keeps the given rules. Nothing but
/// verification makes one.
#[derive(Debug, Clone)]
pub struct VerifiedJws<C> {
    header: Header,
    registered: RegisteredClaims,
    claims: C,
}

impl<C> VerifiedJws<C> {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The registered claims.
    #[must_use]
    pub fn registered(&self) -> &RegisteredClaims {
        &self.registered
    }

    /// The claims, as the type asked for.
    #[must_use]
    pub fn claims(&self) -> &C {
        &self.claims
    }

    /// The claims, by value.
    #[must_use]
    pub fn into_claims(self) -> C {
        self.claims
    }
}

/// Verifies `token` against `keys` and `rules` at the moment `now`.
///
/// # Errors
/// [`JwsError`] names the first fault found. Claims are not looked at before the signature is good.
pub fn verify<C: DeserializeOwned>(
    token: &str,
    keys: &[VerifyingKey],
    rules: &VerifyRules,
    now: OffsetDateTime,
) -> Result<VerifiedJws<C>, JwsError> {
    UnverifiedJws::parse(token)?.verify(keys, rules, now)
}

impl UnverifiedJws<'_> {
    /// As [`verify`], for a token whose header was needed first.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn verify<C: DeserializeOwned>(
        self,
        keys: &[VerifyingKey],
        rules: &VerifyRules,
        now: OffsetDateTime,
    ) -> Result<VerifiedJws<C>, JwsError> {
        let header = self.header();
        if !rules.algorithms.contains(&header.algorithm()) {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        if !rules.typ.accepts(header.typ()) {
            return Err(JwsError::WrongType);
        }
        self.check_signature(keys)?;
        let payload = self.payload()?;
        let registered: RegisteredClaims = strict_json::read_object(&payload)?;
        rules.claims.check(&registered, now)?;
        let claims = serde_json::from_slice(&payload).map_err(|_| JwsError::Malformed)?;
        Ok(VerifiedJws { header: self.into_header(), registered, claims })
    }
}

#[cfg(test)]
mod tests;
