//! Whom an assertion is about, and why its bearer may present it (Core 2.4, Profiles 4.1.4.2).

use time::OffsetDateTime;

use super::child::{only_child, required_text};
use super::conditions::read_instant;
use super::expected::ExpectedResponse;
use crate::saml::SamlError;
use crate::saml::xml::namespace::ASSERTION;
use crate::saml::xml::{Element, VerifiedAssertion};

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// The name of the user at the identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameId {
    /// The name; unique together with the format and both qualifiers, never by itself.
    pub value: String,
    /// What kind of name, as a URI; `None` means unspecified.
    pub format: Option<String>,
    /// The domain of the identity provider that the name is unique in.
    pub name_qualifier: Option<String>,
    /// The service provider that the name was made for: ourselves, if anybody.
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    pub(super) fn read(
        assertion: &VerifiedAssertion<'_>,
        expected: &ExpectedResponse<'_>,
    ) -> Result<Self, SamlError> {
        let subject = only_child(assertion.element(), ASSERTION, "Subject")?;
        let name_id = only_child(subject, ASSERTION, "NameID")?;
        let attribute = |name| name_id.attribute(name).map(str::to_owned);
        let sp_name_qualifier = attribute("SPNameQualifier");
        if sp_name_qualifier.as_deref().is_some_and(|qualifier| qualifier != expected.sp_entity_id)
        {
            return Err(SamlError::ConnectionBindingMismatch);
        }
        Ok(Self {
            value: required_text(name_id, "NameID")?.to_owned(),
            format: attribute("Format"),
            name_qualifier: attribute("NameQualifier"),
            sp_name_qualifier,
        })
    }
}

/// At least one bearer confirmation must hold in every respect; otherwise the first one says why
/// not.
///
/// Returns the latest instant at which one of them is over.
pub(super) fn check_confirmation(
    assertion: &VerifiedAssertion<'_>,
    expected: &ExpectedResponse<'_>,
    now: OffsetDateTime,
) -> Result<OffsetDateTime, SamlError> {
    let subject = only_child(assertion.element(), ASSERTION, "Subject")?;
    let mut confirmed_until = None;
    let mut first_error = None;
    let confirmations = subject.elements_named(ASSERTION, "SubjectConfirmation");
    for confirmation in confirmations.filter(|c| c.attribute("Method") == Some(BEARER)) {
        match check_bearer(confirmation, expected, now) {
            Ok(end) => confirmed_until = confirmed_until.max(Some(end)),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    let no_bearer = SamlError::MissingProtocolField { field: "SubjectConfirmation" };
    confirmed_until.ok_or(first_error.unwrap_or(no_bearer))
}

fn check_bearer(
    confirmation: Element<'_>,
    expected: &ExpectedResponse<'_>,
    now: OffsetDateTime,
) -> Result<OffsetDateTime, SamlError> {
    let data = only_child(confirmation, ASSERTION, "SubjectConfirmationData")?;
    if data.attribute("InResponseTo") != expected.request_id {
        return Err(SamlError::InResponseToMismatch);
    }
    if data.attribute("Recipient") != Some(expected.acs_url) {
        return Err(SamlError::RecipientMismatch);
    }
    if data.attribute("NotBefore").is_some() {
        return Err(SamlError::MissingProtocolField {
            field: "SubjectConfirmationData without NotBefore",
        });
    }
    let end = read_instant(data, "NotOnOrAfter")?;
    let end = end.ok_or(SamlError::MissingProtocolField { field: "NotOnOrAfter" })?;
    if expected.clock_skew.is_over(end, now) {
        Err(SamlError::SubjectConfirmationExpired)
    } else {
        Ok(end)
    }
}
