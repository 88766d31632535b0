//! What parses has a canonical form, which parses again and is its own canonical form.
#![no_main]

use donjon::saml::xml::{Document, Exclusive, Limits, canonicalize, parse};
use libfuzzer_sys::fuzz_target;

fn canonical(document: &Document<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    canonicalize(document.root(), &Exclusive::default(), &mut out).expect("a root is never empty");
    out
}

fuzz_target!(|xml: &[u8]| {
    let Ok(document) = parse(xml, &Limits::MESSAGE) else { return };
    let once = canonical(&document);
    // Escapes make text longer: a bound that the source keeps, its canonical form may pass.
    let Ok(again) = parse(&once, &Limits::METADATA) else { return };
    assert_eq!(once, canonical(&again));
});
