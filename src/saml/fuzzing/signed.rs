//! The good responses that the targets know, and what they are held against.

#![expect(clippy::expect_used, reason = "the fixtures are part of the repository")]

use std::sync::LazyLock;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::saml::SamlError;
use crate::saml::protocol::{
    ClockSkew, ExpectedResponse, LoginFacts, SignaturePolicy, validate_xml,
};
use crate::saml::xml::{AwsLc, Crypto, IdpCertificate};

pub(super) const SIGNED: [&str; 6] = [
    include_str!("../../../tests/fixtures/saml/assertion-signed.xml"),
    include_str!("../../../tests/fixtures/saml/response-signed.xml"),
    include_str!("../../../tests/fixtures/saml/both-signed.xml"),
    include_str!("../../../tests/fixtures/saml/pretty.xml"),
    include_str!("../../../tests/fixtures/saml/prefix-list.xml"),
    include_str!("../../../tests/fixtures/saml/ecdsa-p256.xml"),
];
pub(super) const ACS: &str = "https://sp.example/saml/acme/acs";
pub(super) const SP: &str = "https://sp.example/saml/acme/metadata";
const REQUEST: &str = "_4fee3b046395c4e751011e97f8900b5273d56685";

/// Half a minute after the fixtures were signed.
pub(super) static NOW: LazyLock<OffsetDateTime> = LazyLock::new(|| {
    let manifest = include_str!("../../../tests/fixtures/saml/manifest.json");
    let now = manifest.split("\"now\": \"").nth(1).and_then(|rest| rest.split('"').next());
    OffsetDateTime::parse(now.expect("the manifest has a time"), &Rfc3339).expect("a time")
});

static CERTIFICATES: LazyLock<[IdpCertificate; 2]> = LazyLock::new(|| {
    [
        include_str!("../../../tests/fixtures/saml/idp-rsa.crt"),
        include_str!("../../../tests/fixtures/saml/idp-p256.crt"),
    ]
    .map(|pem| IdpCertificate::from_pem(pem).expect("the fixture is a certificate"))
});

static FACTS: LazyLock<Vec<LoginFacts>> = LazyLock::new(|| {
    SIGNED.map(|xml| judge(&AwsLc, xml.as_bytes()).expect("the fixtures are good")).into()
});

pub(super) fn expected() -> ExpectedResponse<'static> {
    ExpectedResponse {
        request_id: Some(REQUEST),
        acs_url: ACS,
        sp_entity_id: SP,
        idp_entity_id: "https://idp.example/metadata",
        certificates: &*CERTIFICATES,
        signature_policy: SignaturePolicy::Either,
        clock_skew: ClockSkew::default(),
    }
}

pub(super) fn judge(crypto: &impl Crypto, xml: &[u8]) -> Result<LoginFacts, SamlError> {
    validate_xml(crypto, xml, &expected(), *NOW)
}

/// Judges a response; if it is accepted, it says exactly what one of the signed ones says.
pub(super) fn is_one_of_the_signed(xml: &[u8]) -> bool {
    let Ok(facts) = judge(&AwsLc, xml) else { return false };
    assert!(FACTS.contains(&facts), "forged: {facts:?}");
    true
}
