//! Minting and verifying access tokens, beside the bare signature (aws-lc-rs) and `jsonwebtoken`.
//!
//! The distance between `donjon` and `aws-lc-rs` is what JSON, base64 and the checks cost.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start may stop")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use criterion::{Criterion, criterion_group, criterion_main};
use donjon::jose::{AccessTokenJwt, Algorithm, ClaimRules, JwtVerifier, SigningKey};
use jsonwebtoken::{DecodingKey, EncodingKey, Validation};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use time::macros::datetime;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA];
const ISSUER: &str = "https://app.example";
const AUDIENCE: &str = "https://api.example";

/// The claims of RFC 9068.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Vec<String>,
    client_id: String,
    scope: String,
    jti: String,
    iat: i64,
    exp: i64,
}

fn claims() -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        sub: "019a3b5e-7c1d-7f00-8a4e-2f6d3c9b1e75".to_owned(),
        aud: vec![AUDIENCE.to_owned()],
        client_id: "third-party-app".to_owned(),
        scope: "openid profile email api:read".to_owned(),
        jti: "yJ5q0m7VhQm0Jr1kq3bYtA".to_owned(),
        iat: datetime!(2026-11-01 12:00 UTC).unix_timestamp(),
        exp: datetime!(2026-11-01 12:10 UTC).unix_timestamp(),
    }
}

fn mint(c: &mut Criterion) {
    let claims = claims();
    for algorithm in ALGORITHMS {
        let mut group = c.benchmark_group(format!("mint/{algorithm}"));
        let key = SigningKey::generate(algorithm).unwrap();
        let pkcs8 = key.to_pkcs8().unwrap();

        group.bench_function("donjon", |b| {
            b.iter(|| AccessTokenJwt::sign(&key, black_box(&claims)).unwrap());
        });

        let token = AccessTokenJwt::sign(&key, &claims).unwrap();
        let (input, _) = token.as_str().rsplit_once('.').unwrap();
        let sign = raw_signer(algorithm, pkcs8.as_bytes());
        group.bench_function("aws-lc-rs", |b| b.iter(|| sign(black_box(input.as_bytes()))));

        let (header, encoding) = peer_encoder(&key, pkcs8.as_bytes());
        group.bench_function("jsonwebtoken", |b| {
            b.iter(|| jsonwebtoken::encode(&header, black_box(&claims), &encoding).unwrap());
        });
        group.finish();
    }
}

fn verify(c: &mut Criterion) {
    let now = datetime!(2026-11-01 12:05 UTC);
    for algorithm in ALGORITHMS {
        let mut group = c.benchmark_group(format!("verify/{algorithm}"));
        let key = SigningKey::generate(algorithm).unwrap();
        let pkcs8 = key.to_pkcs8().unwrap();
        let token = AccessTokenJwt::sign(&key, &claims()).unwrap().into_string();

        let keys = [key.verifying_key().clone()];
        let rules = ClaimRules::new().issuer(ISSUER).audience(AUDIENCE);
        let verifier = JwtVerifier::access_token(&[algorithm], rules);
        group.bench_function("donjon", |b| {
            b.iter(|| verifier.verify::<Claims>(black_box(&token), &keys, now).unwrap());
        });

        let (input, _) = token.rsplit_once('.').unwrap();
        let signature = key.sign(input.as_bytes()).unwrap();
        let public = raw_public_key(algorithm, pkcs8.as_bytes());
        group.bench_function("aws-lc-rs", |b| {
            b.iter(|| public.verify(black_box(input.as_bytes()), &signature).unwrap());
        });

        let jwk = serde_json::to_value(key.public_jwk()).unwrap();
        let decoding = DecodingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap();
        let mut validation = Validation::new(algorithm.name().parse().unwrap());
        validation.validate_exp = false; // its clock is the machine's
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        group.bench_function("jsonwebtoken", |b| {
            b.iter(|| {
                jsonwebtoken::decode::<Claims>(black_box(&token), &decoding, &validation).unwrap()
            });
        });
        group.finish();
    }
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

fn raw_signer(algorithm: Algorithm, pkcs8: &[u8]) -> Sign {
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).unwrap();
            Box::new(move |message| pair.sign(&random, message).unwrap().as_ref().to_vec())
        }
        Algorithm::EdDSA => {
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8).unwrap();
            Box::new(move |message| pair.sign(message).as_ref().to_vec())
        }
        _ => {
            let pair = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
            Box::new(move |message| {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            })
        }
    }
}

fn raw_public_key(algorithm: Algorithm, pkcs8: &[u8]) -> UnparsedPublicKey<Vec<u8>> {
    let (scheme, key): (&'static dyn VerificationAlgorithm, Vec<u8>) = match algorithm {
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).unwrap();
            (&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref().to_vec())
        }
        Algorithm::EdDSA => {
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8).unwrap();
            (&ED25519, pair.public_key().as_ref().to_vec())
        }
        _ => {
            let pair = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
            (&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref().to_vec())
        }
    };
    UnparsedPublicKey::new(scheme, key)
}

fn peer_encoder(key: &SigningKey, pkcs8: &[u8]) -> (jsonwebtoken::Header, EncodingKey) {
    /// What PKCS#8 puts in front of the PKCS#1 key of 2048 bits that the peer reads.
    const PKCS8_PREFIX: usize = 26;
    let mut header = jsonwebtoken::Header::new(key.algorithm().name().parse().unwrap());
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.kid().to_owned());
    let encoding = match key.algorithm() {
        Algorithm::ES256 => EncodingKey::from_ec_der(pkcs8),
        Algorithm::EdDSA => EncodingKey::from_ed_der(pkcs8),
        _ => EncodingKey::from_rsa_der(pkcs8.get(PKCS8_PREFIX..).unwrap()),
    };
    (header, encoding)
}

criterion_group!(benches, mint, verify);
criterion_main!(benches);
