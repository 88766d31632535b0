//! The form field: base64 with a bound.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::saml::SamlError;
use crate::saml::xml::Limits;

/// The longest field that is looked at, in bytes: more than [`Limits::MESSAGE`] needs, even with
/// line breaks.
const MAX_FIELD: usize = 512 * 1024;

/// Padding may be missing; nothing else may be.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes the field. Line breaks and spaces between the digits are skipped.
pub(super) fn decode(field: &[u8]) -> Result<Vec<u8>, SamlError> {
    let too_large = SamlError::PayloadTooLarge { limit: "bytes of the SAMLResponse field" };
    if field.len() > MAX_FIELD {
        return Err(too_large);
    }
    let decoded = if field.iter().any(u8::is_ascii_whitespace) {
        ENGINE
            .decode(field.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<_>>())
    } else {
        ENGINE.decode(field)
    };
    let xml = decoded.map_err(|_| SamlError::InvalidBindingPayload)?;
    if xml.len() > Limits::MESSAGE.bytes { Err(too_large) } else { Ok(xml) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_strictly_but_for_padding_and_line_breaks() {
        for same in ["PGEvPg==", "PGEvPg", "PGEv\r\n Pg=="] {
            assert_eq!(decode(same.as_bytes()).unwrap(), b"<a/>", "{same}");
        }
        for bad in ["PGEvPg==x", "PGEvP", "PGEvPh==", "PGEv%Pg=", "PGEv-_g=", "\u{e9}"] {
            assert_eq!(decode(bad.as_bytes()), Err(SamlError::InvalidBindingPayload), "{bad}");
        }
    }

    #[test]
    fn size_is_bounded() {
        let bound = SamlError::PayloadTooLarge { limit: "bytes of the SAMLResponse field" };
        assert_eq!(decode(&[b'A'; MAX_FIELD + 1]), Err(bound));
        assert_eq!(decode(&vec![b'A'; Limits::MESSAGE.bytes / 3 * 4 + 4]), Err(bound));
        assert!(decode(&vec![b'A'; Limits::MESSAGE.bytes / 3 * 4]).is_ok());
    }
}
