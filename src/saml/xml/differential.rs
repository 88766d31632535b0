//! Canonical forms beside those of lxml and xmlsec1, over random documents
//! (`tests/interop/saml/canonicalize_corpus.py`).

use proptest::prelude::*;
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

fn corpus() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/saml/c14n.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn canonical_forms_are_those_of_others() {
    let cases = corpus();
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
fn assert_stable(xml: &str) {
    let Ok(document) = parse(xml.as_bytes(), &Limits::MESSAGE) else { return };
    let once = canonical(document.root(), &Exclusive::default());
    let again = parse(once.as_bytes(), &Limits::METADATA).unwrap_or_else(|e| panic!("{e}\n{once}"));
    assert_eq!(canonical(again.root(), &Exclusive::default()), once);
}

#[test]
fn canonicalizing_twice_changes_nothing() {
    for case in corpus() {
        assert!(parse(case.xml.as_bytes(), &Limits::MESSAGE).is_ok());
        assert_stable(&case.xml);
    }
}

proptest! {
    /// Whatever is cut and pasted between documents, or thrown in, nothing panics and the tree
    /// stays true.
    #[test]
    fn damage_is_refused_or_understood(
        from in any::<prop::sample::Index>(),
        into in any::<prop::sample::Index>(),
        cut in any::<[prop::sample::Index; 3]>(),
        noise in "[<>&;/='\"a: #x\\]!?-]{0,3}",
    ) {
        let corpus = corpus();
        let (from, into) = (&from.get(&corpus).xml, &into.get(&corpus).xml);
        let boundary = |xml: &str, index: &prop::sample::Index| {
            let at = index.index(xml.len() + 1);
            (0..=at).rev().find(|at| xml.is_char_boundary(*at)).unwrap()
        };
        let (a, b) = (boundary(from, &cut[0]), boundary(from, &cut[1]));
        let at = boundary(into, &cut[2]);
        let piece = &from[a.min(b)..a.max(b)];
        assert_stable(&format!("{}{piece}{noise}{}", &into[..at], &into[at..]));
    }
}
