//! Every bound on XML from outside, in one place.

/// How large and how deep a document may be; each bound is checked before anything is allocated for
/// what passes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Size of the document, in bytes.
    pub bytes: usize,
    /// Nesting of elements.
    pub depth: usize,
    /// Elements and text nodes together.
    pub nodes: usize,
    /// Attributes of one element, namespace declarations not counted.
    pub attributes: usize,
    /// Namespace declarations of one element.
    pub declarations: usize,
    /// Namespace declarations in scope at any point.
    pub scope: usize,
    /// Size of one text node or attribute value, in bytes of source.
    pub text: usize,
    /// What to do with comments.
    pub comments: Comments,
}

/// What to do with comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comments {
    /// Refuse the document: for anything whose meaning rests on a signature.
    Refuse,
    /// Leave them out, joining the text on both sides: for metadata that an operator gives.
    Skip,
}

impl Limits {
    /// For protocol messages, which anybody may post.
    pub const MESSAGE: Self = Self {
        bytes: 256 * 1024,
        depth: 64,
        nodes: 20_000,
        attributes: 64,
        declarations: 32,
        scope: 128,
        text: 64 * 1024,
        comments: Comments::Refuse,
    };

    /// For metadata, which an operator imports.
    pub const METADATA: Self =
        Self { bytes: 1024 * 1024, comments: Comments::Skip, ..Self::MESSAGE };
}
