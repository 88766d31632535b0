//! A form as JSON: one object whose members are the fields.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::limits;

/// The fields of the form, in order; a member that is a list is one field for each of its texts.
///
/// What is checked is `true`, and then `yes`; what is not checked, `false` or `null`, is not there. A
/// member that stands there twice is refused: readers do not agree on which one counts.
pub(super) fn read(json: &[u8]) -> Result<Vec<(String, String)>, serde_json::Error> {
    serde_json::from_slice(json).map(|Fields(fields)| fields)
}

struct Fields(Vec<(String, String)>);

/// The values of a member.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let (mut names, mut fields) = (Vec::<String>::new(), Vec::new());
                while let Some(name) = map.next_key::<String>()? {
                    if names.contains(&name) || names.len() == limits::FORM_FIELDS {
                        return Err(A::Error::custom("a member too many"));
                    }
                    let Values(values) = map.next_value()?;
                    fields.extend(values.into_iter().map(|value| (name.clone(), value)));
                    if fields.len() > limits::FORM_FIELDS {
                        return Err(A::Error::custom("a value too many"));
                    }
                    names.push(name);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Member;

        impl<'de> Visitor<'de> for Member {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, true, false, null, or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Values, E> {
                Ok(Values(vec![text.to_owned()]))
            }

            fn visit_bool<E: Error>(self, checked: bool) -> Result<Values, E> {
                Ok(Values(checked.then(|| "yes".to_owned()).into_iter().collect()))
            }

            fn visit_unit<E: Error>(self) -> Result<Values, E> {
                Ok(Values(Vec::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element::<String>()? {
                    if values.len() == limits::FORM_FIELDS {
                        return Err(A::Error::custom("a value too many"));
                    }
                    values.push(value);
                }
                Ok(Values(values))
            }
        }

        deserializer.deserialize_any(Member)
    }
}
