//! Texts that every store can hold: PostgreSQL has no U+0000, neither in texts nor in JSON.

use serde_json::{Map, Value};

const NUL: char = '\0';
const REPLACEMENT: &str = "\u{fffd}";

/// The text, with U+FFFD in place of each U+0000.
pub(crate) fn storable_text(text: String) -> String {
    if text.contains(NUL) { text.replace(NUL, REPLACEMENT) } else { text }
}

/// The value, with U+FFFD in place of each U+0000 in its texts and keys.
pub(crate) fn storable(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable_text(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(storable).collect()),
        Value::Object(fields) => Value::Object(storable_fields(fields)),
        plain => plain,
    }
}

/// The same of an object.
pub(crate) fn storable_fields(fields: Map<String, Value>) -> Map<String, Value> {
    fields.into_iter().map(|(key, value)| (storable_text(key), storable(value))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_but_nul_is_replaced_wherever_it_is() {
        let value = json!({"k\0": ["a\0b", {"c": "\0"}], "n": 1, "z": null, "t": "\u{1}\\u0000é"});
        let expected = json!({
            "k\u{fffd}": ["a\u{fffd}b", {"c": "\u{fffd}"}], "n": 1, "z": null, "t": "\u{1}\\u0000é"
        });
        assert_eq!(storable(value), expected);
    }
}
