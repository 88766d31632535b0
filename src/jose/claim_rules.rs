//! What a verifier asks of the registered claims.

use std::time::Duration;

use time::OffsetDateTime;

use super::{NumericDate, RegisteredClaims};

/// The clock difference allowed between this machine and the token's maker, unless stated.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

/// Why a token with a good signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// A claim that is required is not there.
    #[error("the claim `{0}` is missing")]
    Missing(&'static str),
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `exp` is further in the future than allowed.
    #[error("the token is valid for longer than is allowed")]
    LifetimeTooLong,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is in the future.
    #[error("the token was issued in the future; compare the clocks")]
    IssuedInFuture,
    /// `iat` is longer ago than allowed.
    #[error("the token was issued too long ago")]
    TooOld,
    /// `iss` is somebody else.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` names none of the expected audiences.
    #[error("the token is for another audience")]
    WrongAudience,
}

/// What the registered claims must say. By default: `exp` is there and has not passed, `nbf` and
/// `iat` are not in the future, give or take [`DEFAULT_LEEWAY`].
///
/// ```
/// use std::time::Duration;
/// use donjon::jose::ClaimRules;
///
/// let rules = ClaimRules::new()
///     .issuer("https://app.example")
///     .audience("https://api.example")
///     .leeway(Duration::from_secs(5));
/// # let _ = rules;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRules {
    issuer: Option<String>,
    audiences: Option<Vec<String>>,
    leeway: Duration,
    max_lifetime: Option<Duration>,
    max_age: Option<Duration>,
    expiry: Expiry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Required,
    Optional,
    Ignored,
}

impl Default for ClaimRules {
    fn default() -> Self {
        Self::new()
    }
}

impl ClaimRules {
    /// The default rules.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            issuer: None,
            audiences: None,
            leeway: DEFAULT_LEEWAY,
            max_lifetime: None,
            max_age: None,
            expiry: Expiry::Required,
        }
    }

    /// `iss` must be there and be this, byte for byte.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// `aud` must be there and name this audience, or one of those of other calls.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.get_or_insert_default().push(audience.into());
        self
    }

    /// The clock difference allowed, in all three comparisons with the time.
    #[must_use]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// `exp` must be at most this far from now: for assertions made for one use.
    #[must_use]
    pub const fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = Some(lifetime);
        self
    }

    /// `iat` must be there and at most this long ago.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// `exp` need not be there, but must not have passed: for kinds of token that need none, such as
    /// DPoP proofs. Bound their age with [`max_age`](Self::max_age).
    #[must_use]
    pub const fn expiry_optional(mut self) -> Self {
        self.expiry = Expiry::Optional;
        self
    }

    /// `exp` is not looked at. Weakens security: only for a token that is a hint about the past, as
    /// an `id_token_hint` at logout is.
    #[must_use]
    pub const fn danger_ignore_expiry(mut self) -> Self {
        self.expiry = Expiry::Ignored;
        self
    }

    pub(super) fn check(
        &self,
        claims: &RegisteredClaims,
        now: OffsetDateTime,
    ) -> Result<(), ClaimError> {
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        let now = NumericDate::from(now).micros();
        self.check_expiry(claims, now)?;
        self.check_not_before(claims, now)?;
        self.check_issued_at(claims, now)
    }

    fn check_issuer(&self, claims: &RegisteredClaims) -> Result<(), ClaimError> {
        let Some(expected) = &self.issuer else { return Ok(()) };
        let iss = claims.iss.as_ref().ok_or(ClaimError::Missing("iss"))?;
        ensure(iss == expected, ClaimError::WrongIssuer)
    }

    fn check_audience(&self, claims: &RegisteredClaims) -> Result<(), ClaimError> {
        let Some(expected) = &self.audiences else { return Ok(()) };
        let aud = claims.aud.as_ref().ok_or(ClaimError::Missing("aud"))?;
        ensure(expected.iter().any(|e| aud.contains(e)), ClaimError::WrongAudience)
    }

    /// RFC 7519 section 4.1.4: "on or after which" the token must not be accepted.
    fn check_expiry(&self, claims: &RegisteredClaims, now: i64) -> Result<(), ClaimError> {
        let exp = match (self.expiry, claims.exp) {
            (Expiry::Ignored, _) | (Expiry::Optional, None) => return Ok(()),
            (Expiry::Required, None) => return Err(ClaimError::Missing("exp")),
            (_, Some(exp)) => exp.micros(),
        };
        ensure(now < exp.saturating_add(self.leeway_micros()), ClaimError::Expired)?;
        let Some(lifetime) = self.max_lifetime else { return Ok(()) };
        let latest = now.saturating_add(micros(lifetime)).saturating_add(self.leeway_micros());
        ensure(exp <= latest, ClaimError::LifetimeTooLong)
    }

    fn check_not_before(&self, claims: &RegisteredClaims, now: i64) -> Result<(), ClaimError> {
        let Some(nbf) = claims.nbf else { return Ok(()) };
        ensure(nbf.micros() <= now.saturating_add(self.leeway_micros()), ClaimError::NotYetValid)
    }

    fn check_issued_at(&self, claims: &RegisteredClaims, now: i64) -> Result<(), ClaimError> {
        let iat = match (claims.iat, self.max_age) {
            (Some(iat), _) => iat.micros(),
            (None, Some(_)) => return Err(ClaimError::Missing("iat")),
            (None, None) => return Ok(()),
        };
        ensure(iat <= now.saturating_add(self.leeway_micros()), ClaimError::IssuedInFuture)?;
        let Some(age) = self.max_age else { return Ok(()) };
        let earliest = now.saturating_sub(micros(age)).saturating_sub(self.leeway_micros());
        ensure(iat >= earliest, ClaimError::TooOld)
    }

    fn leeway_micros(&self) -> i64 {
        micros(self.leeway)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn ensure(holds: bool, error: ClaimError) -> Result<(), ClaimError> {
    holds.then_some(()).ok_or(error)
}

#[cfg(test)]
mod tests;
