//! From a message to an assertion that can be believed.

use super::check_envelope::check_status;
use super::expected::ExpectedResponse;
use super::message::Message;
use crate::saml::SamlError;
use crate::saml::xml::{Assertion, Crypto, Response, Verified, VerifiedAssertion, verify_with};

/// Verifies every signature there is, and demands those that the policy demands.
pub(super) fn verify_signatures<'t>(
    crypto: &impl Crypto,
    message: &Message<'t>,
    expected: &ExpectedResponse<'_>,
) -> Result<VerifiedAssertion<'t>, SamlError> {
    let Some(assertion) = message.assertion else {
        // A failed login has no assertion and is seldom signed; either way it is refused.
        check_status(message)?;
        return Err(SamlError::MissingProtocolField { field: "Assertion" });
    };
    if expected.certificates.is_empty() {
        return Err(SamlError::UntrustedCertificate { fault: "no certificate is configured" });
    }
    let (response_signed, assertion_signed) =
        (message.response_is_signed(), message.assertion_is_signed());
    if !expected.signature_policy.is_met(response_signed, assertion_signed) {
        return Err(SamlError::MissingSignature);
    }
    let response: Option<Verified<'t, Response>> = response_signed
        .then(|| verify_with(crypto, message.response, expected.certificates))
        .transpose()?;
    let assertion: Option<Verified<'t, Assertion>> = assertion_signed
        .then(|| verify_with(crypto, assertion, expected.certificates))
        .transpose()?;
    match (assertion, response) {
        (Some(assertion), _) => Ok(assertion),
        (None, Some(response)) => response.into_assertion(),
        (None, None) => Err(SamlError::MissingSignature),
    }
}
