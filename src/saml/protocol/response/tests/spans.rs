//! Where elements, attributes and texts stand in the source of a good response. Found by looking
//! for angle brackets and quotes, so that it shares nothing with the parser under test.

use std::ops::Range;

/// An element in the source.
#[derive(Debug, Clone)]
pub(super) struct Span<'x> {
    /// Its name without prefix.
    pub(super) local: &'x str,
    /// From `<` to the last `>`.
    pub(super) outer: Range<usize>,
    /// Between its tags; `None` for an empty-element tag.
    pub(super) inner: Option<Range<usize>>,
    /// Its attributes and namespace declarations, each from its name to its closing quote.
    pub(super) attributes: Vec<Range<usize>>,
}

/// All elements, in document order.
pub(super) fn elements(xml: &str) -> Vec<Span<'_>> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for tag in tags(xml) {
        let text = &xml[tag.clone()];
        if text.starts_with("</") {
            let (index, start): (usize, usize) = open.pop().unwrap();
            let span: &mut Span<'_> = &mut found[index];
            span.outer.end = tag.end;
            span.inner = Some(start..tag.start);
        } else if !text.starts_with("<?") {
            let name = text[1..].split([' ', '\n', '>', '/']).next().unwrap();
            let local = name.split_once(':').map_or(name, |(_, local)| local);
            if !text.ends_with("/>") {
                open.push((found.len(), tag.end));
            }
            found.push(Span {
                local,
                outer: tag.clone(),
                inner: None,
                attributes: attributes(xml, tag),
            });
        }
    }
    found
}

/// The pieces of text between tags.
pub(super) fn texts(xml: &str) -> Vec<Range<usize>> {
    let tags = tags(xml);
    let between = tags.windows(2).map(|pair| pair[0].end..pair[1].start);
    between.filter(|range| !xml[range.clone()].trim().is_empty()).collect()
}

/// The source of the first element called `local`.
pub(super) fn source<'x>(xml: &'x str, local: &str) -> &'x str {
    &xml[elements(xml).into_iter().find(|span| span.local == local).unwrap().outer]
}

fn tags(xml: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = xml[at..].find('<').map(|offset| at + offset) {
        let (mut end, mut quote) = (start, None);
        for (offset, c) in xml[start..].char_indices() {
            end = start + offset + 1;
            match (c, quote) {
                ('>', None) => break,
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(q)) if c == q => quote = None,
                _ => {}
            }
        }
        found.push(start..end);
        at = end;
    }
    found
}

fn attributes(xml: &str, tag: Range<usize>) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), tag.start);
    while let Some(quote) = xml[at..tag.end].find('"').map(|offset| at + offset) {
        let start = xml[at..quote].rfind([' ', '\n']).unwrap() + at + 1;
        let end = xml[quote + 1..].find('"').unwrap() + quote + 2;
        found.push(start..end);
        at = end;
    }
    found
}
