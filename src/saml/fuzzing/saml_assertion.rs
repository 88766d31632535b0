use time::Duration;

use super::signed::{ACS, NOW, SP, expected, judge};
use crate::fuzzing::Outcome;
use crate::saml::xml::namespace::ASSERTION;
use crate::saml::xml::{AnySignature, Element, Limits, parse};

/// Whatever an identity provider signs (every signature is taken for good here): who is let in has
/// a name, came now, and for us.
pub fn saml_assertion(xml: &[u8]) -> Outcome {
    let Ok(facts) = judge(&AnySignature, xml) else { return Outcome::Refused };
    is_for_us(xml);
    let (now, skew) = (*NOW, expected().clock_skew);
    assert!(!facts.name_id.value.is_empty() && !facts.assertion_id.is_empty());
    assert!(facts.name_id.sp_name_qualifier.as_deref().is_none_or(|qualifier| qualifier == SP));
    assert_eq!(facts.issuer, expected().idp_entity_id);
    assert_eq!(facts.response_id, None);
    assert!(facts.authn_instant <= now + skew.as_duration());
    assert!(facts.not_on_or_after + skew.as_duration() > now);
    assert!(facts.session_not_on_or_after.is_none_or(|end| end + skew.as_duration() > now));
    assert!(facts.attributes.iter().all(|attribute| !attribute.name.is_empty()));
    let kept = facts.replay_until(now, skew);
    assert!(kept >= now + Duration::HOUR);
    assert!(kept >= facts.not_on_or_after.saturating_add(skew.as_duration()));
    Outcome::Accepted
}

/// Every restriction of the audience names us, and there is one; some confirmation was made for our
/// request and our address.
fn is_for_us(xml: &[u8]) {
    let Ok(document) = parse(xml, &Limits::MESSAGE) else { panic!("accepted, but no XML") };
    let Some(assertion) = document.root().elements_named(ASSERTION, "Assertion").next() else {
        panic!("accepted, but no assertion");
    };
    let conditions = assertion.elements_named(ASSERTION, "Conditions");
    let restrictions: Vec<Element<'_>> = conditions
        .flat_map(|conditions| conditions.elements_named(ASSERTION, "AudienceRestriction"))
        .collect();
    let names_us = |restriction: &Element<'_>| {
        restriction.descendants().any(|e| e.is(ASSERTION, "Audience") && e.text() == Some(SP))
    };
    assert!(!restrictions.is_empty() && restrictions.iter().all(names_us));
    let confirms = |data: Element<'_>| {
        data.is(ASSERTION, "SubjectConfirmationData")
            && data.attribute("Recipient") == Some(ACS)
            && data.attribute("InResponseTo") == expected().request_id
    };
    assert!(assertion.descendants().any(confirms));
}
