//! What good responses say.

use time::Duration;

use super::super::{ClockSkew, ExpectedResponse, SignaturePolicy, validate_response};
use super::fixture::{Fixture, IDP, SP, USER};

#[test]
fn every_response_signed_by_others_is_accepted() {
    let fixtures = Fixture::all();
    assert_eq!(fixtures.len(), 9);
    for fixture in fixtures {
        let facts = fixture.judge(&fixture.xml).unwrap_or_else(|e| panic!("{}: {e}", fixture.name));
        assert_eq!(
            (facts.issuer.as_str(), facts.name_id.value.as_str()),
            (IDP, USER),
            "{}",
            fixture.name
        );
        assert_eq!(
            facts
                .attributes
                .first("mail")
                .or(facts.attributes.first("urn:oid:0.9.2342.19200300.100.1.3")),
            Some(USER)
        );
        let signs_response =
            matches!(fixture.policy, SignaturePolicy::Response | SignaturePolicy::Both);
        assert_eq!(facts.response_id.is_some(), signs_response);
        assert!(facts.session_not_on_or_after.unwrap() > fixture.now + Duration::hours(7));
    }
}

#[test]
fn facts_are_read_in_full() {
    let facts = Fixture::named("pretty").facts();
    assert_eq!(facts.assertion_id, "_assertion");
    assert_eq!(facts.session_index.as_deref(), Some("_session"));
    assert_eq!(
        facts.authn_context.as_deref(),
        Some("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
    );
    assert_eq!(
        facts.name_id.format.as_deref(),
        Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")
    );
    assert!(facts.one_time_use);
    let names: Vec<_> = facts.attributes.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["mail", "groups"]);
    assert_eq!(
        facts.attributes.iter().next().unwrap().friendly_name.as_deref(),
        Some("line\nbreak\ttab \"quoted\"")
    );
    assert_eq!(facts.attributes.values("groups").collect::<Vec<_>>(), ["staff", "<admin> & 😀\r"]);
    assert_eq!(facts.attributes.values("none").count(), 0);

    let facts = Fixture::named("assertion-signed").facts();
    assert_eq!(facts.name_id.sp_name_qualifier.as_deref(), Some(SP));
    assert_eq!(
        facts.attributes.iter().flat_map(|a| &a.values).filter(|v| *v == "Alice & Bob").count(),
        1
    );
}

#[test]
fn either_takes_what_the_stricter_policies_take() {
    for name in ["assertion-signed", "response-signed", "both-signed"] {
        let fixture = Fixture { policy: SignaturePolicy::Either, ..Fixture::named(name) };
        assert_eq!(fixture.facts().response_id, None, "{name}");
    }
}

#[test]
fn any_of_the_configured_certificates_will_do() {
    let mut fixture = Fixture::named("assertion-signed");
    for other in ["idp-rsa-other.crt", "idp-p256.crt"] {
        fixture.certificates.insert(0, super::fixture::certificate(other));
    }
    fixture.facts();
}

#[test]
fn an_assertion_is_remembered_long_enough() {
    let fixture = Fixture::named("pretty");
    let (facts, skew) = (fixture.facts(), ClockSkew::default());
    assert_eq!(facts.replay_until(fixture.now, skew), fixture.now + Duration::hours(1));
    let late = facts.not_on_or_after - Duration::seconds(1);
    assert!(
        facts.replay_until(late - Duration::days(1), skew) > late,
        "never shorter than its validity"
    );
}

#[test]
fn field_may_be_wrapped_and_unpadded() {
    use base64::Engine;
    let fixture = Fixture::named("pretty");
    let encoded = base64::engine::general_purpose::STANDARD.encode(&fixture.xml);
    let wrapped: Vec<u8> =
        encoded.trim_end_matches('=').as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
    let expected: ExpectedResponse<'_> = fixture.expected();
    assert_eq!(validate_response(&wrapped, &expected, fixture.now), Ok(fixture.facts()));
}
