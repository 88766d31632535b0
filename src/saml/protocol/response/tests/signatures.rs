//! Signatures that must not verify. The control for each is [`super::accepted`]: the same bytes
//! unchanged.

use super::super::{LoginFacts, SignaturePolicy};
use super::fixture::{Fixture, certificate, read};
use crate::saml::SamlError;
use crate::saml::xml::IdpCertificate;

fn code(result: Result<LoginFacts, SamlError>) -> &'static str {
    result.map_or_else(|e| e.code(), |_| "accepted")
}

/// Asserts what becomes of the pretty response after each replacement.
fn assert_codes(cases: &[(&str, &str, &str)]) {
    let fixture = Fixture::named("pretty");
    fixture.facts();
    for (from, to, expected) in cases {
        assert_eq!(code(fixture.judge(&fixture.with(from, to))), *expected, "{from} -> {to}");
    }
}

#[test]
fn algorithms_are_on_the_list() {
    const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
    let more = |name: &str| format!("{MORE}{name}");
    let exclusive = "<CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#";
    let content = "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></Transform>";
    let content = if Fixture::named("pretty").xml.contains(content) {
        content
    } else {
        "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
    };
    let enveloped =
        "<Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let xpath = "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><XPath>1</XPath></Transform>";
    assert_codes(&[
        (&more("rsa-sha256"), "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "deprecated_algorithm"),
        (&more("rsa-sha256"), &more("rsa-sha384"), "invalid_signature"),
        (&more("rsa-sha256"), &more("hmac-sha256"), "unsupported_signature_algorithm"),
        (
            &more("rsa-sha256"),
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "unsupported_signature_algorithm",
        ),
        (&more("rsa-sha256"), &more("rsa-md5"), "unsupported_signature_algorithm"),
        (&more("rsa-sha256"), &more("ecdsa-sha256"), "untrusted_certificate"),
        (&more("rsa-sha256"), "", "unsupported_signature_algorithm"),
        ("xmlenc#sha256", "xmlenc#sha512", "digest_mismatch"),
        (
            "http://www.w3.org/2001/04/xmlenc#sha256",
            "http://www.w3.org/2000/09/xmldsig#sha1",
            "deprecated_algorithm",
        ),
        ("xmlenc#sha256", "xmlenc#ripemd160", "unsupported_signature_algorithm"),
        (exclusive, &format!("{exclusive}WithComments"), "unsupported_signature_algorithm"),
        (
            exclusive,
            "<CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            "unsupported_signature_algorithm",
        ),
        (enveloped, xpath, "invalid_signature"),
        (enveloped, "", "invalid_signature"),
        (enveloped, &format!("{enveloped}{enveloped}"), "invalid_signature"),
        (content, "", "invalid_signature"),
        (content, &format!("{content}{content}"), "invalid_signature"),
        (content, xpath, "unsupported_signature_algorithm"),
        (content, enveloped, "unsupported_signature_algorithm"),
    ]);
}

#[test]
fn signature_has_the_form_of_the_schema() {
    let method =
        "<SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>";
    let truncated =
        method.replace("/>", "><HMACOutputLength>0</HMACOutputLength></SignatureMethod>");
    assert_codes(&[
        (method, &truncated, "invalid_signature"),
        ("<SignedInfo>", "<SignedInfo/><SignedInfo>", "invalid_signature"),
        ("</SignedInfo>", "</SignedInfo><SignedInfo/>", "invalid_signature"),
        ("<SignatureValue>", "<SignatureValue/><SignatureValue>", "invalid_signature"),
        ("</Reference>", "</Reference><Reference URI=\"#_response\"/>", "invalid_signature"),
        ("<DigestValue>", "<DigestValue>AAAA</DigestValue><DigestValue>", "invalid_signature"),
        ("<DigestValue>", "<DigestValue><!-- AAAA -->", "comment_forbidden"),
        ("<DigestValue>", "<DigestValue>=", "invalid_signature"),
        ("<DigestValue>", "<DigestValue><x/>", "invalid_signature"),
        ("<SignatureValue>", "<SignatureValue>AAAA", "invalid_signature"),
        ("</KeyInfo>", "</KeyInfo><Object/>", "ambiguous_signed_node"),
        ("</KeyInfo>", "</KeyInfo><x xmlns=\"urn:x\"/>", "invalid_signature"),
        ("</KeyInfo>", "</KeyInfo>text", "invalid_signature"),
        ("<KeyInfo>", "<KeyInfo><KeyInfo/>", "untrusted_certificate"),
        (
            "<Subject>",
            "<KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/><Subject>",
            "untrusted_certificate",
        ),
        ("URI=\"#_assertion\"", "URI=\"\"", "ambiguous_signed_node"),
        ("URI=\"#_assertion\"", "", "ambiguous_signed_node"),
        ("URI=\"#_assertion\"", "URI=\"#_response\"", "ambiguous_signed_node"),
        ("URI=\"#_assertion\"", "URI=\"#xpointer(id('_assertion'))\"", "ambiguous_signed_node"),
        ("URI=\"#_assertion\"", "URI=\"http://evil.example/#_assertion\"", "ambiguous_signed_node"),
        ("ID=\"_assertion\"", "x:ID=\"_assertion\" xmlns:x=\"urn:x\"", "missing_protocol_field"),
        ("ID=\"_assertion\"", "Id=\"_assertion\"", "missing_protocol_field"),
        ("ID=\"_response\"", "ID=\"_assertion\"", "duplicate_xml_id"),
    ]);
}

#[test]
fn lists_of_prefixes_are_bounded() {
    let fixture = Fixture::named("prefix-list");
    let list = |n: usize| fixture.with("xs #default absent", &"a ".repeat(n));
    assert_eq!(code(fixture.judge(&list(32))), "digest_mismatch");
    assert_eq!(code(fixture.judge(&list(33))), "payload_too_large");
}

/// The digest of nothing is refused even if the canonical form were empty.
#[test]
fn digest_of_nothing_is_refused() {
    use crate::saml::xml::{AwsLc, Crypto};
    let of_nothing = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"");
    assert!(!AwsLc.digest_matches(&aws_lc_rs::digest::SHA256, b"", of_nothing.as_ref()));
    let of_something = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"x");
    assert!(AwsLc.digest_matches(&aws_lc_rs::digest::SHA256, b"x", of_something.as_ref()));
    assert!(!AwsLc.digest_matches(&aws_lc_rs::digest::SHA256, b"x", &of_something.as_ref()[..31]));
}

