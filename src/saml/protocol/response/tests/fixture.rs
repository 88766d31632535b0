//! A response signed by pysaml2 or xmlsec1, and what it is held against.

use std::path::{Path, PathBuf};

use serde_json::Value;
use time::OffsetDateTime;

use super::super::{ClockSkew, ExpectedResponse, LoginFacts, SignaturePolicy, validate_xml};
use crate::saml::SamlError;
use crate::saml::protocol::instant;
use crate::saml::xml::{AwsLc, Crypto, IdpCertificate};

pub(super) const ACS: &str = "https://sp.example/saml/acme/acs";
pub(super) const SP: &str = "https://sp.example/saml/acme/metadata";
pub(super) const IDP: &str = "https://idp.example/metadata";
pub(super) const REQUEST: &str = "_4fee3b046395c4e751011e97f8900b5273d56685";
pub(super) const USER: &str = "alice@example.test";

pub(super) struct Fixture {
    pub(super) name: String,
    pub(super) xml: String,
    pub(super) certificates: Vec<IdpCertificate>,
    pub(super) policy: SignaturePolicy,
    pub(super) now: OffsetDateTime,
}

impl Fixture {
    /// Every response of the manifest.
    pub(super) fn all() -> Vec<Self> {
        let manifest: Value = serde_json::from_slice(&read("manifest.json")).unwrap();
        let field = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        let policy = |name: &str| match name {
            "assertion" => SignaturePolicy::Assertion,
            "response" => SignaturePolicy::Response,
            "both" => SignaturePolicy::Both,
            other => panic!("unknown policy {other}"),
        };
        let load = |entry: &Value| Self {
            name: field(entry, "file").trim_end_matches(".xml").to_owned(),
            xml: String::from_utf8(read(&field(entry, "file"))).unwrap(),
            certificates: vec![certificate(&field(entry, "certificate"))],
            policy: policy(&field(entry, "policy")),
            now: instant::read(&field(entry, "now"), "now").unwrap(),
        };
        manifest["responses"].as_array().unwrap().iter().map(load).collect()
    }

    pub(super) fn named(name: &str) -> Self {
        Self::all().into_iter().find(|fixture| fixture.name == name).unwrap()
    }

    pub(super) fn expected(&self) -> ExpectedResponse<'_> {
        ExpectedResponse {
            request_id: Some(REQUEST),
            acs_url: ACS,
            sp_entity_id: SP,
            idp_entity_id: IDP,
            certificates: &self.certificates,
            signature_policy: self.policy,
            clock_skew: ClockSkew::default(),
        }
    }

    /// Judges `xml` in place of what was signed.
    pub(super) fn judge_with(
        &self,
        crypto: &impl Crypto,
        xml: &str,
    ) -> Result<LoginFacts, SamlError> {
        validate_xml(crypto, xml.as_bytes(), &self.expected(), self.now)
    }

    pub(super) fn judge(&self, xml: &str) -> Result<LoginFacts, SamlError> {
        self.judge_with(&AwsLc, xml)
    }

    /// What the response says, as it was signed.
    pub(super) fn facts(&self) -> LoginFacts {
        self.judge(&self.xml).unwrap()
    }

    /// The response with the one occurrence of `from` replaced.
    pub(super) fn with(&self, from: &str, to: &str) -> String {
        assert!(self.xml.contains(from), "{} has no {from}", self.name);
        self.xml.replacen(from, to, 1)
    }
}

pub(super) fn certificate(file: &str) -> IdpCertificate {
    IdpCertificate::from_pem(&String::from_utf8(read(file)).unwrap()).unwrap()
}

pub(super) fn read(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/saml")
}
