//! What the response says outside the assertion. An attacker can write all of it unless the
//! response is signed, so these checks refuse and never grant.

use super::child::{only_child, optional_child};
use super::expected::ExpectedResponse;
use super::message::Message;
use crate::saml::xml::Element;
use crate::saml::xml::namespace::{ASSERTION, PROTOCOL};
use crate::saml::{SamlError, StatusCode};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const ENTITY_FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";

/// The response answers our request (Profiles 4.1.4.3).
pub(super) fn check_in_response_to(
    message: &Message<'_>,
    expected: &ExpectedResponse<'_>,
) -> Result<(), SamlError> {
    match (expected.request_id, message.response.attribute("InResponseTo")) {
        (Some(request_id), Some(answered)) if answered == request_id => Ok(()),
        (None, None) => Err(SamlError::IdpInitiatedNotAllowed),
        _ => Err(SamlError::InResponseToMismatch),
    }
}

/// Response and assertion come from the connection's identity provider. The response may leave its
/// issuer out unless it is signed (Profiles 4.1.4.2); the assertion may not.
pub(super) fn check_issuer(
    message: &Message<'_>,
    expected: &ExpectedResponse<'_>,
) -> Result<(), SamlError> {
    if message.response_is_signed()
        || optional_child(message.response, ASSERTION, "Issuer")?.is_some()
    {
        check_issuer_of(message.response, expected)?;
    }
    message.assertion.map_or(Ok(()), |assertion| check_issuer_of(assertion, expected))
}

fn check_issuer_of(element: Element<'_>, expected: &ExpectedResponse<'_>) -> Result<(), SamlError> {
    let issuer = only_child(element, ASSERTION, "Issuer")?;
    let is_entity = matches!(issuer.attribute("Format"), None | Some(ENTITY_FORMAT));
    if is_entity && issuer.text() == Some(expected.idp_entity_id) {
        Ok(())
    } else {
        Err(SamlError::IssuerMismatch)
    }
}

/// The login succeeded (Core 3.2.2).
pub(super) fn check_status(message: &Message<'_>) -> Result<(), SamlError> {
    let status = only_child(message.response, PROTOCOL, "Status")?;
    let code = only_child(status, PROTOCOL, "StatusCode")?;
    let value =
        code.attribute("Value").ok_or(SamlError::MissingProtocolField { field: "StatusCode" })?;
    if value == SUCCESS {
        return Ok(());
    }
    let inner =
        optional_child(code, PROTOCOL, "StatusCode")?.and_then(|inner| inner.attribute("Value"));
    let specific = inner.map(StatusCode::from_uri).filter(|code| *code != StatusCode::Other);
    Err(SamlError::UnsupportedStatus {
        status: specific.unwrap_or_else(|| StatusCode::from_uri(value)),
    })
}

/// The response was sent to us. It may leave that out unless it is signed (Bindings 3.5.5.2).
pub(super) fn check_destination(
    message: &Message<'_>,
    expected: &ExpectedResponse<'_>,
) -> Result<(), SamlError> {
    match message.response.attribute("Destination") {
        Some(destination) if destination == expected.acs_url => Ok(()),
        None if !message.response_is_signed() => Ok(()),
        _ => Err(SamlError::DestinationMismatch),
    }
}
