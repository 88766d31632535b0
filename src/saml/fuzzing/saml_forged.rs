use std::ops::Range;

use super::forgery;
use super::signed::{SIGNED, is_one_of_the_signed};
use super::spans::{Span, elements};
use crate::fuzzing::{Input, Outcome};

/// What is written between or around elements.
const MARKUP: [&str; 16] = [
    "<!-- x -->",
    "<!---->",
    "<?x y?>",
    "<![CDATA[x]]>",
    "<!DOCTYPE x [<!ENTITY e \"x\">]>",
    "&e;",
    "&#x0;",
    "&#xD;",
    " ",
    "\u{FEFF}",
    "<ns1:Issuer>https://idp.example/metadata</ns1:Issuer>",
    "<ns0:Extensions/>",
    "<ns1:Advice/>",
    "<ns2:Object/>",
    "<ns1:EncryptedAssertion/>",
    "</ns1:Assertion><ns1:Assertion>",
];
/// What an element is wrapped in.
const WRAPPERS: [(&str, &str); 7] = [
    ("<ns0:Extensions>", "</ns0:Extensions>"),
    ("<ns0:Response>", "</ns0:Response>"),
    ("<ns1:Assertion>", "</ns1:Assertion>"),
    ("<ns1:Advice>", "</ns1:Advice>"),
    ("<ns2:Object>", "</ns2:Object>"),
    ("<ns2:Signature>", "</ns2:Signature>"),
    ("<x xmlns:ns1=\"urn:x\">", "</x>"),
];
/// What an attribute says instead, or besides.
const ATTRIBUTES: [&str; 10] = [
    "ID=\"x\"",
    "Id=\"x\"",
    "xml:id=\"x\"",
    "URI=\"\"",
    "URI=\"#x\"",
    "xmlns:ns1=\"urn:x\"",
    "xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
    "Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"",
    "Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"",
    "Format=\"urn:x\"",
];
const USER: &str = "alice@example.test";

/// Somebody who has a good response, and a key of their own, makes another: nothing is accepted but
/// what says the same.
///
/// The bytes are a program: which response to begin with, then one change after the other.
pub fn saml_forged(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let mut xml = input.pick(&SIGNED).to_owned();
    for _ in 0..12 {
        if input.is_empty() || xml.len() > 128 * 1024 {
            break;
        }
        change(&mut xml, &mut input);
    }
    Outcome::accepted(is_one_of_the_signed(xml.as_bytes()))
}

fn change(xml: &mut String, input: &mut Input<'_>) {
    let spans = elements(xml);
    if spans.is_empty() {
        return;
    }
    let span = &spans[input.below(spans.len())];
    match input.byte() % 12 {
        0 => copy(xml, span, &spans, input),
        1 => r#move(xml, span, &spans, input),
        2 => xml.replace_range(span.outer.clone(), ""),
        3 => wrap(xml, span, input),
        4 => xml.insert_str(edge(span, input), input.pick(&MARKUP)),
        5 => attribute(xml, span, input),
        6 => borrow_attribute(xml, span, &spans, input),
        7 => text(xml, span, input),
        8 => unwrap(xml, span),
        9 => another_user(xml, span, &spans, input),
        10 => forgery::redigest(xml),
        _ => forgery::sign(xml),
    }
}

/// Before, after, at the start or at the end inside of an element.
fn edge(span: &Span, input: &mut Input<'_>) -> usize {
    let Range { start, end } = span.outer;
    input.pick(&[start, end, span.inner.start, span.inner.end])
}

fn copy(xml: &mut String, span: &Span, spans: &[Span], input: &mut Input<'_>) {
    let source = xml[span.outer.clone()].to_owned();
    let place = edge(&spans[input.below(spans.len())], input);
    xml.insert_str(place, &source);
}

fn r#move(xml: &mut String, span: &Span, spans: &[Span], input: &mut Input<'_>) {
    let source = xml[span.outer.clone()].to_owned();
    let place = edge(&spans[input.below(spans.len())], input);
    if place <= span.outer.start {
        xml.replace_range(span.outer.clone(), "");
        xml.insert_str(place, &source);
    } else if place >= span.outer.end {
        xml.insert_str(place, &source);
        xml.replace_range(span.outer.clone(), "");
    }
}

fn wrap(xml: &mut String, span: &Span, input: &mut Input<'_>) {
    let (open, close) = input.pick(&WRAPPERS);
    xml.insert_str(span.outer.end, close);
    xml.insert_str(span.outer.start, open);
}

fn unwrap(xml: &mut String, span: &Span) {
    let inner = xml[span.inner.clone()].to_owned();
    xml.replace_range(span.outer.clone(), &inner);
}

/// An attribute is left out, replaced or added.
fn attribute(xml: &mut String, span: &Span, input: &mut Input<'_>) {
    let new = input.pick(&ATTRIBUTES);
    let Some(old) = span.attributes.get(input.below(span.attributes.len())) else { return };
    match input.byte() % 3 {
        0 => xml.replace_range(old.clone(), ""),
        1 => xml.replace_range(old.clone(), new),
        _ => xml.insert_str(old.start, &format!("{new} ")),
    }
}

/// An attribute takes the value of another, anywhere.
fn borrow_attribute(xml: &mut String, span: &Span, spans: &[Span], input: &mut Input<'_>) {
    let lender = &spans[input.below(spans.len())];
    let borrowed = lender.attributes.get(input.below(lender.attributes.len()));
    let own = span.attributes.get(input.below(span.attributes.len()));
    let (Some(borrowed), Some(own)) = (borrowed, own) else { return };
    let halves = (xml[own.clone()].split_once('='), xml[borrowed.clone()].split_once('='));
    let (Some((name, _)), Some((_, value))) = halves else { return };
    xml.replace_range(own.clone(), &format!("{name}={value}"));
}

/// What an element holds becomes something else, or is interrupted.
fn text(xml: &mut String, span: &Span, input: &mut Input<'_>) {
    let middle = span.inner.start + span.inner.len() / 2;
    let at = (middle..=span.inner.end).find(|at| xml.is_char_boundary(*at));
    match input.byte() % 3 {
        0 => xml.replace_range(span.inner.clone(), "admin@example.test"),
        1 => xml.insert_str(at.unwrap_or(span.inner.end), input.pick(&MARKUP)),
        _ => {
            let text = String::from_utf8_lossy(input.line()).into_owned();
            xml.replace_range(span.inner.clone(), &text);
        }
    }
}

/// Signature wrapping: a copy of an element that speaks of somebody else, put beside the original.
fn another_user(xml: &mut String, span: &Span, spans: &[Span], input: &mut Input<'_>) {
    let mut forged = xml[span.outer.clone()].replace(USER, "admin@example.test");
    if input.byte().is_multiple_of(2) {
        forged = forged.replace(" ID=\"", " ID=\"x");
    }
    let place = edge(&spans[input.below(spans.len())], input);
    xml.insert_str(place, &forged);
}
