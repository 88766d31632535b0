//! Responses that say the wrong thing, with signatures taken as good so that nothing but the check
//! in question refuses them. The control for each is the same response unchanged, under the same
//! stand-in.

use aws_lc_rs::digest;
use time::{Duration, OffsetDateTime};

use super::super::{ClockSkew, ExpectedResponse, LoginFacts, validate_xml};
use super::fixture::{Fixture, REQUEST, SP, USER};
use crate::saml::xml::{AnySignature, Crypto};
use crate::saml::{SamlError, StatusCode};

fn code(result: Result<LoginFacts, SamlError>) -> &'static str {
    result.map_or_else(|e| e.code(), |_| "accepted")
}

fn pretty() -> Fixture {
    let fixture = Fixture::named("pretty");
    assert!(fixture.judge_with(&AnySignature, &fixture.xml).is_ok(), "the control");
    fixture
}

/// Asserts what becomes of the pretty response after each replacement.
fn assert_codes(cases: &[(&str, &str, &str)]) {
    let fixture = pretty();
    for (from, to, expected) in cases {
        let changed = fixture.with(from, to);
        assert_eq!(code(fixture.judge_with(&AnySignature, &changed)), *expected, "{from} -> {to}");
    }
}

#[test]
fn envelope_is_checked() {
    assert_codes(&[
        ("Destination=\"https", "Destination=\"http", "destination_mismatch"),
        (
            "Destination=\"https://sp.example/saml/acme/acs\"",
            "Destination=\"\"",
            "destination_mismatch",
        ),
        ("Destination=\"https://sp.example/saml/acme/acs\"", "", "accepted"),
        (":status:Success", ":status:Requester", "unsupported_status"),
        (":status:Success", ":status:success", "unsupported_status"),
        (
            "<StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>",
            "",
            "missing_protocol_field",
        ),
        ("<Status>", "<Status/><Status>", "missing_protocol_field"),
        ("Version=\"2.0\"", "Version=\"1.1\"", "missing_protocol_field"),
        ("ID=\"_response\"", "ID=\"1\"", "missing_protocol_field"),
        ("ID=\"_response\"", "", "missing_protocol_field"),
        (
            &format!("InResponseTo=\"{REQUEST}\""),
            "InResponseTo=\"_other\"",
            "in_response_to_mismatch",
        ),
        (&format!("InResponseTo=\"{REQUEST}\""), "", "in_response_to_mismatch"),
        (
            "idp.example/metadata</Issuer>\n  <Status",
            "evil.example/metadata</Issuer>\n  <Status",
            "issuer_mismatch",
        ),
        (
            "idp.example/metadata</Issuer>\n    <Sig",
            "evil.example/metadata</Issuer>\n    <Sig",
            "issuer_mismatch",
        ),
        (
            "<Issuer>",
            "<Issuer Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">",
            "issuer_mismatch",
        ),
    ]);
}

#[test]
fn failed_logins_name_their_status() {
    let fixture = pretty();
    let (start, end) =
        (fixture.xml.find("<Assertion").unwrap(), fixture.xml.find("</Assertion>").unwrap());
    let without =
        format!("{}{}", &fixture.xml[..start], &fixture.xml[end + "</Assertion>".len()..]);
    assert_eq!(
        code(fixture.judge(&without)),
        "missing_protocol_field",
        "Success without an assertion"
    );
    let failed = without.replace(
        "<StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>",
        "<StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\">\
         <StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:NoPassive\"/></StatusCode>",
    );
    assert_eq!(
        fixture.judge(&failed),
        Err(SamlError::UnsupportedStatus { status: StatusCode::NoPassive })
    );
}

