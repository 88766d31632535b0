use askama::Template;
use axum::BoxError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::ENTITY_ID;
use super::directory::Employee;
use super::exchange::{LoginRequest, ServiceProvider};
use super::signer::Signer;
use super::xml::{attribute, text};
use crate::neighbours::random;

/// A `<Response>` that vouches for an employee, its assertion signed; base64, as the HTTP-POST
/// binding carries it (SAML Bindings, section 3.5).
pub(super) fn sign(
    signer: &Signer,
    employee: &Employee,
    request: &LoginRequest,
    application: &ServiceProvider,
) -> Result<String, BoxError> {
    let now = now();
    let mut assertion = Assertion {
        id: new_id(),
        issue_instant: instant(now)?,
        not_on_or_after: instant(now + Duration::minutes(5))?,
        session_index: new_id(),
        signature: String::new(),
        employee,
        request,
        application,
    };
    assertion.signature = signer.sign(&assertion.id, &assertion.render()?)?;
    let response = Response { id: new_id(), assertion: &assertion };
    Ok(STANDARD.encode(response.render()?))
}

/// The assertion, in canonical form: every byte of this template is signed.
#[derive(Template)]
#[template(
    ext = "xml",
    escape = "none",
    source = r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{{ id }}" IssueInstant="{{ issue_instant }}" Version="2.0">
<saml:Issuer>{{ ENTITY_ID }}</saml:Issuer>{{ signature }}
<saml:Subject>
<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{{ self::text(employee.email) }}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{{ self::attribute(request.id) }}" NotOnOrAfter="{{ not_on_or_after }}" Recipient="{{ self::attribute(application.acs_url) }}"></saml:SubjectConfirmationData></saml:SubjectConfirmation>
</saml:Subject>
<saml:Conditions NotBefore="{{ issue_instant }}" NotOnOrAfter="{{ not_on_or_after }}"><saml:AudienceRestriction><saml:Audience>{{ self::text(application.entity_id) }}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{{ issue_instant }}" SessionIndex="{{ session_index }}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute Name="name" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue>{{ self::text(employee.name) }}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="email" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue>{{ self::text(employee.email) }}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>
</saml:Assertion>"#
)]
struct Assertion<'a> {
    id: String,
    issue_instant: String,
    not_on_or_after: String,
    session_index: String,
    signature: String,
    employee: &'a Employee,
    request: &'a LoginRequest,
    application: &'a ServiceProvider,
}

#[derive(Template)]
#[template(
    ext = "xml",
    escape = "none",
    source = r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Destination="{{ self::attribute(assertion.application.acs_url) }}" ID="{{ id }}" InResponseTo="{{ self::attribute(assertion.request.id) }}" IssueInstant="{{ assertion.issue_instant }}" Version="2.0">
<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{{ ENTITY_ID }}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode></samlp:Status>
{{ assertion.render()? }}
</samlp:Response>"#
)]
struct Response<'a> {
    id: String,
    assertion: &'a Assertion<'a>,
}

/// An `ID`: an XML name of 256 random bits.
fn new_id() -> String {
    format!("_{}", random::token())
}

fn instant(time: OffsetDateTime) -> Result<String, time::error::Format> {
    time.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
}

#[expect(clippy::disallowed_methods, reason = "a program of its own has a clock of its own")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
