//! Everything small that can be done to a response.

use std::ops::Range;

use super::spans::{Span, elements, texts};

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Byte,
    Element,
    Move,
    Attribute,
    Text,
    Namespace,
}

/// Calls `judge` with every mutant of `xml`.
pub(super) fn for_each_mutant(xml: &str, mut judge: impl FnMut(Class, String)) {
    flip_and_drop_bytes(xml, &mut |mutant| judge(Class::Byte, mutant));
    let spans = elements(xml);
    for span in &spans {
        change_element(xml, span, &mut |mutant| judge(Class::Element, mutant));
        change_namespaces(xml, span, &mut |mutant| judge(Class::Namespace, mutant));
        for target in &spans {
            move_element(xml, span, target, &mut |mutant| judge(Class::Move, mutant));
        }
    }
    change_attributes(xml, &spans, &mut |mutant| judge(Class::Attribute, mutant));
    for text in texts(xml) {
        change_text(xml, &text, &mut |mutant| judge(Class::Text, mutant));
    }
}

/// Every byte becomes its neighbour, changes its case or becomes markup, in turn; and is dropped or
/// doubled, in turn. The document ends at every sixteenth.
fn flip_and_drop_bytes(xml: &str, judge: &mut impl FnMut(String)) {
    const MARKUP: &[u8] = b"<>&\"'/=: \n\t#;!?-x0";
    for (at, byte) in xml.bytes().enumerate().filter(|(at, _)| xml.is_char_boundary(*at)) {
        let next = (at + 1..=xml.len()).find(|end| xml.is_char_boundary(*end)).unwrap();
        let flipped = match at % 3 {
            0 => byte ^ 0x01,
            1 => byte ^ 0x20,
            _ => MARKUP[at / 3 % MARKUP.len()],
        };
        judge(replace(xml, &(at..next), &char::from(flipped & 0x7F).to_string()));
        judge(replace(xml, &(at..next), xml[at..next].repeat(at % 2 * 2).as_str()));
        if at % 16 == 0 {
            judge(xml[..at].to_owned());
        }
    }
}

/// The element is deleted, emptied, doubled, unwrapped, wrapped.
fn change_element(xml: &str, span: &Span<'_>, judge: &mut impl FnMut(String)) {
    let source = &xml[span.outer.clone()];
    judge(replace(xml, &span.outer, ""));
    judge(replace(xml, &span.outer, &source.repeat(2)));
    judge(replace(xml, &span.outer, &format!("<w>{source}</w>")));
    if let Some(inner) = &span.inner {
        judge(replace(xml, inner, ""));
        judge(replace(xml, &span.outer, &xml[inner.clone()]));
    }
}

/// The element goes, or is copied, to before, after, the start and the end of another.
fn move_element(xml: &str, span: &Span<'_>, target: &Span<'_>, judge: &mut impl FnMut(String)) {
    let source = &xml[span.outer.clone()];
    let inside = target.inner.clone().map(|inner| [inner.start, inner.end]);
    for place in
        [target.outer.start, target.outer.end].into_iter().chain(inside.into_iter().flatten())
    {
        judge(replace(xml, &(place..place), source));
        if place <= span.outer.start {
            judge(replace(&replace(xml, &span.outer, ""), &(place..place), source));
        } else if place >= span.outer.end {
            judge(replace(&replace(xml, &(place..place), source), &span.outer, ""));
        }
    }
}

/// Every attribute is deleted, doubled, emptied, renamed, given the value of every other attribute,
/// an added letter.
fn change_attributes(xml: &str, spans: &[Span<'_>], judge: &mut impl FnMut(String)) {
    let all: Vec<_> = spans.iter().flat_map(|span| &span.attributes).collect();
    let split = |range: &Range<usize>| xml[range.clone()].split_once('=').unwrap();
    for attribute in &all {
        let source = &xml[(*attribute).clone()];
        let (name, value) = split(attribute);
        judge(replace(xml, attribute, ""));
        judge(replace(xml, attribute, &format!("{source} {source}")));
        judge(replace(xml, attribute, &format!("{name}=\"\"")));
        judge(replace(xml, attribute, &format!("x{name}={value}")));
        judge(replace(xml, attribute, &format!("{}={value}", name.to_lowercase())));
        judge(replace(xml, attribute, &format!("{source} {name}x={value}")));
        for other in &all {
            judge(replace(xml, attribute, &format!("{name}={}", split(other).1)));
        }
    }
}

/// The text is replaced, split by every kind of markup, padded, spelt with references.
fn change_text(xml: &str, text: &Range<usize>, judge: &mut impl FnMut(String)) {
    let source = &xml[text.clone()];
    let middle = (source.len() / 2..).find(|at| source.is_char_boundary(*at)).unwrap();
    let (left, right) = source.split_at(middle);
    for replacement in ["", "x", "admin@example.test", "&amp;", "&lt;", " ", "1970-01-01T00:00:00Z"]
    {
        judge(replace(xml, text, replacement));
    }
    for inserted in [
        "<!---->",
        "<!-- x -->",
        "<?x y?>",
        "<![CDATA[]]>",
        "<![CDATA[x]]>",
        "<x/>",
        " ",
        "\n",
        "\r",
        "&#x20;",
        "&#0;",
        "&x;",
        "\u{200B}",
        "\u{0}",
    ] {
        judge(replace(xml, text, &format!("{left}{inserted}{right}")));
        judge(replace(xml, text, &format!("{inserted}{source}")));
        judge(replace(xml, text, &format!("{source}{inserted}")));
    }
    judge(replace(xml, text, &format!("<![CDATA[{source}]]>")));
    judge(replace(xml, text, &format!("{left}<!--{right}-->")));
    // The same text, spelt otherwise: what it says must not change.
    let c = source.chars().next().unwrap();
    if c != '&' {
        judge(replace(xml, text, &format!("&#{};{}", u32::from(c), &source[c.len_utf8()..])));
    }
}

/// The element's prefixes and default namespace come to mean something else.
fn change_namespaces(xml: &str, span: &Span<'_>, judge: &mut impl FnMut(String)) {
    let after_name =
        xml[span.outer.start..].find([' ', '\n', '>', '/']).unwrap() + span.outer.start;
    for declared in [
        "xmlns=\"\"",
        "xmlns=\"urn:x\"",
        "xmlns=\"1\"",
        "xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
        "xmlns:ns0=\"urn:x\"",
        "xmlns:ns1=\"urn:x\"",
        "xmlns:ns1=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
        "xmlns:ns2=\"urn:x\"",
        "xmlns:unused=\"urn:x\"",
        "xmlns:unused=\"1\"",
        "xmlns:xml=\"urn:x\"",
        "xml:id=\"x\"",
        "ID=\"x\"",
        "Id=\"x\"",
    ] {
        judge(replace(xml, &(after_name..after_name), &format!(" {declared}")));
    }
    let name_start = span.outer.start + 1;
    judge(replace(xml, &(name_start..name_start), "undeclared:"));
}

pub(super) fn replace(xml: &str, range: &Range<usize>, replacement: &str) -> String {
    format!("{}{replacement}{}", &xml[..range.start], &xml[range.end..])
}
