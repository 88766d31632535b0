//! Exclusive canonicalization.

use super::chars::{escape_attribute, escape_text};
use super::name::Name;
use super::tree::{Attribute, Child, Declaration, Element, NodeId};
use crate::saml::SamlError;

/// The parameters of exclusive canonicalization.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exclusive<'a> {
    /// The `InclusiveNamespaces` prefix list: prefixes to treat as inclusive canonicalization does.
    /// The default namespace is the empty string (`#default` in a message).
    pub inclusive_prefixes: &'a [&'a str],
    /// A node to leave out with all below it: the signature, for the enveloped-signature transform.
    pub omit: Option<NodeId>,
}

/// Appends the canonical form of `apex` and all below it to `out`: Exclusive XML Canonicalization
/// 1.0, without comments (of which the tree has none).
///
/// # Errors
/// [`SamlError::CanonicalizationFailed`] when the result is empty, which no caller can have meant.
pub fn canonicalize(
    apex: Element<'_>,
    method: &Exclusive<'_>,
    out: &mut Vec<u8>,
) -> Result<(), SamlError> {
    let before = out.len();
    if method.omit != Some(apex.id()) {
        let mut writer =
            Writer { method, out, rendered: Vec::with_capacity(16), sorted: Vec::new() };
        writer.render_listed(
            method
                .inclusive_prefixes
                .iter()
                .filter_map(|prefix| Some(Declaration { prefix, uri: apex.namespace_of(prefix)? })),
        );
        writer.element(apex, 0);
    }
    if out.len() == before { Err(SamlError::CanonicalizationFailed) } else { Ok(()) }
}

struct Writer<'t, 'o> {
    method: &'t Exclusive<'t>,
    out: &'o mut Vec<u8>,
    /// The namespace declarations written on the elements around this place.
    rendered: Vec<Declaration<'t>>,
    /// Scratch space for one element's attributes.
    sorted: Vec<&'t Attribute<'t>>,
}

