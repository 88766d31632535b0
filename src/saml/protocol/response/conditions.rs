//! Under which conditions an assertion holds (Core 2.5).

use time::OffsetDateTime;

use super::child::{only_child, optional_child};
use super::expected::ExpectedResponse;
use crate::saml::SamlError;
use crate::saml::protocol::instant;
use crate::saml::xml::namespace::ASSERTION;
use crate::saml::xml::{Element, VerifiedAssertion};

/// The conditions of a verified assertion.
pub(super) struct Conditions<'t> {
    element: Element<'t>,
    not_before: Option<OffsetDateTime>,
    pub(super) not_on_or_after: Option<OffsetDateTime>,
    pub(super) one_time_use: bool,
}

impl<'t> Conditions<'t> {
    /// Reads them; one that is not known means refusal (Core 2.5.1).
    pub(super) fn read(assertion: &VerifiedAssertion<'t>) -> Result<Self, SamlError> {
        let element = only_child(assertion.element(), ASSERTION, "Conditions")?;
        let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
        if !element
            .elements()
            .all(|condition| known.iter().any(|local| condition.is(ASSERTION, local)))
        {
            return Err(SamlError::UnsupportedCondition);
        }
        optional_child(element, ASSERTION, "ProxyRestriction")?;
        Ok(Self {
            element,
            not_before: read_instant(element, "NotBefore")?,
            not_on_or_after: read_instant(element, "NotOnOrAfter")?,
            one_time_use: optional_child(element, ASSERTION, "OneTimeUse")?.is_some(),
        })
    }

    /// The assertion is meant for us: every restriction must name us, and there must be one
    /// (Profiles 4.1.4.2).
    pub(super) fn check_audience(&self, expected: &ExpectedResponse<'_>) -> Result<(), SamlError> {
        let mut restrictions =
            self.element.elements_named(ASSERTION, "AudienceRestriction").peekable();
        let names_us = |restriction: Element<'_>| {
            restriction
                .elements_named(ASSERTION, "Audience")
                .any(|a| a.text() == Some(expected.sp_entity_id))
        };
        let restricted = restrictions.peek().is_some();
        if restricted && restrictions.all(names_us) {
            Ok(())
        } else {
            Err(SamlError::InvalidAudience)
        }
    }

    /// The assertion has been issued, holds already and holds still (Core 2.5.1.2).
    pub(super) fn check_times(
        &self,
        assertion: &VerifiedAssertion<'_>,
        expected: &ExpectedResponse<'_>,
        now: OffsetDateTime,
    ) -> Result<(), SamlError> {
        let issued = read_instant(assertion.element(), "IssueInstant")?;
        let issued = issued.ok_or(SamlError::MissingProtocolField { field: "IssueInstant" })?;
        let skew = expected.clock_skew;
        if skew.is_ahead(issued, now)
            || self.not_before.is_some_and(|start| skew.is_ahead(start, now))
        {
            return Err(SamlError::AssertionNotYetValid);
        }
        if self.not_on_or_after.is_some_and(|end| skew.is_over(end, now)) {
            return Err(SamlError::AssertionExpired);
        }
        match (self.not_before, self.not_on_or_after) {
            (Some(start), Some(end)) if start >= end => {
                Err(SamlError::MissingProtocolField { field: "NotOnOrAfter" })
            }
            _ => Ok(()),
        }
    }
}

/// An attribute that holds an instant.
pub(super) fn read_instant(
    element: Element<'_>,
    name: &'static str,
) -> Result<Option<OffsetDateTime>, SamlError> {
    element.attribute(name).map(|value| instant::read(value, name)).transpose()
}
