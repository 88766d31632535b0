//! The tree while it grows: nesting, namespaces, bounds.

use std::borrow::Cow;

use super::chars::{any_byte, is_space, normalize_attribute, normalize_text, resolve_reference};
use super::limits::Limits;
use super::name::{Name, is_absolute_uri, split_qualified};
use super::namespace;
use super::tag::split_tag;
use super::tree::{Attribute, Declaration, Document, ElementNode, Node, NodeId};
use crate::saml::SamlError;

pub(super) struct Builder<'x, 'l> {
    limits: &'l Limits,
    offset: usize,
    nodes: Vec<Node<'x>>,
    attributes: Vec<Attribute<'x>>,
    declarations: Vec<Declaration<'x>>,
    /// Elements whose end tag is still to come.
    open: Vec<Open>,
    /// Namespace declarations in scope, inner ones last.
    scope: Vec<Declaration<'x>>,
    /// Bytes of text since the last tag.
    text_bytes: usize,
}

struct Open {
    id: NodeId,
    /// How long `scope` was around the element.
    outer_scope: usize,
}

impl<'x, 'l> Builder<'x, 'l> {
    pub(super) fn new(limits: &'l Limits, source_bytes: usize) -> Self {
        let guess = (source_bytes / 64).min(limits.nodes);
        Self {
            limits,
            offset: 0,
            nodes: Vec::with_capacity(guess),
            attributes: Vec::with_capacity(guess),
            declarations: Vec::with_capacity(16),
            open: Vec::with_capacity(16),
            scope: Vec::with_capacity(16),
            text_bytes: 0,
        }
    }

    /// Notes where in the source the next token starts, for errors.
    pub(super) fn at(&mut self, offset: usize) {
        self.offset = offset;
    }

    pub(super) fn malformed(&self, fault: &'static str) -> SamlError {
        SamlError::MalformedXml { fault, offset: self.offset }
    }

    /// Begins an element; `inside` is what stands between `<` and `>`.
    pub(super) fn open(&mut self, inside: &'x str) -> Result<(), SamlError> {
        if self.open.is_empty() && !self.nodes.is_empty() {
            return Err(self.malformed("there must be one root element"));
        }
        bound(self.open.len(), self.limits.depth, "depth of elements")?;
        bound(self.nodes.len(), self.limits.nodes, "number of nodes")?;
        self.text_bytes = 0;
        let outer_scope = self.scope.len();
        let (first_attribute, first_declaration) = (self.attributes.len(), self.declarations.len());
        let (name, raw_attributes) = split_tag(inside);
        for raw in raw_attributes {
            let (name, value) = raw.map_err(|fault| self.malformed(fault))?;
            match self.split(name)? {
                ("", "xmlns") => self.declare("", value, first_declaration)?,
                ("xmlns", prefix) => self.declare(prefix, value, first_declaration)?,
                (prefix, local) => self.attribute(prefix, local, value, first_attribute)?,
            }
        }
        self.resolve_attributes(first_attribute)?;
        let id = NodeId(self.nodes.len());
        let (prefix, local) = self.split(name)?;
        let node = ElementNode {
            name: Name { prefix, local, namespace: self.resolve(prefix)? },
            parent: self.open.last().map(|open| open.id),
            end: id.0 + 1,
            attributes: (first_attribute, self.attributes.len()),
            declarations: (first_declaration, self.declarations.len()),
        };
        self.nodes.push(Node::Element(node));
        self.open.push(Open { id, outer_scope });
        Ok(())
    }

    /// Ends the innermost element; the reader has matched the names of its tags.
    pub(super) fn close(&mut self) {
        let Some(Open { id, outer_scope }) = self.open.pop() else { return };
        let end = self.nodes.len();
        if let Some(Node::Element(element)) = self.nodes.get_mut(id.0) {
            element.end = end;
        }
        self.scope.truncate(outer_scope);
        self.text_bytes = 0;
    }

    pub(super) fn text(&mut self, raw: &'x str) -> Result<(), SamlError> {
        if self.open.is_empty() && raw.chars().all(is_space) {
            return Ok(());
        }
        if any_byte(raw, |b| b == b']') && raw.contains("]]>") {
            return Err(self.malformed("]]> in text"));
        }
        self.append(normalize_text(raw), raw.len())
    }

    /// Adds the character that a reference stands for.
    pub(super) fn reference(&mut self, name: &str) -> Result<(), SamlError> {
        let text = String::from(resolve_reference(name)?);
        self.append(Cow::Owned(text), name.len())
    }

