//! What a login leaves behind.

use time::{Duration, OffsetDateTime};

use super::attributes::Attributes;
use super::authentication::Authentication;
use super::conditions::Conditions;
use super::expected::{ClockSkew, ExpectedResponse};
use super::message::Message;
use super::subject::NameId;
use crate::saml::SamlError;
use crate::saml::protocol::instant;
use crate::saml::xml::VerifiedAssertion;

/// However soon an assertion expires, it is remembered this long.
const SHORTEST_MEMORY: Duration = Duration::hours(1);

/// What a valid response says: who logged in where, when and how. All of it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginFacts {
    /// The identity provider's entity ID.
    pub issuer: String,
    /// The response's ID, when the policy is one under which it is always signed (`Response`,
    /// `Both`); otherwise anybody could change it, and it would say nothing.
    pub response_id: Option<String>,
    /// The assertion's ID: together with the issuer, what must not be accepted twice.
    pub assertion_id: String,
    /// The user's name at the identity provider.
    pub name_id: NameId,
    /// The identity provider's name for its session, to be given back when logging out.
    pub session_index: Option<String>,
    /// When our session must end, by the identity provider’s clock, if it limits it.
    pub session_not_on_or_after: Option<OffsetDateTime>,
    /// When the user authenticated at the identity provider.
    pub authn_instant: OffsetDateTime,
    /// How the user authenticated, as a URI.
    pub authn_context: Option<String>,
    /// What else the identity provider says about the user.
    pub attributes: Attributes,
    /// The latest instant named as an end of the assertion's validity, without clock skew.
    pub not_on_or_after: OffsetDateTime,
    /// Whether the identity provider demands that the assertion is used once and not kept.
    pub one_time_use: bool,
}

impl LoginFacts {
    /// Until when the assertion's ID must be remembered, so that the assertion cannot be used
    /// again.
    pub fn replay_until(&self, now: OffsetDateTime, clock_skew: ClockSkew) -> OffsetDateTime {
        let end = self.not_on_or_after.saturating_add(clock_skew.as_duration());
        end.max(now.saturating_add(SHORTEST_MEMORY))
    }

    /// When our session must end, by our clock: it is held against the identity provider’s with the
    /// same skew as everything else, so that what was accepted is not over already.
    pub fn session_ends_at(&self, clock_skew: ClockSkew) -> Option<OffsetDateTime> {
        let end = self.session_not_on_or_after?;
        Some(end.saturating_add(clock_skew.as_duration()))
    }

    /// When the user authenticated, by our clock. An instant of the identity provider’s clock, to
    /// the second, says so within the skew only; but what it did because a request of ours told it
    /// to (`ForceAuthn`) was done after that request, which was sent at `forced_at`, and before
    /// `now`. An instant from before the request by more than the skew tells of an older login: an
    /// identity provider may not do as it is told.
    pub fn authenticated_at(
        &self,
        forced_at: Option<OffsetDateTime>,
        clock_skew: ClockSkew,
        now: OffsetDateTime,
    ) -> OffsetDateTime {
        let stated = self.authn_instant.min(now);
        match forced_at {
            Some(asked) if !clock_skew.is_ahead(instant::whole(asked), self.authn_instant) => {
                stated.max(asked.min(now))
            }
            _ => stated,
        }
    }

    /// Puts together what the checks before it have read.
    pub(super) fn read(
        message: &Message<'_>,
        assertion: &VerifiedAssertion<'_>,
        expected: &ExpectedResponse<'_>,
        conditions: &Conditions<'_>,
        confirmed_until: OffsetDateTime,
        authentication: Authentication,
    ) -> Result<Self, SamlError> {
        let id = |id: Option<&str>| id.map(str::to_owned);
        let response_id = id(message.response.attribute("ID"))
            .filter(|_| expected.signature_policy.covers_response());
        let assertion_id = id(assertion.element().attribute("ID"));
        Ok(Self {
            issuer: expected.idp_entity_id.to_owned(),
            response_id,
            assertion_id: assertion_id.ok_or(SamlError::MissingProtocolField { field: "ID" })?,
            name_id: NameId::read(assertion, expected)?,
            session_index: authentication.session_index,
            session_not_on_or_after: authentication.session_not_on_or_after,
            authn_instant: authentication.instant,
            authn_context: authentication.context,
            attributes: Attributes::read(assertion)?,
            not_on_or_after: conditions
                .not_on_or_after
                .map_or(confirmed_until, |end| end.max(confirmed_until)),
            one_time_use: conditions.one_time_use,
        })
    }
}