impl<'t> Writer<'t, '_> {
    /// Writes one element. Its declarations are those in `rendered` from `first` on.
    fn element(&mut self, element: Element<'t>, first: usize) {
        let name = element.name();
        self.out.push(b'<');
        self.name(name);
        self.declarations(element, first);
        self.attributes(element);
        self.out.push(b'>');
        for child in element.children() {
            match child {
                Child::Text(text) => escape_text(self.out, text),
                Child::Element(child) if self.method.omit == Some(child.id()) => {}
                Child::Element(child) => {
                    let first = self.rendered.len();
                    let listed =
                        |d: &Declaration<'_>| self.method.inclusive_prefixes.contains(&d.prefix);
                    let declared = child.declarations().iter().copied();
                    self.render_listed(declared.filter(listed));
                    self.element(child, first);
                }
            }
        }
        self.out.extend_from_slice(b"</");
        self.name(name);
        self.out.push(b'>');
        self.rendered.truncate(first);
    }

    fn name(&mut self, name: Name<'_>) {
        if !name.prefix.is_empty() {
            self.out.extend_from_slice(name.prefix.as_bytes());
            self.out.push(b':');
        }
        self.out.extend_from_slice(name.local.as_bytes());
    }

    /// Writes the declarations that the element visibly needs and no element around it has written.
    fn declarations(&mut self, element: Element<'t>, first: usize) {
        self.render(element.name());
        for attribute in element.attributes().iter().filter(|a| !a.name.prefix.is_empty()) {
            self.render(attribute.name);
        }
        let Some(new) = self.rendered.get_mut(first..) else { return };
        new.sort_unstable_by_key(|declaration| declaration.prefix);
        for declaration in new {
            self.out.extend_from_slice(b" xmlns");
            if !declaration.prefix.is_empty() {
                self.out.push(b':');
                self.out.extend_from_slice(declaration.prefix.as_bytes());
            }
            self.out.extend_from_slice(b"=\"");
            escape_attribute(self.out, declaration.uri);
            self.out.push(b'"');
        }
    }

    fn render(&mut self, name: Name<'t>) {
        let Name { prefix, namespace: uri, .. } = name;
        let current = self.rendered.iter().rev().find(|d| d.prefix == prefix).map(|d| d.uri);
        let declared = match prefix {
            "xml" => true,
            "" => current.unwrap_or_default() == uri,
            _ => current == Some(uri),
        };
        if !declared {
            self.rendered.push(Declaration { prefix, uri });
        }
    }

    fn render_listed(&mut self, declarations: impl Iterator<Item = Declaration<'t>>) {
        for Declaration { prefix, uri } in declarations {
            self.render(Name { prefix, local: "", namespace: uri });
        }
    }

    fn attributes(&mut self, element: Element<'t>) {
        self.sorted.clear();
        self.sorted.extend(element.attributes());
        self.sorted.sort_unstable_by_key(|a| (a.name.namespace, a.name.local));
        for index in 0..self.sorted.len() {
            let Some(attribute) = self.sorted.get(index).copied() else { break };
            self.out.push(b' ');
            self.name(attribute.name);
            self.out.extend_from_slice(b"=\"");
            escape_attribute(self.out, &attribute.value);
            self.out.push(b'"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::{Limits, parse};

    fn canonical(xml: &str, path: &[usize], inclusive_prefixes: &[&str]) -> String {
        let document = parse(xml.as_bytes(), &Limits::MESSAGE).unwrap();
        let apex = path.iter().fold(document.root(), |e, n| e.elements().nth(*n).unwrap());
        let mut out = Vec::new();
        canonicalize(apex, &Exclusive { inclusive_prefixes, omit: None }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_visibly_used_namespaces_are_written() {
        let xml =
            "<a:r xmlns:a='urn:a' xmlns:b='urn:b' xmlns='urn:d'><b:x a:y='1'><z/></b:x></a:r>";
        assert_eq!(
            canonical(xml, &[], &[]),
            r#"<a:r xmlns:a="urn:a"><b:x xmlns:b="urn:b" a:y="1"><z xmlns="urn:d"></z></b:x></a:r>"#
        );
        assert_eq!(canonical(xml, &[0, 0], &[]), r#"<z xmlns="urn:d"></z>"#);
        assert_eq!(
            canonical(xml, &[0, 0], &["b", "nowhere"]),
            r#"<z xmlns="urn:d" xmlns:b="urn:b"></z>"#
        );
        assert_eq!(
            canonical(xml, &[], &["", "b"]),
            r#"<a:r xmlns="urn:d" xmlns:a="urn:a" xmlns:b="urn:b"><b:x a:y="1"><z></z></b:x></a:r>"#
        );
    }

    #[test]
    fn default_namespace_comes_and_goes() {
        assert_eq!(canonical("<r xmlns=''><e/></r>", &[], &[]), "<r><e></e></r>");
        let xml = "<r xmlns='urn:d'><e xmlns=''><f xmlns='urn:d'/></e></r>";
        let expected = r#"<r xmlns="urn:d"><e xmlns=""><f xmlns="urn:d"></f></e></r>"#;
        assert_eq!(canonical(xml, &[], &[]), expected);
        assert_eq!(canonical(xml, &[0], &[]), r#"<e><f xmlns="urn:d"></f></e>"#);
        assert_eq!(canonical(xml, &[], &[""]), expected);
    }

    #[test]
    fn attributes_are_sorted_by_namespace_then_name() {
        let xml = "<e xmlns:b='urn:1' xmlns:a='urn:2' a:x='1' b:x='2' z='3' y='4' xml:lang='en'/>";
        assert_eq!(
            canonical(xml, &[], &[]),
            r#"<e xmlns:a="urn:2" xmlns:b="urn:1" y="4" z="3" xml:lang="en" b:x="2" a:x="1"></e>"#
        );
    }

    #[test]
    fn the_omitted_node_goes_by_identity() {
        let document = parse(b"<r><s>1</s> <s>1</s></r>", &Limits::MESSAGE).unwrap();
        let second = document.root().elements().nth(1).unwrap();
        let mut out = Vec::new();
        canonicalize(
            document.root(),
            &Exclusive { omit: Some(second.id()), ..Exclusive::default() },
            &mut out,
        )
        .unwrap();
        assert_eq!(out, b"<r><s>1</s> </r>");
    }

    #[test]
    fn empty_output_is_an_error() {
        let document = parse(b"<r/>", &Limits::MESSAGE).unwrap();
        let nothing = Exclusive { omit: Some(document.root().id()), ..Exclusive::default() };
        assert_eq!(
            canonicalize(document.root(), &nothing, &mut Vec::new()),
            Err(SamlError::CanonicalizationFailed)
        );
    }
}