#[test]
fn conditions_are_checked() {
    let audience = format!("<Audience>{SP}</Audience>");
    let other = format!(
        "</AudienceRestriction><AudienceRestriction><Audience>{SP}</Audience></AudienceRestriction>"
    );
    assert_codes(&[
        (&audience, "", "invalid_audience"),
        (
            &audience,
            "<Audience>https://sp.example/saml/acme/metadata/</Audience>",
            "invalid_audience",
        ),
        ("</AudienceRestriction>", &other, "accepted"),
        (
            "</AudienceRestriction>",
            "</AudienceRestriction><AudienceRestriction/>",
            "invalid_audience",
        ),
        (
            "</AudienceRestriction>",
            "</AudienceRestriction><AudienceRestriction><Audience>urn:x</Audience></AudienceRestriction>",
            "invalid_audience",
        ),
        ("<OneTimeUse/>", "<Condition/>", "unsupported_condition"),
        ("<OneTimeUse/>", "<OneTimeUse xmlns=\"urn:x\"/>", "unsupported_condition"),
        ("<OneTimeUse/>", "<ProxyRestriction Count=\"0\"/>", "accepted"),
        ("<OneTimeUse/>", "<OneTimeUse/><OneTimeUse/>", "missing_protocol_field"),
        ("</Conditions>", "</Conditions><Conditions/>", "missing_protocol_field"),
        ("Conditions NotBefore=\"20", "Conditions NotBefore=\"21", "assertion_not_yet_valid"),
        ("Conditions NotBefore=\"20", "Conditions NotBefore=\"x", "missing_protocol_field"),
    ]);
    let fixture = pretty();
    let start = fixture.xml.find("<AudienceRestriction>").unwrap();
    let end = fixture.xml.find("</AudienceRestriction>").unwrap() + "</AudienceRestriction>".len();
    let without = format!("{}{}", &fixture.xml[..start], &fixture.xml[end..]);
    assert_eq!(
        code(fixture.judge_with(&AnySignature, &without)),
        "invalid_audience",
        "no restriction at all"
    );
}

#[test]
fn subject_is_checked() {
    let data = "<SubjectConfirmationData";
    let in_response_to = format!("{data} InResponseTo=\"{REQUEST}\"");
    let name_id = format!(">{USER}</NameID>");
    assert_codes(&[
        (&in_response_to, data, "in_response_to_mismatch"),
        (
            &in_response_to,
            "<SubjectConfirmationData InResponseTo=\"_other\"",
            "in_response_to_mismatch",
        ),
        ("Recipient=\"https", "Recipient=\"http", "recipient_mismatch"),
        ("Recipient=", "Address=", "recipient_mismatch"),
        (
            data,
            "<SubjectConfirmationData NotBefore=\"2020-01-01T00:00:00Z\"",
            "missing_protocol_field",
        ),
        ("cm:bearer", "cm:sender-vouches", "missing_protocol_field"),
        ("cm:bearer", "cm:holder-of-key", "missing_protocol_field"),
        (
            "</SubjectConfirmation>",
            "</SubjectConfirmation><SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"/>",
            "accepted",
        ),
        (
            "<SubjectConfirmation Method",
            "<SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"/><SubjectConfirmation Method",
            "accepted",
        ),
        (&name_id, "></NameID>", "missing_protocol_field"),
        (&name_id, "> </NameID>", "missing_protocol_field"),
        (&name_id, "><b/>admin</NameID>", "missing_protocol_field"),
        ("<NameID", "<NameID>admin</NameID><NameID", "missing_protocol_field"),
        ("<NameID", "<NameID SPNameQualifier=\"urn:other\"", "connection_binding_mismatch"),
        (
            "</Subject>",
            "</Subject><Subject><NameID>admin</NameID></Subject>",
            "missing_protocol_field",
        ),
        ("<NameID", "<EncryptedID/><NameID", "key_not_configured"),
    ]);
}

#[test]
fn statements_are_checked() {
    assert_codes(&[
        ("<AttributeStatement>", "<AttributeStatement><EncryptedAttribute/>", "key_not_configured"),
        ("<Attribute Name=\"mail\"", "<Attribute", "missing_protocol_field"),
        ("AuthnInstant=\"20", "AuthnInstant=\"21", "assertion_not_yet_valid"),
        ("AuthnInstant=", "Instant=", "missing_protocol_field"),
        ("SessionNotOnOrAfter=\"20", "SessionNotOnOrAfter=\"19", "assertion_expired"),
        ("</AuthnContext>", "</AuthnContext><AuthnContext/>", "missing_protocol_field"),
    ]);
    let fixture = pretty();
    let many = |n: usize| {
        fixture.with(
            "<Attribute Name=\"groups\">",
            &format!("{}<Attribute Name=\"groups\">", "<Attribute Name=\"x\"/>".repeat(n)),
        )
    };
    assert_eq!(code(fixture.judge_with(&AnySignature, &many(254))), "accepted");
    assert_eq!(code(fixture.judge_with(&AnySignature, &many(255))), "payload_too_large");
}

