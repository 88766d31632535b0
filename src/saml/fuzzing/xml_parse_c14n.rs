use crate::fuzzing::Outcome;
use crate::saml::SamlError;
use crate::saml::xml::{Document, Exclusive, Limits, canonicalize, parse};

/// What parses has a canonical form, which parses again and is its own canonical form.
pub fn xml_parse_c14n(xml: &[u8]) -> Outcome {
    let Ok(document) = parse(xml, &Limits::MESSAGE) else { return Outcome::Refused };
    let once = canonical(&document);
    match parse(&once, &Limits::METADATA) {
        Ok(again) => assert_eq!(once, canonical(&again)),
        // Escapes and declarations make text longer: a bound that the source keeps, its canonical
        // form may pass.
        Err(error) => assert!(matches!(error, SamlError::PayloadTooLarge { .. }), "{error}"),
    }
    Outcome::Accepted
}

fn canonical(document: &Document<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let done = canonicalize(document.root(), &Exclusive::default(), &mut out);
    assert_eq!(done, Ok(()), "a root is never empty");
    out
}
