//! A pinned certificate: the key that an identity provider signs with.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey as SubjectPublicKey;

use super::algorithm::Algorithm;
use crate::saml::SamlError;

/// A certificate that an identity provider signs with. It is pinned: its key is trusted because it
/// was configured, no chain is built, and its dates are for the operator to look at.
#[derive(Debug)]
pub struct IdpCertificate {
    der: Vec<u8>,
    fingerprint: [u8; 32],
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    key: PublicKey,
}

/// Its key, parsed once for every algorithm it may be used with.
#[derive(Debug)]
pub(crate) enum PublicKey {
    Rsa {
        modulus_len: usize,
        sha256: ParsedPublicKey,
        sha384: ParsedPublicKey,
        sha512: ParsedPublicKey,
    },
    P256(ParsedPublicKey),
    P384(ParsedPublicKey),
    P521(ParsedPublicKey),
}

impl IdpCertificate {
    /// Reads a certificate from its DER form.
    ///
    /// # Errors
    /// [`SamlError::UntrustedCertificate`] when it is no certificate, or its key is neither RSA of
    /// 2048 to 8192 bits nor on P-256, P-384 or P-521.
    pub fn from_der(der: &[u8]) -> Result<Self, SamlError> {
        let untrusted = |fault| SamlError::UntrustedCertificate { fault };
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| untrusted("not an X.509 certificate"))?;
        if !rest.is_empty() {
            return Err(untrusted("something follows the X.509 certificate"));
        }
        let fingerprint = digest(&SHA256, der).as_ref().try_into();
        let validity = certificate.validity();
        Ok(Self {
            der: der.to_vec(),
            fingerprint: fingerprint.map_err(|_| untrusted("not an X.509 certificate"))?,
            not_before: validity.not_before.to_datetime(),
            not_after: validity.not_after.to_datetime(),
            key: PublicKey::read(&certificate)?,
        })
    }

    /// Reads a certificate from its PEM form, or from the bare base64 that metadata and admin
    /// consoles show.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der).
    pub fn from_pem(pem: &str) -> Result<Self, SamlError> {
        let begun = pem.split_once("-----BEGIN CERTIFICATE-----").map_or(pem, |(_, after)| after);
        let body =
            begun.split_once("-----END CERTIFICATE-----").map_or(begun, |(before, _)| before);
        let base64: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64);
        Self::from_der(
            &der.map_err(|_| SamlError::UntrustedCertificate { fault: "not a PEM certificate" })?,
        )
    }

    /// Its DER form.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The SHA-256 of its DER form.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// When its validity begins.
    pub fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// When its validity ends; signatures verify beyond it, so warn in time.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl PublicKey {
    fn read(certificate: &X509Certificate<'_>) -> Result<Self, SamlError> {
        let info = certificate.public_key();
        let untrusted = |fault| SamlError::UntrustedCertificate { fault };
        let parse = |algorithm: &'static dyn VerificationAlgorithm| {
            ParsedPublicKey::new(algorithm, info.raw)
        };
        match info.parsed().map_err(|_| untrusted("the certificate's key is malformed"))? {
            SubjectPublicKey::RSA(rsa) => {
                let bits = rsa.key_size();
                if !(2048..=8192).contains(&bits) {
                    return Err(untrusted("an RSA key must have 2048 to 8192 bits"));
                }
                let parse = |algorithm| {
                    parse(algorithm).map_err(|_| untrusted("the certificate's key is malformed"))
                };
                Ok(Self::Rsa {
                    modulus_len: bits.div_ceil(8),
                    sha256: parse(&signature::RSA_PKCS1_2048_8192_SHA256)?,
                    sha384: parse(&signature::RSA_PKCS1_2048_8192_SHA384)?,
                    sha512: parse(&signature::RSA_PKCS1_2048_8192_SHA512)?,
                })
            }
            SubjectPublicKey::EC(_) => parse(&signature::ECDSA_P256_SHA256_FIXED)
                .map(Self::P256)
                .or_else(|_| parse(&signature::ECDSA_P384_SHA384_FIXED).map(Self::P384))
                .or_else(|_| parse(&signature::ECDSA_P521_SHA512_FIXED).map(Self::P521))
                .map_err(|_| untrusted("an elliptic-curve key must be on P-256, P-384 or P-521")),
            _ => Err(untrusted("the certificate's key is neither RSA nor elliptic-curve")),
        }
    }

    pub(super) fn for_algorithm(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        match (self, algorithm) {
            (Self::Rsa { sha256, .. }, Algorithm::RsaSha256) => Some(sha256),
            (Self::Rsa { sha384, .. }, Algorithm::RsaSha384) => Some(sha384),
            (Self::Rsa { sha512, .. }, Algorithm::RsaSha512) => Some(sha512),
            (Self::P256(key), Algorithm::EcdsaSha256) => Some(key),
            (Self::P384(key), Algorithm::EcdsaSha384) => Some(key),
            (Self::P521(key), Algorithm::EcdsaSha512) => Some(key),
            _ => None,
        }
    }

    pub(super) fn supports(&self, algorithm: Algorithm) -> bool {
        self.for_algorithm(algorithm).is_some()
    }

    /// How long a signature value is: the modulus, or r and s side by side (XML Signature 1.1,
    /// 6.4.3).
    pub(super) fn signature_len(&self) -> usize {
        match self {
            Self::Rsa { modulus_len, .. } => *modulus_len,
            Self::P256(_) => 64,
            Self::P384(_) => 96,
            Self::P521(_) => 132,
        }
    }
}
