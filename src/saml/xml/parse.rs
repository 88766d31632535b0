//! Bytes to a tree, refusing everything SAML does not need.

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, Event};

use super::build::Builder;
use super::chars::find_forbidden;
use super::limits::{Comments, Limits};
use super::tree::Document;
use crate::saml::SamlError;

/// Parses UTF-8 XML 1.0 with namespaces.
///
/// Refused are document types, entities other than the predefined ones, CDATA sections, processing
/// instructions, comments (unless `limits` says otherwise), other encodings, other XML versions,
/// relative namespace URIs, prefixes that are not declared or that disguise SAML's own, duplicate
/// attributes and duplicate identifiers.
///
/// # Errors
/// One of the XML variants of [`SamlError`].
pub fn parse<'x>(xml: &'x [u8], limits: &Limits) -> Result<Document<'x>, SamlError> {
    let source = read_source(xml, limits)?;
    let mut reader = Reader::from_str(source);
    let mut builder = Builder::new(limits, source.len());
    loop {
        let start = position(&reader);
        builder.at(start);
        let event = reader.read_event().map_err(|_| builder.malformed("not well-formed"))?;
        let token = source.get(start..position(&reader)).unwrap_or_default();
        match event {
            Event::Start(_) => builder.open(strip(token, "<", ">"))?,
            Event::Empty(_) => {
                builder.open(strip(token, "<", "/>"))?;
                builder.close();
            }
            Event::End(_) => builder.close(),
            Event::Text(_) => builder.text(token)?,
            Event::GeneralRef(_) => builder.reference(strip(token, "&", ";"))?,
            Event::Decl(declaration) if start == 0 => check_declaration(&declaration)?,
            Event::Comment(_) if limits.comments == Comments::Skip => {}
            Event::Comment(_) | Event::CData(_) | Event::PI(_) => {
                return Err(SamlError::CommentForbidden);
            }
            Event::Decl(_) => return Err(builder.malformed("an XML declaration must come first")),
            Event::DocType(_) => return Err(SamlError::DoctypeForbidden),
            Event::Eof => return builder.finish(),
        }
    }
}

/// What can be refused by looking at the bytes alone.
fn read_source<'x>(xml: &'x [u8], limits: &Limits) -> Result<&'x str, SamlError> {
    if xml.len() > limits.bytes {
        return Err(SamlError::PayloadTooLarge { limit: "bytes of XML" });
    }
    let xml = xml.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(xml);
    let source = std::str::from_utf8(xml)
        .map_err(|e| SamlError::MalformedXml { fault: "not UTF-8", offset: e.valid_up_to() })?;
    refuse_declarations(source)?;
    match find_forbidden(source) {
        Some(offset) => {
            Err(SamlError::MalformedXml { fault: "a character XML does not allow", offset })
        }
        None => Ok(source),
    }
}

/// Document types and entities are refused wherever they stand, before any parser sees them.
fn refuse_declarations(source: &str) -> Result<(), SamlError> {
    let next = source.bytes().skip(1);
    let marked = source.bytes().zip(next).fold(false, |m, (a, b)| m | ((a == b'<') & (b == b'!')));
    if !marked {
        return Ok(());
    }
    for (at, _) in source.match_indices("<!") {
        let begins = |keyword: &str| {
            let markup = source.as_bytes().get(at..at + keyword.len());
            markup.is_some_and(|markup| markup.eq_ignore_ascii_case(keyword.as_bytes()))
        };
        if begins("<!DOCTYPE") {
            return Err(SamlError::DoctypeForbidden);
        }
        if begins("<!ENTITY") {
            return Err(SamlError::EntityExpansionForbidden);
        }
    }
    Ok(())
}

