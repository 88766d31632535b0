//! The tree: all nodes in one vector in document order, each element knowing where its subtree
//! ends.

use std::borrow::Cow;

use super::chars::is_space;
use super::name::Name;

/// A parsed document; it borrows from the bytes it was parsed from.
#[derive(Debug)]
pub struct Document<'x> {
    /// A copy of the first node, so that there always is a root.
    pub(super) root: ElementNode<'x>,
    pub(super) nodes: Vec<Node<'x>>,
    pub(super) attributes: Vec<Attribute<'x>>,
    pub(super) declarations: Vec<Declaration<'x>>,
}

#[derive(Debug)]
pub(super) enum Node<'x> {
    Element(ElementNode<'x>),
    Text(Cow<'x, str>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ElementNode<'x> {
    pub(super) name: Name<'x>,
    pub(super) parent: Option<NodeId>,
    /// One past the last node of the subtree.
    pub(super) end: usize,
    pub(super) attributes: (usize, usize),
    pub(super) declarations: (usize, usize),
}

/// The identity of a node within its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(pub(super) usize);

/// An attribute; namespace declarations are not attributes.
#[derive(Debug)]
pub struct Attribute<'x> {
    /// Its name; an attribute without prefix is in no namespace.
    pub name: Name<'x>,
    /// Its normalised value.
    pub value: Cow<'x, str>,
}

/// A namespace declaration: `xmlns="uri"` (with an empty prefix) or `xmlns:prefix="uri"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declaration<'x> {
    /// The declared prefix; empty for the default namespace.
    pub prefix: &'x str,
    /// The namespace; empty only for `xmlns=""`.
    pub uri: &'x str,
}

/// An element of a document: a handle, cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Element<'t> {
    document: &'t Document<'t>,
    node: &'t ElementNode<'t>,
    id: NodeId,
}

/// A child of an element.
#[derive(Debug, Clone, Copy)]
pub enum Child<'t> {
    /// An element.
    Element(Element<'t>),
    /// Character data, never empty and never beside other character data.
    Text(&'t str),
}

impl Document<'_> {
    /// The outermost element.
    pub fn root(&self) -> Element<'_> {
        Element { document: self, node: &self.root, id: NodeId(0) }
    }

    fn child(&self, id: NodeId) -> Option<Child<'_>> {
        Some(match self.nodes.get(id.0)? {
            Node::Element(node) => Child::Element(Element { document: self, node, id }),
            Node::Text(text) => Child::Text(text),
        })
    }
}

impl<'t> Element<'t> {
    /// Which node this is.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// Its name.
    pub fn name(self) -> Name<'t> {
        self.node.name
    }

    /// Whether it is `local` in `namespace`.
    pub fn is(self, namespace: &str, local: &str) -> bool {
        self.node.name.is(namespace, local)
    }

    /// The element it is a child of; `None` for the root.
    pub fn parent(self) -> Option<Element<'t>> {
        match self.document.child(self.node.parent?)? {
            Child::Element(parent) => Some(parent),
            Child::Text(_) => None,
        }
    }

    /// Its attributes, in the order they were written.
    pub fn attributes(self) -> &'t [Attribute<'t>] {
        let (start, end) = self.node.attributes;
        self.document.attributes.get(start..end).unwrap_or_default()
    }

    /// The value of the attribute `local` that is in no namespace.
    pub fn attribute(self, local: &str) -> Option<&'t str> {
        self.attributes().iter().find(|a| a.name.is("", local)).map(|a| &*a.value)
    }

    /// The namespaces it declares itself.
    pub fn declarations(self) -> &'t [Declaration<'t>] {
        let (start, end) = self.node.declarations;
        self.document.declarations.get(start..end).unwrap_or_default()
    }

    /// What `prefix` stands for here, declared by this element or one around it.
    pub fn namespace_of(self, prefix: &str) -> Option<&'t str> {
        let mut element = Some(self);
        while let Some(current) = element {
            if let Some(found) = current.declarations().iter().find(|d| d.prefix == prefix) {
                return Some(found.uri);
            }
            element = current.parent();
        }
        None
    }

    /// Its children.
    pub fn children(self) -> impl Iterator<Item = Child<'t>> {
        let mut next = self.id.0 + 1;
        std::iter::from_fn(move || {
            let child = (next < self.node.end).then(|| self.document.child(NodeId(next)))??;
            next = match child {
                Child::Element(element) => element.node.end,
                Child::Text(_) => next + 1,
            };
            Some(child)
        })
    }

    /// Its child elements.
    pub fn elements(self) -> impl Iterator<Item = Element<'t>> {
        self.children().filter_map(|child| match child {
            Child::Element(element) => Some(element),
            Child::Text(_) => None,
        })
    }

    /// Its child elements that are `local` in `namespace`.
    pub fn elements_named(self, namespace: &str, local: &str) -> impl Iterator<Item = Element<'t>> {
        self.elements().filter(move |element| element.is(namespace, local))
    }

    /// All elements below it, at any depth, in document order.
    pub fn descendants(self) -> impl Iterator<Item = Element<'t>> {
        (self.id.0 + 1..self.node.end).filter_map(move |index| {
            match self.document.child(NodeId(index))? {
                Child::Element(element) => Some(element),
                Child::Text(_) => None,
            }
        })
    }

    /// Its text, when it holds nothing but text: `Some("")` when it is empty, `None` when it holds
    /// elements.
    pub fn text(self) -> Option<&'t str> {
        let mut children = self.children();
        match (children.next(), children.next()) {
            (None, _) => Some(""),
            (Some(Child::Text(text)), None) => Some(text),
            _ => None,
        }
    }

    /// All text below it, joined in document order.
    pub fn text_content(self) -> String {
        let below = self.document.nodes.get(self.id.0 + 1..self.node.end).unwrap_or_default();
        let texts = below.iter().filter_map(|node| match node {
            Node::Text(text) => Some(&**text),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// Whether there is no text between its children, other than white space.
    pub(crate) fn holds_only_elements(self) -> bool {
        self.children().all(|child| match child {
            Child::Element(_) => true,
            Child::Text(text) => text.chars().all(is_space),
        })
    }
}
