//! What is accepted says exactly what one of the signed fixtures says.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use donjon::saml::SamlError;
use donjon::saml::protocol::{
    ClockSkew, ExpectedResponse, LoginFacts, SignaturePolicy, validate_response,
};
use donjon::saml::xml::IdpCertificate;
use libfuzzer_sys::fuzz_target;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

static SIGNED: [&str; 4] = [
    include_str!("../../tests/fixtures/saml/assertion-signed.xml"),
    include_str!("../../tests/fixtures/saml/response-signed.xml"),
    include_str!("../../tests/fixtures/saml/both-signed.xml"),
    include_str!("../../tests/fixtures/saml/pretty.xml"),
];

static CERTIFICATES: LazyLock<[IdpCertificate; 1]> = LazyLock::new(|| {
    let pem = include_str!("../../tests/fixtures/saml/idp-rsa.crt");
    [IdpCertificate::from_pem(pem).expect("the fixture is a certificate")]
});

static FACTS: LazyLock<Vec<LoginFacts>> = LazyLock::new(|| {
    SIGNED.map(|xml| judge(xml.as_bytes()).expect("the fixtures are good")).into()
});

fn judge(xml: &[u8]) -> Result<LoginFacts, SamlError> {
    let expected = ExpectedResponse {
        request_id: Some("_4fee3b046395c4e751011e97f8900b5273d56685"),
        acs_url: "https://sp.example/saml/acme/acs",
        sp_entity_id: "https://sp.example/saml/acme/metadata",
        idp_entity_id: "https://idp.example/metadata",
        certificates: &*CERTIFICATES,
        signature_policy: SignaturePolicy::Either,
        clock_skew: ClockSkew::default(),
    };
    validate_response(STANDARD.encode(xml).as_bytes(), &expected, issued())
}

/// When the fixtures were signed.
fn issued() -> OffsetDateTime {
    let instant = SIGNED[0].split("IssueInstant=\"").nth(1).and_then(|rest| rest.split('"').next());
    OffsetDateTime::parse(instant.expect("an issue instant"), &Rfc3339).expect("an instant")
}

fuzz_target!(|xml: &[u8]| {
    if let Ok(facts) = judge(xml) {
        assert!(FACTS.contains(&facts), "forged: {facts:?}");
    }
});
