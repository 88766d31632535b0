//! Where elements stand in a source that may be broken. Found by looking for angle brackets and
//! quotes, so that it shares nothing with the parser under attack.

use std::ops::Range;

/// An element with both its tags, or an empty one.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// From `<` to the last `>`.
    pub(super) outer: Range<usize>,
    /// Between its tags; an empty element has nothing there, before its end.
    pub(super) inner: Range<usize>,
    /// The attributes of its start tag, each from its name to its closing quote.
    pub(super) attributes: Vec<Range<usize>>,
}

/// All elements, by where they end; tags without a partner are passed over.
pub(super) fn elements(xml: &str) -> Vec<Span> {
    let (mut found, mut open): (Vec<Span>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
    for tag in tags(xml) {
        let text = &xml[tag.clone()];
        if text.starts_with("</") {
            let Some(start) = open.pop() else { continue };
            let attributes = attributes(xml, start.clone());
            found.push(Span {
                outer: start.start..tag.end,
                inner: start.end..tag.start,
                attributes,
            });
        } else if text.ends_with("/>") {
            let attributes = attributes(xml, tag.clone());
            let inner = tag.end..tag.end;
            found.push(Span { outer: tag, inner, attributes });
        } else if !text.starts_with("<?") && !text.starts_with("<!") {
            open.push(tag);
        }
    }
    found
}

fn tags(xml: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = xml[at..].find('<').map(|offset| at + offset) {
        let mut quote = None;
        let end = xml[start..].char_indices().find(|(_, c)| {
            match (*c, quote) {
                ('"' | '\'', None) => quote = Some(*c),
                (c, Some(q)) if c == q => quote = None,
                _ => {}
            }
            *c == '>' && quote.is_none()
        });
        at = end.map_or(xml.len(), |(offset, _)| start + offset + 1);
        found.push(start..at);
    }
    found
}

fn attributes(xml: &str, tag: Range<usize>) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), tag.start);
    while let Some(quote) = xml[at..tag.end].find('"').map(|offset| at + offset) {
        let start = xml[at..quote].rfind([' ', '\n', '<']).map_or(at, |offset| at + offset + 1);
        let Some(length) = xml[quote + 1..tag.end].find('"') else { break };
        at = quote + length + 2;
        found.push(start..at);
    }
    found
}
