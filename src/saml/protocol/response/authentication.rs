//! When and how the user logged in at the identity provider (Core 2.7.2).

use time::{Duration, OffsetDateTime};

use super::child::{only_child, optional_child, required_text};
use super::conditions::read_instant;
use super::expected::ExpectedResponse;
use crate::saml::SamlError;
use crate::saml::xml::VerifiedAssertion;
use crate::saml::xml::namespace::ASSERTION;

/// What is left of a session that is still worth entering.
const SHORTEST_SESSION: Duration = Duration::seconds(10);

/// The first `AuthnStatement`, but the earliest end of any.
pub(super) struct Authentication {
    pub(super) instant: OffsetDateTime,
    pub(super) context: Option<String>,
    pub(super) session_index: Option<String>,
    pub(super) session_not_on_or_after: Option<OffsetDateTime>,
}

impl Authentication {
    pub(super) fn read(assertion: &VerifiedAssertion<'_>) -> Result<Self, SamlError> {
        let mut statements = assertion.element().elements_named(ASSERTION, "AuthnStatement");
        let missing = |field| SamlError::MissingProtocolField { field };
        let statement = statements.next().ok_or(missing("AuthnStatement"))?;
        let context = only_child(statement, ASSERTION, "AuthnContext")?;
        let class = optional_child(context, ASSERTION, "AuthnContextClassRef")?;
        let mut end = read_instant(statement, "SessionNotOnOrAfter")?;
        for other in statements {
            let other_end = read_instant(other, "SessionNotOnOrAfter")?;
            end = end.into_iter().chain(other_end).min();
        }
        Ok(Self {
            instant: read_instant(statement, "AuthnInstant")?.ok_or(missing("AuthnInstant"))?,
            context: class
                .map(|class| required_text(class, "AuthnContextClassRef").map(str::to_owned))
                .transpose()?,
            session_index: statement.attribute("SessionIndex").map(str::to_owned),
            session_not_on_or_after: end,
        })
    }

    /// The user has logged in, and that session is not over, nor will be before the browser has
    /// followed us into it: nobody is to be logged in to find themselves logged out.
    pub(super) fn check_times(
        &self,
        expected: &ExpectedResponse<'_>,
        now: OffsetDateTime,
    ) -> Result<(), SamlError> {
        if expected.clock_skew.is_ahead(self.instant, now) {
            return Err(SamlError::AssertionNotYetValid);
        }
        let soon = now.saturating_add(SHORTEST_SESSION);
        if self.session_not_on_or_after.is_some_and(|end| expected.clock_skew.is_over(end, soon)) {
            return Err(SamlError::AssertionExpired);
        }
        Ok(())
    }
}
