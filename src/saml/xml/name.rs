//! Names: their syntax, and the namespaces they are in.

/// An expanded name, with the prefix it was written with.
#[derive(Debug, Clone, Copy)]
pub struct Name<'x> {
    /// The prefix as written; empty when there was none.
    pub prefix: &'x str,
    /// The part after the colon.
    pub local: &'x str,
    /// The namespace URI; empty when the name is in no namespace.
    pub namespace: &'x str,
}

impl Name<'_> {
    /// Whether this is `local` in `namespace`, by whatever prefix.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && self.namespace == namespace
    }
}

/// Splits a qualified name at its colon; `None` when it is not one (Namespaces in XML, production
/// 7).
pub(super) fn split_qualified(name: &str) -> Option<(&str, &str)> {
    let Some(colon) = name.bytes().position(|b| b == b':') else {
        return is_nc_name(name).then_some(("", name));
    };
    let (prefix, local) = (name.get(..colon)?, name.get(colon + 1..)?);
    (is_nc_name(prefix) && is_nc_name(local)).then_some((prefix, local))
}

/// Whether this is a name without a colon (Namespaces in XML, production 4), which every SAML `ID`
/// must be.
pub(crate) fn is_nc_name(name: &str) -> bool {
    if is_plain_name(name.as_bytes()) {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// Whether this is an ASCII name, as nearly all are.
fn is_plain_name(name: &[u8]) -> bool {
    let [first, rest @ ..] = name else { return false };
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (first.is_ascii_alphabetic() || *first == b'_') && rest.iter().all(is_plain)
}

const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

const fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c,
            '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Whether a namespace URI is absolute, which canonicalization needs (exclusive C14N 1.0, 1.3), and
/// is written plainly: without references and white space, which no vocabulary uses and which would
/// only hide what it is.
pub(super) fn is_absolute_uri(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && !uri.bytes().any(|b| matches!(b, b'&' | b'"' | b'\'' | b'>' | 0..=b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualified_names() {
        assert_eq!(split_qualified("saml:Assertion"), Some(("saml", "Assertion")));
        assert_eq!(split_qualified("_x-1.é"), Some(("", "_x-1.é")));
        for bad in ["", ":", "a:", ":b", "a:b:c", "1a", "a:1", "-a", "a b", "a/", "a:b\"", "a="] {
            assert_eq!(split_qualified(bad), None, "{bad}");
        }
    }

    #[test]
    fn namespace_uris_are_absolute() {
        for good in [
            "urn:oasis:names:tc:SAML:2.0:assertion",
            "http://www.w3.org/2001/XMLSchema",
            "a+b-c.d:e",
        ] {
            assert!(is_absolute_uri(good), "{good}");
        }
        for bad in [
            "1",
            "",
            "a",
            "../x",
            "//host/x",
            ":x",
            "1a:b",
            "urn:",
            "a b:c",
            "urn:a&amp;b",
            "urn:a b",
            "urn:a\n",
        ] {
            assert!(!is_absolute_uri(bad), "{bad}");
        }
    }
}
