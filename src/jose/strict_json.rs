//! JSON objects in which every member has one meaning.
//!
//! `serde_json` keeps the last of two members with the same name, others keep the first: two readers
//! of one token then see two tokens. RFC 7515 section 4 and RFC 7519 section 4 let a recipient
//! refuse such objects, and so we do, at every level, before anything is read from them.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess,
    Visitor,
};

/// Most members in one object.
const MAX_MEMBERS: usize = 256;
/// Deepest nesting.
const MAX_DEPTH: usize = 32;

/// Why an object was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not JSON, not an object, or a member of the wrong type.
    Malformed,
    /// Two members of one object have the same name.
    DuplicateMember,
    /// More members or nesting than is ever needed.
    TooComplex,
}

/// Reads `json`, one object, as a `T`.
pub(super) fn read_object<T: DeserializeOwned>(json: &[u8]) -> Result<T, Fault> {
    check_object(json)?;
    serde_json::from_slice(json).map_err(|_| Fault::Malformed)
}

/// Checks that `json` is one object, without duplicate members at any depth.
pub(super) fn check_object(json: &[u8]) -> Result<(), Fault> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(Fault::Malformed);
    }
    let fault = Cell::new(Fault::Malformed);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Walk { depth: 0, fault: &fault }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|_| fault.get())
}

/// Walks one value, keeping nothing but the names of the object it is in.
#[derive(Clone, Copy)]
struct Walk<'w> {
    depth: usize,
    fault: &'w Cell<Fault>,
}

impl<'w> Walk<'w> {
    fn deeper<E: de::Error>(self) -> Result<Walk<'w>, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(Fault::TooComplex));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn refuse<E: de::Error>(self, fault: Fault) -> E {
        self.fault.set(fault);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        while seq.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        let mut names: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            if names.contains(&name) {
                return Err(self.refuse(Fault::DuplicateMember));
            }
            if names.len() == MAX_MEMBERS {
                return Err(self.refuse(Fault::TooComplex));
            }
            names.push(name);
            map.next_value_seed(inside)?;
        }
        Ok(())
    }
}

/// A member's name after unescaping, borrowed where it had no escapes.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_objects_pass() {
        for json in
            [r#"{}"#, r#" {"a":1,"b":[{"a":-1},{"a":2.5}],"c":{"a":null,"b":true,"c":"\u00e9"}} "#]
        {
            assert_eq!(check_object(json.as_bytes()), Ok(()), "{json}");
        }
    }

    #[test]
    fn a_name_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for json in [
            r#"{"iss":"a","iss":"b"}"#,
            r#"{"iss":"a","\u0069ss":"b"}"#,
            r#"{"cnf":{"jkt":"a","jkt":"b"}}"#,
            r#"{"a":[[{"b":1,"b":1}]]}"#,
        ] {
            assert_eq!(check_object(json.as_bytes()), Err(Fault::DuplicateMember), "{json}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for json in
            ["", "[]", "1", "null", "\"a\"", "{", "{}{}", "{} x", "{\"a\":1e999}", "\u{feff}{}"]
        {
            assert_eq!(check_object(json.as_bytes()), Err(Fault::Malformed), "{json}");
        }
        assert_eq!(check_object(b"{\"a\":\"\xff\"}"), Err(Fault::Malformed));
    }

    #[test]
    fn members_and_depth_are_bounded() {
        let members = |n: usize| {
            let names: Vec<_> = (0..n).map(|i| format!("\"{i}\":0")).collect();
            format!("{{{}}}", names.join(","))
        };
        assert_eq!(check_object(members(MAX_MEMBERS).as_bytes()), Ok(()));
        assert_eq!(check_object(members(MAX_MEMBERS + 1).as_bytes()), Err(Fault::TooComplex));

        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert_eq!(check_object(nested(MAX_DEPTH - 1).as_bytes()), Ok(()));
        assert_eq!(check_object(nested(MAX_DEPTH).as_bytes()), Err(Fault::TooComplex));
    }
}