#[test]
fn only_configured_certificates_count() {
    let mut fixture = Fixture::named("both-signed");
    fixture.facts();
    fixture.certificates = vec![certificate("idp-rsa-other.crt")];
    assert_eq!(
        code(fixture.judge(&fixture.xml)),
        "invalid_signature",
        "the right one is in KeyInfo"
    );
    fixture.certificates = vec![certificate("idp-p256.crt")];
    assert_eq!(code(fixture.judge(&fixture.xml)), "untrusted_certificate");
    fixture.certificates = Vec::new();
    assert_eq!(code(fixture.judge(&fixture.xml)), "untrusted_certificate", "never unsigned");
}

#[test]
fn policy_is_enforced() {
    use SignaturePolicy::{Assertion, Both, Either, Response};
    for (name, policy, expected) in [
        ("assertion-signed", Response, "missing_signature"),
        ("assertion-signed", Both, "missing_signature"),
        ("response-signed", Assertion, "missing_signature"),
        ("response-signed", Both, "missing_signature"),
        ("response-signed", Either, "accepted"),
        ("both-signed", Assertion, "accepted"),
        ("both-signed", Response, "accepted"),
    ] {
        let fixture = Fixture { policy, ..Fixture::named(name) };
        assert_eq!(code(fixture.judge(&fixture.xml)), expected, "{name} under {policy:?}");
    }
}

/// A signature that the policy does not need is still not allowed to be wrong.
#[test]
fn a_needless_signature_must_verify_too() {
    for policy in [SignaturePolicy::Assertion, SignaturePolicy::Either] {
        let fixture = Fixture { policy, ..Fixture::named("both-signed") };
        fixture.facts();
        let moved = fixture.with("IssueInstant=\"20", "IssueInstant=\"19");
        assert_eq!(code(fixture.judge(&moved)), "digest_mismatch", "the response's own signature");
    }
}

#[test]
fn weak_and_odd_keys_are_refused() {
    let pem = |file| IdpCertificate::from_pem(&String::from_utf8(read(file)).unwrap());
    assert!(pem("idp-rsa.crt").is_ok() && pem("idp-p384.crt").is_ok());
    assert!(
        matches!(pem("idp-rsa-weak.crt"), Err(SamlError::UntrustedCertificate { fault }) if fault.contains("2048"))
    );
    assert!(matches!(pem("idp-rsa.test-key.pem"), Err(SamlError::UntrustedCertificate { .. })));
    let mut trailing = certificate("idp-rsa.crt").der().to_vec();
    trailing.push(0);
    assert!(IdpCertificate::from_der(&trailing).is_err());
    assert!(IdpCertificate::from_der(&[]).is_err());
}
