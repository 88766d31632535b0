//! Signature wrapping: the signed element is still there and still verifies, but something else
//! wants to be read. Built from a good response each time; the control is the good response.

use super::fixture::{Fixture, USER};
use super::spans::{elements, source};

const DS: &str = "xmlns:ns2=\"http://www.w3.org/2000/09/xmldsig#\"";

/// A good response taken apart.
struct Parts {
    fixture: Fixture,
    assertion: String,
    /// The signature of the assertion.
    signature: String,
    /// The assertion without its signature.
    unsigned: String,
    /// An assertion with another name and ID, without a signature.
    evil: String,
}

fn parts() -> Parts {
    let fixture = Fixture::named("assertion-signed");
    fixture.facts();
    let assertion = source(&fixture.xml, "Assertion").to_owned();
    let signature = source(&assertion, "Signature").to_owned();
    let unsigned = assertion.replace(&signature, "");
    let evil = make_evil(&unsigned);
    Parts { fixture, assertion, signature, unsigned, evil }
}

/// Another name, other IDs.
fn make_evil(xml: &str) -> String {
    xml.replace(USER, "admin@example.test").replace(" ID=\"", " ID=\"_evil")
}

/// Puts `inserted` at the end of the first `local` of `xml`.
fn append(xml: &str, local: &str, inserted: &str) -> String {
    let span = elements(xml).into_iter().find(|span| span.local == local).unwrap();
    let end = span.inner.unwrap().end;
    format!("{}{inserted}{}", &xml[..end], &xml[end..])
}

/// Puts `inserted` after the issuer of `xml`.
fn after_issuer(xml: &str, inserted: &str) -> String {
    let end = elements(xml).into_iter().find(|span| span.local == "Issuer").unwrap().outer.end;
    format!("{}{inserted}{}", &xml[..end], &xml[end..])
}

#[track_caller]
fn assert_refused(fixture: &Fixture, xml: &str, code: &str) {
    assert_ne!(xml, fixture.xml, "nothing was changed");
    assert_eq!(fixture.judge(xml).map_err(|e| e.code().to_owned()), Err(code.to_owned()));
}

/// A signed response without its signature, and that signature.
fn signed_response() -> (Fixture, String, String) {
    let fixture = Fixture::named("response-signed");
    fixture.facts();
    let response = source(&fixture.xml, "Response");
    let signature = source(response, "Signature");
    let unsigned = response.replace(signature, "");
    let signature = signature.to_owned();
    (fixture, unsigned, signature)
}

#[test]
fn xsw1_response_in_the_signature_of_its_copy() {
    let (fixture, original, signature) = signed_response();
    for inside in ["Signature", "KeyInfo"] {
        let evil = after_issuer(&make_evil(&original), &append(&signature, inside, &original));
        assert_refused(&fixture, &evil, "ambiguous_signed_node");
    }
    let object = append(&signature, "Signature", &format!("<ns2:Object>{original}</ns2:Object>"));
    assert_refused(
        &fixture,
        &after_issuer(&make_evil(&original), &object),
        "ambiguous_signed_node",
    );
}

#[test]
fn xsw2_response_beside_the_signature_of_its_copy() {
    let (fixture, original, signature) = signed_response();
    let evil = after_issuer(&make_evil(&original), &format!("{original}{signature}"));
    assert_refused(&fixture, &evil, "ambiguous_signed_node");
}

#[test]
fn xsw3_evil_assertion_before_the_signed_one() {
    let Parts { fixture, assertion, evil, .. } = parts();
    assert_refused(
        &fixture,
        &fixture.with(&assertion, &format!("{evil}{assertion}")),
        "ambiguous_assertion",
    );
    assert_refused(
        &fixture,
        &fixture.with(&assertion, &format!("{assertion}{evil}")),
        "ambiguous_assertion",
    );
}

#[test]
fn xsw4_signed_assertion_in_the_evil_one() {
    let Parts { fixture, assertion, evil, .. } = parts();
    let evil = append(&evil, "Assertion", &assertion);
    assert_refused(&fixture, &fixture.with(&assertion, &evil), "ambiguous_assertion");
}

#[test]
fn xsw5_evil_assertion_with_the_signature_of_another() {
    let Parts { fixture, assertion, signature, unsigned, evil } = parts();
    let evil = after_issuer(&evil, &signature);
    assert_refused(
        &fixture,
        &fixture.with(&assertion, &format!("{evil}{unsigned}")),
        "ambiguous_assertion",
    );
    assert_refused(&fixture, &fixture.with(&assertion, &evil), "ambiguous_signed_node");
}

#[test]
fn xsw6_original_in_the_signature_of_the_evil_assertion() {
    let Parts { fixture, assertion, signature, unsigned, evil } = parts();
    let signature = append(&signature, "KeyInfo", &unsigned);
    let evil = after_issuer(&evil, &signature);
    assert_refused(&fixture, &fixture.with(&assertion, &evil), "ambiguous_assertion");
}

