//! What a forger can compute.

#![expect(clippy::expect_used, reason = "the fixture is part of the repository")]

use std::sync::LazyLock;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::saml::xml::namespace::SIGNATURE;
use crate::saml::xml::{Document, Element, Exclusive, Limits, canonicalize, parse};

/// A key that no certificate of ours vouches for.
static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    let pem = include_str!("../../../tests/fixtures/saml/idp-rsa-other.test-key.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let pkcs8 = STANDARD.decode(base64).expect("the fixture is base64");
    RsaKeyPair::from_pkcs8(&pkcs8).expect("the fixture is a key")
});

/// Writes the right SHA-256 digests into every signature, inner ones first.
pub(super) fn redigest(xml: &mut String) {
    for nth in 0..2 {
        replace(xml, |document| {
            let signed = document.root().descendants().filter_map(|element| {
                Some((element, element.elements_named(SIGNATURE, "Signature").next()?))
            });
            let (element, signature) = signed.collect::<Vec<_>>().into_iter().rev().nth(nth)?;
            let value = signature.descendants().find(|e| e.is(SIGNATURE, "DigestValue"))?;
            let enveloped = Exclusive { omit: Some(signature.id()), ..Exclusive::default() };
            let digest = digest::digest(&digest::SHA256, &canonical(element, &enveloped)?);
            Some((value.text()?.to_owned(), STANDARD.encode(digest)))
        });
    }
}

/// Signs every signature anew, and vouches for the key itself.
pub(super) fn sign(xml: &mut String) {
    redigest(xml);
    for nth in 0..2 {
        replace(xml, |document| {
            let mut signatures =
                document.root().descendants().filter(|e| e.is(SIGNATURE, "Signature"));
            let signature = signatures.nth(nth)?;
            let info = signature.elements_named(SIGNATURE, "SignedInfo").next()?;
            let value = signature.elements_named(SIGNATURE, "SignatureValue").next()?;
            let message = canonical(info, &Exclusive::default())?;
            let mut signed = vec![0; KEY.public_modulus_len()];
            KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signed).ok()?;
            Some((value.text()?.to_owned(), STANDARD.encode(signed)))
        });
    }
    let certificate: String = include_str!("../../../tests/fixtures/saml/idp-rsa-other.crt")
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    replace(xml, |document| {
        let element = document.root().descendants().find(|e| e.is(SIGNATURE, "X509Certificate"))?;
        Some((element.text()?.to_owned(), certificate))
    });
}

/// Replaces one text by another, both found by looking at the document.
fn replace(xml: &mut String, find: impl FnOnce(&Document<'_>) -> Option<(String, String)>) {
    let found = parse(xml.as_bytes(), &Limits::MESSAGE).ok().and_then(|document| find(&document));
    if let Some((old, new)) = found.filter(|(old, _)| !old.is_empty()) {
        *xml = xml.replace(&old, &new);
    }
}

fn canonical(element: Element<'_>, method: &Exclusive<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    canonicalize(element, method, &mut out).ok()?;
    Some(out)
}
