use http::HeaderValue;
use time::macros::datetime;
use url::Url;

use crate::fuzzing::Outcome;
use crate::saml::protocol::{AuthnRequest, IdpMetadata};

/// Metadata that are accepted have an entity ID, 1 to 16 certificates, and an address on the web
/// that a browser can be sent to with a request.
pub fn idp_metadata(xml: &[u8]) -> Outcome {
    let now = datetime!(2026-11-22 0:00 UTC);
    let Ok(metadata) = IdpMetadata::read(xml, now) else { return Outcome::Refused };
    assert!(!metadata.entity_id.is_empty());
    assert_eq!(metadata.sso_url.trim(), metadata.sso_url);
    assert!((1..=16).contains(&metadata.certificates.len()));
    assert!(metadata.valid_until.is_none_or(|until| now < until));
    let request = AuthnRequest {
        id: "_1",
        issue_instant: now,
        idp_sso_url: &metadata.sso_url,
        acs_url: "https://sp.example/saml/acme/acs",
        sp_entity_id: "https://sp.example/saml/acme/metadata",
        name_id_format: metadata.name_id_formats.first().map(String::as_str),
        force_authn: false,
        is_passive: false,
    };
    let Ok(address) = request.redirect_url(Some("rs_1")) else {
        panic!("no request fits {:?}", metadata.sso_url);
    };
    assert!(HeaderValue::from_str(&address).is_ok(), "{address:?} is no header value");
    let (Ok(service), Ok(address)) = (Url::parse(&metadata.sso_url), Url::parse(&address)) else {
        panic!("{address:?} is no URL");
    };
    assert!(matches!(address.scheme(), "http" | "https"));
    assert_eq!(address.origin(), service.origin());
    assert_eq!(address.path(), service.path());
    let last = |name: &str| address.query_pairs().filter(|(key, _)| key == name).last();
    assert!(last("RelayState").is_some_and(|(_, value)| value == "rs_1"));
    assert!(last("SAMLRequest").is_some_and(|(_, value)| !value.is_empty()));
    Outcome::Accepted
}