#[test]
fn xsw7_evil_assertion_in_extensions() {
    let Parts { fixture, assertion, evil, .. } = parts();
    let extensions = |inside: &str| format!("<ns0:Extensions>{inside}</ns0:Extensions>{assertion}");
    assert_refused(&fixture, &fixture.with(&assertion, &extensions(&evil)), "ambiguous_assertion");
    let same_id = evil.replace(" ID=\"_evil", " ID=\"");
    assert_refused(&fixture, &fixture.with(&assertion, &extensions(&same_id)), "duplicate_xml_id");
    let harmless = fixture.with(&assertion, &extensions("<x/>"));
    assert_eq!(
        fixture.judge(&harmless),
        Ok(fixture.facts()),
        "the control: extensions may be there"
    );
}

#[test]
fn xsw8_original_in_an_object_of_the_evil_assertion() {
    let Parts { fixture, assertion, signature, unsigned, evil } = parts();
    let object = format!("<ns2:Object {DS}>{unsigned}</ns2:Object>");
    let evil = after_issuer(&evil, &append(&signature, "Signature", &object));
    assert_refused(&fixture, &fixture.with(&assertion, &evil), "ambiguous_signed_node");
}

/// The enveloped-signature transform takes the signature out of the digest, and with it whatever is
/// inside.
#[test]
fn nothing_is_smuggled_inside_a_signature() {
    let evil = parts().evil;
    for name in ["response-signed", "both-signed", "error-signed"] {
        let fixture = match name {
            "error-signed" => {
                let xml = String::from_utf8(super::fixture::read("error-signed.xml")).unwrap();
                let good = Fixture::named("response-signed");
                assert_eq!(
                    good.judge(&xml).unwrap_err().code(),
                    "unsupported_status",
                    "the control"
                );
                Fixture { xml, ..good }
            }
            _ => Fixture::named(name),
        };
        let object = format!("<ns2:Object>{evil}</ns2:Object>");
        assert!(fixture.judge(&append(&fixture.xml, "Signature", &object)).is_err());
        assert!(fixture.judge(&append(&fixture.xml, "Signature", &evil)).is_err());
        assert!(fixture.judge(&append(&fixture.xml, "KeyInfo", &evil)).is_err());
        assert!(fixture.judge(&append(&fixture.xml, "X509Data", &evil)).is_err());
        assert!(fixture.judge(&append(&fixture.xml, "Response", &evil)).is_err());
    }
    let fixture = Fixture::named("response-signed");
    let harmless = append(&fixture.xml, "KeyInfo", "<ns2:KeyName>x</ns2:KeyName>");
    assert_eq!(
        fixture.judge(&harmless),
        Ok(fixture.facts()),
        "the control: KeyInfo is not digested"
    );
}

#[test]
fn decoy_signatures_are_refused() {
    let Parts { fixture, assertion, signature, evil, .. } = parts();
    let signed_evil = after_issuer(&evil, &signature);
    for decoyed in [
        fixture.with(&signature, &signature.repeat(2)),
        fixture.with(&assertion, &append(&assertion, "Assertion", &signature)),
        fixture.with(&assertion, &append(&assertion, "Subject", &signature)),
        fixture
            .with(&assertion, &format!("<ns0:Extensions>{signature}</ns0:Extensions>{assertion}")),
        fixture.with(&assertion, &signed_evil),
        after_issuer(&fixture.xml, &signature),
    ] {
        let code = fixture.judge(&decoyed).unwrap_err().code();
        // Its own Id makes a copied signature a duplicate; without it, its place gives it away.
        assert!(matches!(code, "duplicate_xml_id" | "ambiguous_signed_node"), "{code}");
        let anonymous = decoyed.replace("Id=\"Signature", "x=\"Signature");
        assert_eq!(fixture.judge(&anonymous).unwrap_err().code(), "ambiguous_signed_node");
    }
}

#[test]
fn stripped_signatures_are_missed() {
    for name in ["assertion-signed", "response-signed", "both-signed"] {
        let fixture = Fixture::named(name);
        let mut stripped = fixture.xml.clone();
        while stripped.contains(":Signature ") || stripped.contains(":Signature>") {
            stripped = stripped.replace(&source(&stripped, "Signature").to_owned(), "");
            assert_refused(&fixture, &stripped, "missing_signature");
        }
        assert_refused(
            &fixture,
            &stripped.replace(USER, "admin@example.test"),
            "missing_signature",
        );
    }
}

/// Whatever an unverified message says about a user stays in it.
#[test]
fn errors_say_nothing_about_the_user() {
    for fixture in Fixture::all() {
        let forged = fixture.xml.replace(USER, "admin@example.test");
        let error = fixture.judge(&forged).unwrap_err();
        let shown = format!("{error} {error:?} {}", error.code());
        assert!(!shown.contains("admin") && !shown.contains(USER), "{shown}");
    }
}
