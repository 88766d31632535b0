//! Verifying a SAML response, beside the bare RSA signature (aws-lc-rs) and `bergshamra`.
//!
//! The distance between `donjon` and `aws-lc-rs` is what base64, XML, canonicalization, digests and the checks of the
//! profile cost. `bergshamra` parses and verifies the signature; it does no base64 and none of the profile's checks.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start may stop")]
#![expect(clippy::indexing_slicing, reason = "a benchmark that cannot start may stop")]

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, criterion_group, criterion_main};
use donjon::saml::protocol::{ClockSkew, ExpectedResponse, SignaturePolicy, validate_response};
use donjon::saml::xml::IdpCertificate;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

fn fixture(file: &str) -> String {
    let path = format!("{}/tests/fixtures/saml/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn saml(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("saml");
    let manifest: serde_json::Value = serde_json::from_str(&fixture("manifest.json")).unwrap();
    let text = |name: &str| manifest[name].as_str().unwrap().to_owned();
    let (idp, sp, acs, request) =
        (text("idp_entity_id"), text("sp_entity_id"), text("acs_url"), text("request_id"));
    let certificates = [IdpCertificate::from_pem(&fixture("idp-rsa.crt")).unwrap()];

    for (name, policy) in
        [("assertion-signed", SignaturePolicy::Assertion), ("both-signed", SignaturePolicy::Both)]
    {
        let entries = manifest["responses"].as_array().unwrap();
        let entry = entries.iter().find(|e| e["file"] == format!("{name}.xml")).unwrap();
        let now = OffsetDateTime::parse(entry["now"].as_str().unwrap(), &Rfc3339).unwrap();
        let expected = ExpectedResponse {
            request_id: Some(&request),
            acs_url: &acs,
            sp_entity_id: &sp,
            idp_entity_id: &idp,
            certificates: &certificates,
            signature_policy: policy,
            clock_skew: ClockSkew::default(),
        };
        let form = STANDARD.encode(fixture(&format!("{name}.xml")));
        group.bench_function(format!("donjon: {name}, {} bytes of base64", form.len()), |b| {
            b.iter(|| validate_response(black_box(form.as_bytes()), &expected, now).unwrap());
        });
    }

    let xml = fixture("assertion-signed.xml");
    let key =
        bergshamra::keys::loader::load_x509_cert_pem(fixture("idp-rsa.crt").as_bytes()).unwrap();
    let mut keys = bergshamra::KeysManager::new();
    keys.add_key(key);
    let context = bergshamra::DsigContext::new(keys);
    let verify = || bergshamra::verify(&context, black_box(&xml)).unwrap();
    assert!(verify().is_valid());
    group.bench_function("bergshamra: assertion-signed", |b| b.iter(verify));

    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let info = [0x5a; 800];
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &info, &mut signature).unwrap();
    let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key()).unwrap();
    group.bench_function("aws-lc-rs: RSA-2048 signature alone", |b| {
        b.iter(|| public.verify_sig(black_box(&info), &signature).unwrap());
    });
    group.finish();
}

criterion_group!(benches, saml);
criterion_main!(benches);
