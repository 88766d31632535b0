//! The two sides share no code: here each reads what the other wrote.

use donjon::crypto::{Clock as _, SystemClock};
use donjon::saml::SamlError;
use donjon::saml::protocol::{
    AuthnRequest, ClockSkew, ExpectedResponse, IdpMetadata, LoginFacts, SignaturePolicy,
    SpMetadata, validate_response,
};
use url::Url;

use super::*;

const OURS: SpMetadata<'_> = SpMetadata {
    entity_id: "urn:app:\"<&>'\"",
    acs_url: "https://app.example/acs?a=1&b=2",
    want_assertions_signed: true,
    name_id_formats: &["urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"],
    valid_until: None,
};

fn request() -> LoginRequest {
    let request = AuthnRequest {
        id: "_42",
        issue_instant: SystemClock.now(),
        idp_sso_url: SSO_URL,
        acs_url: OURS.acs_url,
        sp_entity_id: "urn:app",
        name_id_format: None,
        force_authn: false,
        is_passive: false,
    };
    let url = Url::parse(&request.redirect_url(Some("relay")).unwrap()).unwrap();
    let query: SsoQuery = serde_urlencoded::from_str(url.query().unwrap()).unwrap();
    assert_eq!(query.relay_state, "relay");
    LoginRequest::read(&query.request).unwrap()
}

#[test]
fn it_reads_what_the_library_writes() {
    let request = request();
    assert_eq!((request.id.as_str(), request.issuer.as_str()), ("_42", "urn:app"));
    assert_eq!(request.acs_url.as_deref(), Some(OURS.acs_url));
    let application = ServiceProvider::read(OURS.to_xml().as_bytes()).unwrap();
    assert_eq!(application.entity_id, OURS.entity_id);
    assert_eq!(application.acs_url, OURS.acs_url);
}

/// What the library reads from the response that `signer` signs for an employee, when it trusts
/// `trusted`.
fn judge(login: &str, signer: &Signer, trusted: &Signer) -> Result<LoginFacts, SamlError> {
    let now = SystemClock.now();
    let theirs = IdpMetadata::read(exchange::metadata(&trusted.certificate).as_bytes(), now)?;
    let application = ServiceProvider::read(OURS.to_xml().as_bytes()).unwrap();
    let employee = directory::find(login).unwrap();
    let response = response::sign(signer, employee, &request(), &application).unwrap();
    let expected = ExpectedResponse {
        request_id: Some("_42"),
        acs_url: OURS.acs_url,
        sp_entity_id: OURS.entity_id,
        idp_entity_id: &theirs.entity_id,
        certificates: &theirs.certificates,
        signature_policy: SignaturePolicy::Assertion,
        clock_skew: ClockSkew::default(),
    };
    validate_response(response.as_bytes(), &expected, now)
}

/// What an application learns of an employee.
pub(crate) fn vouch_for(login: &str) -> LoginFacts {
    let signer = Signer::generate().unwrap();
    judge(login, &signer, &signer).unwrap()
}

#[test]
fn the_library_accepts_what_it_signs() {
    let facts = vouch_for("alice");
    assert_eq!(facts.name_id.value, "alice@acme.example");
    assert_eq!(facts.attributes.first("name"), Some("Alice Moreau"));
}

#[test]
fn the_library_refuses_what_a_stranger_signs() {
    let (acme, stranger) = (Signer::generate().unwrap(), Signer::generate().unwrap());
    assert!(judge("alice", &stranger, &acme).is_err());
}
