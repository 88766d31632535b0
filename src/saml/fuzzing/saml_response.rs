use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::signed::{NOW, expected, is_one_of_the_signed};
use crate::fuzzing::Outcome;
use crate::saml::protocol::validate_response;

/// What is accepted says exactly what one of the signed responses says; the form field that holds
/// it is judged the same.
pub fn saml_response(xml: &[u8]) -> Outcome {
    let accepted = is_one_of_the_signed(xml);
    let field = validate_response(STANDARD.encode(xml).as_bytes(), &expected(), *NOW);
    assert_eq!(field.is_ok(), accepted);
    // As a field itself it is hardly ever base64, and then of nothing good.
    assert!(validate_response(xml, &expected(), *NOW).is_err());
    Outcome::accepted(accepted)
}
