//! Canonical forms beside those of lxml and xmlsec1, over random documents
//! (`tests/interop/saml/canonicalize_corpus.py`).

use serde::Deserialize;

use super::{Element, Exclusive, Limits, canonicalize, namespace, parse};

#[derive(Deserialize)]
struct Case {
    xml: String,
    prefixes: Vec<String>,
    expected: String,
}

fn canonical(apex: Element<'_>, method: &Exclusive<'_>) -> String {
    let mut out = Vec::new();
    canonicalize(apex, method, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn canonical_forms_are_those_of_others() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/saml/c14n.json");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 300);
    let mut prefixes_mattered = 0;
    for Case { xml, prefixes, expected } in &cases {
        let document =
            parse(xml.as_bytes(), &Limits::MESSAGE).unwrap_or_else(|e| panic!("{e}\n{xml}"));
        let mut elements = std::iter::once(document.root()).chain(document.root().descendants());
        let apex =
            elements.find(|e| e.attribute("ID") == Some("target")).unwrap_or(document.root());
        let omit = apex.elements_named(namespace::SIGNATURE, "Signature").next().map(Element::id);
        let prefixes: Vec<_> =
            prefixes.iter().map(|p| if p == "#default" { "" } else { p.as_str() }).collect();
        assert_eq!(
            canonical(apex, &Exclusive { inclusive_prefixes: &prefixes, omit }),
            *expected,
            "{prefixes:?}\n{xml}"
        );
        let without = canonical(apex, &Exclusive { inclusive_prefixes: &[], omit });
        prefixes_mattered += usize::from(without != *expected);
    }
    assert!(prefixes_mattered > 50, "the corpus is not worth much: {prefixes_mattered}");
}

/// A canonical form is its own canonical form: parser and writer agree about every character.
#[test]
fn canonicalizing_twice_changes_nothing() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/saml/c14n.json");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for Case { xml, .. } in &cases {
        let once = canonical(
            parse(xml.as_bytes(), &Limits::MESSAGE).unwrap().root(),
            &Exclusive::default(),
        );
        let again = parse(once.as_bytes(), &Limits::MESSAGE).unwrap();
        assert_eq!(canonical(again.root(), &Exclusive::default()), once);
    }
}