/// XML 1.0 in UTF-8 is all there is.
fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), SamlError> {
    let malformed = |fault| SamlError::MalformedXml { fault, offset: 0 };
    if !declaration.version().is_ok_and(|version| version == "1.0") {
        return Err(malformed("the XML version must be 1.0"));
    }
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("UTF-8") => Ok(()),
        Some(_) => Err(malformed("the encoding must be UTF-8")),
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn strip<'x>(token: &'x str, start: &str, end: &str) -> &'x str {
    token.strip_prefix(start).and_then(|token| token.strip_suffix(end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::Child;

    fn parse(xml: &str) -> Result<Document<'_>, SamlError> {
        super::parse(xml.as_bytes(), &Limits::MESSAGE)
    }

    fn code(xml: &str) -> &'static str {
        parse(xml).map_or_else(|e| e.code(), |_| "accepted")
    }

    #[test]
    fn tree_keeps_what_was_written() {
        let document =
            parse("<?xml version='1.0' encoding='utf-8'?>\n<p:a xmlns:p='urn:p' xmlns='urn:d' p:x='1'>t&amp;u<b y='2'/>v</p:a>\n")
                .unwrap();
        let root = document.root();
        assert!(root.is("urn:p", "a"));
        assert_eq!(root.name().prefix, "p");
        assert_eq!(root.attribute("x"), None, "p:x is in a namespace");
        let children: Vec<_> = root.children().collect();
        assert!(matches!(children[..], [Child::Text("t&u"), Child::Element(b), Child::Text("v")]
            if b.is("urn:d", "b") && b.attribute("y") == Some("2") && b.text() == Some("")));
        assert_eq!(root.text(), None);
        assert_eq!(root.text_content(), "t&uv");
        assert_eq!(
            root.elements().next().and_then(|b| b.parent()).map(|p| p.id()),
            Some(root.id())
        );
    }

    #[test]
    fn subtrees_end_where_their_tags_do() {
        let document = parse("<a><b><c>1</c>2</b>3<d/></a>").unwrap();
        let names = |e: crate::saml::xml::Element<'_>| {
            e.elements().map(|e| e.name().local.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(document.root()), ["b", "d"]);
        let b = document.root().elements().next().unwrap();
        assert_eq!((names(b), b.text_content()), (vec!["c".to_owned()], "12".to_owned()));
        assert_eq!(document.root().descendants().count(), 3);
    }

    #[test]
    fn markup_that_saml_never_needs_is_refused() {
        assert_eq!(code("<!DOCTYPE a><a/>"), "doctype_forbidden");
        assert_eq!(code("<!doctype a []><a/>"), "doctype_forbidden");
        assert_eq!(code("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "doctype_forbidden");
        assert_eq!(code("<a><!ENTITY b 'c'></a>"), "entity_expansion_forbidden");
        assert_eq!(code("<a>&b;</a>"), "entity_expansion_forbidden");
        assert_eq!(code("<a b='&c;'/>"), "entity_expansion_forbidden");
        assert_eq!(code("<a>x<!-- -->y</a>"), "comment_forbidden");
        assert_eq!(code("<a><![CDATA[x]]></a>"), "comment_forbidden");
        assert_eq!(code("<a><?php x?></a>"), "comment_forbidden");
        assert_eq!(code("<?xml-stylesheet href='x'?><a/>"), "comment_forbidden");
        assert_eq!(code("<a>&#38;&#x26;&lt;</a>"), "accepted", "the control");
    }

    #[test]
    fn malformed_documents_are_refused() {
        for xml in [
            "",
            " ",
            "text",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "x<a/>",
            "&amp;<a/>",
            "<a b='1' b='2'/>",
            "<a b=1/>",
            "<a b/>",
            "<a b='<'/>",
            "<a b='1'c='2'/>",
            "<1/>",
            "<a:b:c/>",
            "<a>]]></a>",
            "<a>&</a>",
            "<a>&amp</a>",
            "<a>\u{1}</a>",
            "<a/ >",
            "< a/>",
            "<a></a b='c'>",
            " <?xml version='1.0'?><a/>",
            "<?xml version='1.1'?><a/>",
            "<?xml version='1.0' encoding='UTF-16'?><a/>",
            "<a><?xml version='1.0'?></a>",
            "<a/>\u{FFFF}",
        ] {
            assert!(parse(xml).is_err(), "{xml:?} was accepted");
        }
        assert!(super::parse(b"\xFF\xFE<\0a\0/\0>\0", &Limits::MESSAGE).is_err(), "UTF-16");
        assert!(super::parse(b"<a>\xC3</a>", &Limits::MESSAGE).is_err(), "broken UTF-8");
        assert!(
            super::parse(b"\xEF\xBB\xBF<?xml version='1.0'?><a/>", &Limits::MESSAGE).is_ok(),
            "a byte order mark"
        );
    }

    #[test]
    fn namespace_games_are_refused() {
        for xml in [
            "<p:a/>",
            "<a p:b='1'/>",
            "<a xmlns:p=''/>",
            "<a xmlns:p='1'/>",
            "<a xmlns='../x'/>",
            "<a xmlns:xml='urn:x'/>",
            "<a xmlns:xmlns='urn:x'/>",
            "<xmlns:a/>",
            "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
            "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns='urn:x' xmlns='urn:x'/>",
            "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>",
            "<a xmlns:p='urn:&#x61;'/>",
            "<a xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion'><b xmlns:s='urn:x'/></a>",
        ] {
            assert_eq!(code(xml), "malformed_xml", "{xml}");
        }
        for xml in [
            "<a xmlns='urn:x'><b xmlns=''/></a>",
            "<a xml:lang='en'/>",
            "<a xmlns:p='urn:x' b='1' p:b='2'/>",
            "<a xmlns:p='urn:x'><b xmlns:p='urn:y'/></a>",
            "<a xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion'><b xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion'/></a>",
        ] {
            assert_eq!(code(xml), "accepted", "{xml}");
        }
        assert!(
            parse("<a xmlns='urn:x'><b xmlns=''/></a>")
                .unwrap()
                .root()
                .elements()
                .next()
                .unwrap()
                .is("", "b")
        );
    }

    #[test]
    fn an_identifier_may_be_used_once() {
        for (one, other) in
            [("ID", "ID"), ("ID", "Id"), ("id", "AssertionID"), ("xml:id", "ID"), ("p:ID", "ID")]
        {
            let xml = |value| format!("<a xmlns:p='urn:x' {one}='x'><b {other}='{value}'/></a>");
            assert_eq!(code(&xml("x")), "duplicate_xml_id", "{one} {other}");
            assert_eq!(code(&xml("y")), "accepted", "{one} {other}: the control");
        }
    }

    #[test]
    fn every_limit_holds() {
        let many =
            |n: usize, piece: &dyn Fn(usize) -> String| (0..n).map(piece).collect::<String>();
        let accepted_up_to = |limit: usize, xml: &dyn Fn(usize) -> String, name: &'static str| {
            assert_eq!(code(&xml(limit)), "accepted", "{name} at the limit");
            assert_eq!(
                parse(&xml(limit + 1)).err(),
                Some(SamlError::PayloadTooLarge { limit: name })
            );
        };
        accepted_up_to(64, &|n| "<a>".repeat(n) + &"</a>".repeat(n), "depth of elements");
        accepted_up_to(20_000, &|n| format!("<a>{}</a>", "<b/>".repeat(n - 1)), "number of nodes");
        accepted_up_to(
            64,
            &|n| format!("<a{}/>", many(n, &|i| format!(" b{i}=''"))),
            "attributes of one element",
        );
        accepted_up_to(
            32,
            &|n| format!("<a{}/>", many(n, &|i| format!(" xmlns:b{i}='urn:b'"))),
            "namespaces of one element",
        );
        let nested = |n: usize| {
            let open = many(n / 8, &|i| {
                format!("<a{}>", many(8, &|j| format!(" xmlns:b{i}_{j}='urn:b'")))
            });
            let inner = many(n % 8, &|j| format!(" xmlns:c{j}='urn:c'"));
            format!("{open}<a{inner}/>{}", "</a>".repeat(n / 8))
        };
        accepted_up_to(128, &nested, "namespaces in scope");
        accepted_up_to(65_536, &|n| format!("<a>{}</a>", "x".repeat(n)), "bytes of one text");
        accepted_up_to(
            65_536,
            &|n| format!("<a>{}&lt;</a>", "x".repeat(n - 2)),
            "bytes of one text",
        );
        accepted_up_to(
            65_536,
            &|n| format!("<a b='{}'/>", "x".repeat(n)),
            "bytes of one attribute",
        );
        let large = |n: usize| {
            let blocks = format!("<b>{}</b>", "x".repeat(60_000)).repeat(4);
            format!("<a>{blocks}{}</a>", "x".repeat(n - blocks.len() - "<a></a>".len()))
        };
        accepted_up_to(262_144, &large, "bytes of XML");
    }

    #[test]
    fn metadata_may_have_comments() {
        let xml = b"<!-- a --><a>b<!-- c -->d</a>";
        assert_eq!(super::parse(xml, &Limits::METADATA).unwrap().root().text(), Some("bd"));
    }
}
