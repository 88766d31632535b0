use std::borrow::Cow;

use axum::BoxError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Text as Canonical XML writes it (section 2.3, "Text Nodes").
pub(super) fn text(value: &str) -> Cow<'_, str> {
    escape(value, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#xD;"),
        _ => None,
    })
}

/// An attribute's value as Canonical XML writes it (section 2.3, "Attribute Nodes").
pub(super) fn attribute(value: &str) -> Cow<'_, str> {
    escape(value, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#x9;"),
        '\n' => Some("&#xA;"),
        '\r' => Some("&#xD;"),
        _ => None,
    })
}

fn escape(value: &str, entity: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    if !value.contains(|c| entity(c).is_some()) {
        return value.into();
    }
    let mut escaped = String::with_capacity(value.len() + 16);
    for c in value.chars() {
        match entity(c) {
            Some(entity) => escaped.push_str(entity),
            None => escaped.push(c),
        }
    }
    escaped.into()
}

/// Visits each element with the text directly after its start tag.
pub(super) fn each_element(
    xml: &str,
    mut visit: impl FnMut(&BytesStart<'_>, &str) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let mut reader = Reader::from_str(xml);
    let mut open: Option<BytesStart<'_>> = None;
    loop {
        let event = reader.read_event()?;
        if let Some(element) = open.take() {
            match &event {
                Event::Text(text) => visit(&element, &text.xml10_content())?,
                _ => visit(&element, "")?,
            }
        }
        match event {
            Event::Start(element) => open = Some(element),
            Event::Empty(element) => visit(&element, "")?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// The value of an attribute.
pub(super) fn read_attribute(
    element: &BytesStart<'_>,
    name: &str,
) -> Result<Option<String>, BoxError> {
    match element.try_get_attribute(name)? {
        Some(attribute) => {
            Ok(Some(attribute.normalized_value(XmlVersion::Explicit1_0)?.into_owned()))
        }
        None => Ok(None),
    }
}
