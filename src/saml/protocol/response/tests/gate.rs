//! The mutation gate: whatever is done to a good response, it is refused or says exactly what was
//! signed. And the gate's own test: it does not hold when verification is hollow.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::{LoginFacts, SignaturePolicy};
use super::fixture::{Fixture, USER};
use super::mutations::{Class, for_each_mutant};
use crate::saml::xml::namespace::{ASSERTION, SIGNATURE};
use crate::saml::xml::{
    Algorithm, AnySignature, AwsLc, Crypto, Element, Exclusive, Limits, PublicKey, canonicalize,
    parse,
};

/// What became of the mutants.
#[derive(Default)]
struct Report {
    refused: usize,
    unchanged: usize,
    /// Accepted, but saying something else.
    violations: BTreeMap<Class, Vec<(String, Box<LoginFacts>)>>,
}

fn run_gate(fixture: &Fixture, crypto: &impl Crypto) -> Report {
    let signed = fixture.facts();
    let mut report = Report::default();
    for_each_mutant(&fixture.xml, |class, mutant| match fixture.judge_with(crypto, &mutant) {
        Err(_) => report.refused += 1,
        Ok(facts) if facts == signed => report.unchanged += 1,
        Ok(facts) => report.violations.entry(class).or_default().push((mutant, Box::new(facts))),
    });
    report
}

fn assert_gate_holds(fixture: &Fixture) {
    let report = run_gate(fixture, &AwsLc);
    if let Some((class, mutants)) = report.violations.first_key_value() {
        let (mutant, facts) = &mutants[0];
        panic!("{} {class:?}: accepted as {facts:?}:\n{mutant}", fixture.name);
    }
    assert!(report.refused > 15_000, "{}: only {} refused", fixture.name, report.refused);
    assert!(report.unchanged > 100, "{}: the gate never opens", fixture.name);
}

#[test]
fn gate_holds_for_signed_assertions() {
    assert_gate_holds(&Fixture::named("assertion-signed"));
}

#[test]
fn gate_holds_for_signed_responses() {
    assert_gate_holds(&Fixture::named("response-signed"));
}

#[test]
fn gate_holds_for_both_signed() {
    assert_gate_holds(&Fixture::named("both-signed"));
}

#[test]
fn gate_holds_for_either_signed() {
    let fixture = Fixture::named("response-signed");
    assert_gate_holds(&Fixture { policy: SignaturePolicy::Either, ..fixture });
}

#[test]
fn gate_holds_for_pretty_responses() {
    assert_gate_holds(&Fixture::named("pretty"));
}

/// A verifier that only looks at structure opens the gate to every class of change.
#[test]
fn gate_fails_when_verification_is_hollow() {
    let report = run_gate(&Fixture::named("assertion-signed"), &AnySignature);
    let classes: Vec<_> = report.violations.keys().copied().collect();
    let all =
        [Class::Byte, Class::Element, Class::Move, Class::Attribute, Class::Text, Class::Namespace];
    assert_eq!(classes, all[..5], "a change of namespaces alone changes no fact");
    let impostors =
        report.violations.values().flatten().filter(|(_, facts)| facts.name_id.value != USER);
    assert!(impostors.count() > 50);
}

/// The signature value is checked, but not the digest.
#[test]
fn gate_fails_when_digests_are_not_compared() {
    struct NoDigest;
    impl Crypto for NoDigest {
        fn digest_matches(&self, _: &'static digest::Algorithm, _: &[u8], _: &[u8]) -> bool {
            true
        }
        fn signature_matches(
            &self,
            key: &PublicKey,
            algorithm: Algorithm,
            info: &[u8],
            value: &[u8],
        ) -> bool {
            AwsLc.signature_matches(key, algorithm, info, value)
        }
    }
    assert!(run_gate(&Fixture::named("response-signed"), &NoDigest).violations.len() >= 5);
}

/// The digest is compared, but not the signature value (CVE-2026-49454): only somebody who computes
/// digests gets in.
#[test]
fn forged_digests_need_a_signature() {
    struct NoSignature;
    impl Crypto for NoSignature {
        fn digest_matches(
            &self,
            algorithm: &'static digest::Algorithm,
            canonical: &[u8],
            expected: &[u8],
        ) -> bool {
            AwsLc.digest_matches(algorithm, canonical, expected)
        }
        fn signature_matches(&self, _: &PublicKey, _: Algorithm, _: &[u8], _: &[u8]) -> bool {
            true
        }
    }
    for name in ["assertion-signed", "response-signed", "both-signed", "pretty"] {
        let fixture = Fixture::named(name);
        let forged = forge(&fixture.xml.replace(USER, "admin@example.test"));
        assert_eq!(fixture.judge(&forged).unwrap_err().code(), "invalid_signature", "{name}");
        let facts = fixture.judge_with(&NoSignature, &forged).unwrap();
        assert_eq!(facts.name_id.value, "admin@example.test", "{name}: the digest was right");
    }
}

/// Writes the right SHA-256 digests into a changed response, inner ones first.
fn forge(xml: &str) -> String {
    let mut forged = xml.to_owned();
    for inner in [true, false] {
        let source = forged.clone();
        let document = parse(source.as_bytes(), &Limits::MESSAGE).unwrap();
        let root = document.root();
        let assertion = root.elements_named(ASSERTION, "Assertion").next().unwrap();
        if let Some((old, new)) = redigest(if inner { assertion } else { root }) {
            forged = forged.replace(&old, &new);
        }
    }
    forged
}

fn redigest(element: Element<'_>) -> Option<(String, String)> {
    let signature = element.elements_named(SIGNATURE, "Signature").next()?;
    let old =
        signature.descendants().find(|e| e.is(SIGNATURE, "DigestValue")).unwrap().text().unwrap();
    let mut canonical = Vec::new();
    let enveloped = Exclusive { omit: Some(signature.id()), ..Exclusive::default() };
    canonicalize(element, &enveloped, &mut canonical).unwrap();
    Some((old.to_owned(), STANDARD.encode(digest::digest(&digest::SHA256, &canonical))))
}