#[test]
fn encrypted_assertions_are_refused_by_name() {
    let fixture = pretty();
    let assertion = &fixture.xml
        [fixture.xml.find("<Assertion").unwrap()..fixture.xml.find("</Assertion>").unwrap() + 12];
    let encrypted = "<EncryptedAssertion xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>";
    let cases = [
        (encrypted.to_owned(), "key_not_configured"),
        (format!("{encrypted}{encrypted}"), "ambiguous_assertion"),
        (format!("{assertion}{encrypted}"), "ambiguous_assertion"),
    ];
    for (replacement, expected) in cases {
        assert_eq!(code(fixture.judge(&fixture.with(assertion, &replacement))), expected);
    }
}

/// Every end is exclusive and every start inclusive, with the skew in the bearer's favour.
#[test]
fn times_are_exact_to_the_second() {
    let fixture = pretty();
    let judge = |now: OffsetDateTime| code(judge_at(&fixture, &fixture.expected(), now));
    let issued = fixture.now - Duration::seconds(30);
    let skew = Duration::seconds(120);
    // The issue instant comes before the rest: NotBefore is a minute earlier.
    let start = issued - skew;
    let end = issued + Duration::minutes(5) + skew;
    assert_eq!(judge(start - Duration::seconds(2)), "assertion_not_yet_valid");
    assert_eq!(judge(start + Duration::seconds(2)), "accepted");
    assert_eq!(judge(end - Duration::seconds(2)), "accepted");
    assert_eq!(judge(end + Duration::seconds(2)), "subject_confirmation_expired");

    let strict =
        ExpectedResponse { clock_skew: ClockSkew::from_seconds(0).unwrap(), ..fixture.expected() };
    assert_eq!(
        code(judge_at(&fixture, &strict, end - skew + Duration::seconds(2))),
        "subject_confirmation_expired"
    );

    let lasting = fixture.with("\" Recipient", "\" x=\"\" Recipient").replacen(
        "\" NotOnOrAfter=\"20",
        "\" NotOnOrAfter=\"21",
        1,
    );
    let expired = Fixture { xml: lasting, now: end + Duration::minutes(10), ..fixture };
    assert_eq!(code(expired.judge_with(&AnySignature, &expired.xml)), "assertion_expired");
}

fn judge_at(
    fixture: &Fixture,
    expected: &ExpectedResponse<'_>,
    now: OffsetDateTime,
) -> Result<LoginFacts, SamlError> {
    validate_xml(&AnySignature, fixture.xml.as_bytes(), expected, now)
}

#[test]
fn logins_that_begin_at_the_provider_are_refused_by_name() {
    let mut fixture = pretty();
    let unsolicited = ExpectedResponse { request_id: None, ..fixture.expected() };
    assert_eq!(code(judge_at(&fixture, &unsolicited, fixture.now)), "in_response_to_mismatch");
    fixture.xml = fixture.xml.replace(&format!("InResponseTo=\"{REQUEST}\""), "");
    let unsolicited = ExpectedResponse { request_id: None, ..fixture.expected() };
    assert_eq!(code(judge_at(&fixture, &unsolicited, fixture.now)), "idp_initiated_not_allowed");
}

/// A stand-in that takes anything is only as good as the checks that ask it: it must be asked.
#[test]
fn verification_is_asked() {
    struct Nothing;
    impl Crypto for Nothing {
        fn digest_matches(&self, _: &'static digest::Algorithm, _: &[u8], _: &[u8]) -> bool {
            false
        }
        fn signature_matches(
            &self,
            _: &crate::saml::xml::PublicKey,
            _: crate::saml::xml::Algorithm,
            _: &[u8],
            _: &[u8],
        ) -> bool {
            false
        }
    }
    for fixture in Fixture::all() {
        assert_eq!(fixture.judge_with(&Nothing, &fixture.xml), Err(SamlError::DigestMismatch));
    }
}
