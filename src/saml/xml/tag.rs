//! The inside of a start tag, read strictly.

use super::chars::{any_byte, is_space};

/// Splits the inside of a start tag into the element's name and its attributes.
pub(super) fn split_tag(inside: &str) -> (&str, RawAttributes<'_>) {
    let end = inside.bytes().position(|b| is_space(char::from(b))).unwrap_or(inside.len());
    let (name, rest) = inside.split_at_checked(end).unwrap_or((inside, ""));
    (name, RawAttributes { rest })
}

/// The attributes of a start tag as written: (qualified name, value before normalisation), or what
/// is wrong.
pub(super) struct RawAttributes<'x> {
    rest: &'x str,
}

impl<'x> Iterator for RawAttributes<'x> {
    type Item = Result<(&'x str, &'x str), &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        let attribute = self.rest.trim_start_matches(is_space);
        if attribute.is_empty() {
            return None;
        }
        if attribute.len() == self.rest.len() {
            return Some(Err("attributes must be separated by white space"));
        }
        let Some((name, value, rest)) = split_attribute(attribute) else {
            return Some(Err("an attribute needs a quoted value"));
        };
        if any_byte(value, |b| b == b'<') {
            return Some(Err("an attribute value may not contain <"));
        }
        self.rest = rest;
        Some(Ok((name, value)))
    }
}

/// `name = "value" rest` as (name, value, rest).
fn split_attribute(attribute: &str) -> Option<(&str, &str, &str)> {
    let equals = attribute.bytes().position(|b| b == b'=')?;
    let (name, quoted) = (attribute.get(..equals)?, attribute.get(equals + 1..)?);
    let quoted = quoted.trim_start_matches(is_space);
    let (value, rest) = match quoted.strip_prefix('"') {
        Some(opened) => opened.split_once('"')?,
        None => quoted.strip_prefix('\'')?.split_once('\'')?,
    };
    Some((name.trim_end_matches(is_space), value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inside: &str) -> Result<Vec<(&str, &str)>, &'static str> {
        split_tag(inside).1.collect()
    }

    #[test]
    fn attributes_are_split() {
        assert_eq!(split_tag("a:b\tc='d'").0, "a:b");
        assert_eq!(read("e a = '1\"'\n b:c=\"'>\" ").unwrap(), [("a", "1\""), ("b:c", "'>")]);
        assert_eq!(read("e").unwrap(), []);
    }

    #[test]
    fn sloppy_attributes_are_refused() {
        for bad in ["e a", "e a=1", "e a='1'b='2'", "e a='1", "e ='1'x", "e a='<'", "e a=\"1'"] {
            let names_only =
                read(bad).map(|all| all.iter().all(|(name, _)| super::super::is_nc_name(name)));
            assert!(matches!(names_only, Err(_) | Ok(false)), "{bad}");
        }
    }
}
