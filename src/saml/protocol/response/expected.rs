//! What a response is held against.

use time::{Duration, OffsetDateTime};

use crate::saml::SamlError;
use crate::saml::xml::IdpCertificate;

/// What a response must say and who must have signed it; from the connection and from the stored
/// request.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedResponse<'a> {
    /// The ID of the `AuthnRequest` it answers. `None` when there was none: such responses are
    /// refused for now.
    pub request_id: Option<&'a str>,
    /// The URL of the assertion consumer service that received it.
    pub acs_url: &'a str,
    /// The service provider's entity ID.
    pub sp_entity_id: &'a str,
    /// The identity provider's entity ID.
    pub idp_entity_id: &'a str,
    /// The identity provider's certificates, all equally good; with none, every response is
    /// refused.
    pub certificates: &'a [IdpCertificate],
    /// Which elements must be signed.
    pub signature_policy: SignaturePolicy,
    /// How far the clocks may differ.
    pub clock_skew: ClockSkew,
}

/// Which elements must be signed. A signature that is there although it need not be must verify all
/// the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SignaturePolicy {
    /// The assertion itself: safest, and what most identity providers do.
    #[default]
    Assertion,
    /// The response around it.
    Response,
    /// One of the two, whichever it is.
    Either,
    /// Each of the two.
    Both,
}

impl SignaturePolicy {
    pub(super) const fn is_met(self, response_signed: bool, assertion_signed: bool) -> bool {
        match self {
            Self::Assertion => assertion_signed,
            Self::Response => response_signed,
            Self::Either => response_signed || assertion_signed,
            Self::Both => response_signed && assertion_signed,
        }
    }

    /// Whether what the response says outside the assertion is always signed.
    pub(super) const fn covers_response(self) -> bool {
        matches!(self, Self::Response | Self::Both)
    }
}

/// How far the identity provider's clock may differ from ours: two minutes unless said otherwise,
/// at most five.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew(Duration);

impl ClockSkew {
    /// A tolerance in whole seconds, from 0 to 300.
    ///
    /// # Errors
    /// [`SamlError::ClockSkewExceeded`] above that.
    pub const fn from_seconds(seconds: u16) -> Result<Self, SamlError> {
        match seconds {
            0..=300 => Ok(Self(Duration::seconds(seconds as i64))),
            _ => Err(SamlError::ClockSkewExceeded),
        }
    }

    /// The tolerance.
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// Whether an instant "on or after" which something is over has come.
    pub(super) fn is_over(self, not_on_or_after: OffsetDateTime, now: OffsetDateTime) -> bool {
        now.checked_sub(self.0).is_none_or(|earliest_now| earliest_now >= not_on_or_after)
    }

    /// Whether an instant before which something does not hold is still to come.
    pub(super) fn is_ahead(self, not_before: OffsetDateTime, now: OffsetDateTime) -> bool {
        now.checked_add(self.0).is_none_or(|latest_now| latest_now < not_before)
    }
}

impl Default for ClockSkew {
    fn default() -> Self {
        Self(Duration::seconds(120))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn skew_is_bounded_and_ends_are_exact() {
        assert_eq!(ClockSkew::from_seconds(301), Err(SamlError::ClockSkewExceeded));
        let skew = ClockSkew::from_seconds(300).unwrap();
        let instant = datetime!(2025-01-02 12:00:00 UTC);
        assert!(!skew.is_over(instant, instant + Duration::seconds(299)));
        assert!(skew.is_over(instant, instant + Duration::seconds(300)));
        assert!(!skew.is_ahead(instant, instant - Duration::seconds(300)));
        assert!(skew.is_ahead(instant, instant - Duration::seconds(301)));
    }
}
