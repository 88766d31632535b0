//! Metadata that is accepted has an entity ID, a URL and 1 to 16 certificates.
#![no_main]

use donjon::saml::protocol::IdpMetadata;
use libfuzzer_sys::fuzz_target;
use time::macros::datetime;

fuzz_target!(|xml: &[u8]| {
    let Ok(metadata) = IdpMetadata::read(xml, datetime!(2026-11-22 0:00 UTC)) else { return };
    assert!(!metadata.entity_id.is_empty());
    assert!(metadata.sso_url.starts_with("http"));
    assert!((1..=16).contains(&metadata.certificates.len()));
});
