//! Judging a `Response` (Core 3.3.3, Profiles 4.1.4): one pipeline, in an order that is a contract.

mod attributes;
mod authentication;
mod check_envelope;
mod child;
mod conditions;
mod decode;
mod expected;
mod facts;
mod message;
mod subject;
#[cfg(test)]
mod tests;
mod verify_signatures;

pub use attributes::{Attribute, Attributes};
pub use expected::{ClockSkew, ExpectedResponse, SignaturePolicy};
pub use facts::LoginFacts;
pub use subject::NameId;

use authentication::Authentication;
use check_envelope::{check_destination, check_in_response_to, check_issuer, check_status};
use conditions::Conditions;
use decode::decode;
use message::Message;
use subject::check_confirmation;
use time::OffsetDateTime;
use verify_signatures::verify_signatures;

use crate::saml::SamlError;
use crate::saml::xml::{AwsLc, Crypto, Limits, parse};

/// Judges the `SAMLResponse` field of a form that a browser posted to the assertion consumer
/// service.
///
/// What comes back was read from the signed assertion alone. The first check that fails decides the
/// error, and no error carries anything from the message. The caller still has to make sure, in one
/// transition, that neither the request nor the assertion was used before; see
/// [`LoginFacts::replay_until`].
///
/// # Errors
/// The variant of [`SamlError`] for the first thing that is wrong.
pub fn validate_response(
    saml_response: &[u8],
    expected: &ExpectedResponse<'_>,
    now: OffsetDateTime,
) -> Result<LoginFacts, SamlError> {
    validate_xml(&AwsLc, &decode(saml_response)?, expected, now)
}

/// The pipeline, with the cryptography as a parameter, so that tests can prove that it matters.
pub(in crate::saml) fn validate_xml(
    crypto: &impl Crypto,
    xml: &[u8],
    expected: &ExpectedResponse<'_>,
    now: OffsetDateTime,
) -> Result<LoginFacts, SamlError> {
    let document = parse(xml, &Limits::MESSAGE)?;
    let message = Message::read(&document)?;
    message.refuse_encrypted()?;
    check_in_response_to(&message, expected)?;
    check_issuer(&message, expected)?;
    let assertion = verify_signatures(crypto, &message, expected)?;
    check_status(&message)?;
    check_destination(&message, expected)?;
    let conditions = Conditions::read(&assertion)?;
    conditions.check_audience(expected)?;
    let confirmed_until = check_confirmation(&assertion, expected, now)?;
    conditions.check_times(&assertion, expected, now)?;
    let authentication = Authentication::read(&assertion)?;
    authentication.check_times(expected, now)?;
    LoginFacts::read(&message, &assertion, expected, &conditions, confirmed_until, authentication)
}
