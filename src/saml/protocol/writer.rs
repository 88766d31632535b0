//! Writing XML: a small writer that cannot forget to escape or to close.

use crate::saml::xml::{escape_attribute, escape_text};

/// XML under construction.
#[derive(Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Writes an element: attributes whose value is `None` are left out, `content` writes what is
    /// inside.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, Option<&str>)],
        content: impl FnOnce(&mut Self),
    ) {
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        for (name, value) in attributes {
            let Some(value) = value else { continue };
            self.out.push(b' ');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"=\"");
            escape_attribute(&mut self.out, value);
            self.out.push(b'"');
        }
        self.out.push(b'>');
        content(self);
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    /// Writes an element that holds text.
    pub(super) fn leaf(&mut self, name: &'static str, text: &str) {
        self.element(name, &[], |inside| escape_text(&mut inside.out, text));
    }

    pub(super) fn finish(self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

/// Nothing inside.
pub(super) fn empty(_: &mut Writer) {}