    pub(super) fn finish(self) -> Result<Document<'x>, SamlError> {
        let root = match self.nodes.first() {
            Some(Node::Element(root)) if self.open.is_empty() => *root,
            _ => return Err(self.malformed("there must be one root element")),
        };
        check_ids_are_unique(&self.attributes)?;
        Ok(Document {
            root,
            nodes: self.nodes,
            attributes: self.attributes,
            declarations: self.declarations,
        })
    }

    /// Adds text to the text before it, if no tag came between.
    fn append(&mut self, text: Cow<'x, str>, source_bytes: usize) -> Result<(), SamlError> {
        if self.open.is_empty() {
            return Err(self.malformed("text outside the root element"));
        }
        let continues = self.text_bytes > 0;
        self.text_bytes += source_bytes;
        bound(self.text_bytes, self.limits.text + 1, "bytes of one text")?;
        match self.nodes.last_mut() {
            Some(Node::Text(previous)) if continues => previous.to_mut().push_str(&text),
            _ => {
                bound(self.nodes.len(), self.limits.nodes, "number of nodes")?;
                self.nodes.push(Node::Text(text));
            }
        }
        Ok(())
    }

    fn split(&self, name: &'x str) -> Result<(&'x str, &'x str), SamlError> {
        split_qualified(name).ok_or_else(|| self.malformed("not a qualified name"))
    }

    fn declare(&mut self, prefix: &'x str, uri: &'x str, first: usize) -> Result<(), SamlError> {
        bound(
            self.declarations.len() - first,
            self.limits.declarations,
            "namespaces of one element",
        )?;
        bound(self.scope.len(), self.limits.scope, "namespaces in scope")?;
        let undeclares_default = prefix.is_empty() && uri.is_empty();
        if !undeclares_default && !is_absolute_uri(uri) {
            return Err(self.malformed("a namespace must be a plain absolute URI"));
        }
        if matches!(prefix, "xml" | "xmlns")
            || matches!(uri, namespace::XML | "http://www.w3.org/2000/xmlns/")
        {
            return Err(self.malformed("the prefixes xml and xmlns may not be declared"));
        }
        if self.declarations.iter().skip(first).any(|d| d.prefix == prefix) {
            return Err(self.malformed("a prefix is declared twice"));
        }
        if !prefix.is_empty()
            && self.lookup(prefix).is_some_and(|outer| outer != uri && is_guarded(outer))
        {
            return Err(self.malformed("a prefix of SAML or XML Signature is declared anew"));
        }
        let declaration = Declaration { prefix, uri };
        self.declarations.push(declaration);
        self.scope.push(declaration);
        Ok(())
    }

    fn attribute(
        &mut self,
        prefix: &'x str,
        local: &'x str,
        raw: &'x str,
        first: usize,
    ) -> Result<(), SamlError> {
        bound(self.attributes.len() - first, self.limits.attributes, "attributes of one element")?;
        bound(raw.len(), self.limits.text + 1, "bytes of one attribute")?;
        // The namespace follows in `resolve_attributes`: a declaration may come after its use.
        let name = Name { prefix, local, namespace: "" };
        self.attributes.push(Attribute { name, value: normalize_attribute(raw)? });
        Ok(())
    }

    fn resolve_attributes(&mut self, first: usize) -> Result<(), SamlError> {
        for index in first..self.attributes.len() {
            let Some(Name { prefix, local, .. }) = self.attributes.get(index).map(|a| a.name)
            else {
                break;
            };
            let namespace = if prefix.is_empty() { "" } else { self.resolve(prefix)? };
            let before = self.attributes.get(first..index).unwrap_or_default();
            if before.iter().any(|earlier| earlier.name.is(namespace, local)) {
                return Err(self.malformed("an attribute is given twice"));
            }
            if let Some(attribute) = self.attributes.get_mut(index) {
                attribute.name.namespace = namespace;
            }
        }
        Ok(())
    }

    fn resolve(&self, prefix: &str) -> Result<&'x str, SamlError> {
        match prefix {
            "xml" => Ok(namespace::XML),
            "" => Ok(self.lookup(prefix).unwrap_or_default()),
            _ => self.lookup(prefix).ok_or_else(|| self.malformed("a prefix is not declared")),
        }
    }

    fn lookup(&self, prefix: &str) -> Option<&'x str> {
        self.scope.iter().rev().find(|d| d.prefix == prefix).map(|d| d.uri)
    }
}

/// Fails unless there is room for one more.
fn bound(count: usize, limit: usize, name: &'static str) -> Result<(), SamlError> {
    if count < limit { Ok(()) } else { Err(SamlError::PayloadTooLarge { limit: name }) }
}

/// Namespaces whose prefixes keep their meaning down to the leaves, so that no reader can be
/// misled.
fn is_guarded(uri: &str) -> bool {
    matches!(uri, namespace::ASSERTION | namespace::PROTOCOL | namespace::SIGNATURE)
}

/// Whatever any XML processor could take for an identifier must be unique, in whatever namespace it
/// is.
fn check_ids_are_unique(attributes: &[Attribute<'_>]) -> Result<(), SamlError> {
    let is_id = |attribute: &&Attribute<'_>| {
        matches!(attribute.name.local, "ID" | "Id" | "id" | "AssertionID")
    };
    let mut ids: Vec<&str> =
        attributes.iter().filter(is_id).map(|attribute| &*attribute.value).collect();
    ids.sort_unstable();
    match ids.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        true => Err(SamlError::DuplicateXmlId),
        false => Ok(()),
    }
}
