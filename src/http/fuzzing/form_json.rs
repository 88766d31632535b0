use serde_json::Value;

use crate::fuzzing::Outcome;
use crate::http::{Form, limits};

/// A form that is read from JSON is within bounds, has each member once, and says what a reader of
/// plain JSON finds there; written as a form, it is the same form.
pub fn form_json(data: &[u8]) -> Outcome {
    let Ok(form) = Form::parse_json(data) else {
        // It is refused for a reason: what is plain and small is read.
        let plain = serde_json::from_slice::<Value>(data).ok().and_then(|value| plain(&value));
        let written = plain.map(|pairs| Value::Object(pairs.into_iter().collect()).to_string());
        let again = written.map(|written| Form::parse_json(written.as_bytes()));
        assert!(again.is_none_or(|again| again.is_ok()), "refused");
        return Outcome::Refused;
    };
    let pairs: Vec<(&str, &str)> = form.iter().collect();
    assert!(pairs.len() <= limits::FORM_FIELDS);
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(data) else {
        panic!("a form that is no object")
    };
    assert!(object.len() <= limits::FORM_FIELDS);
    let mut found = 0;
    for (name, value) in &object {
        let values: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Bool(true) => vec!["yes"],
            Value::Bool(false) | Value::Null => vec![],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            Value::Number(_) | Value::Object(_) => panic!("a field that is no text"),
        };
        assert_eq!(form.all(name).collect::<Vec<_>>(), values);
        found += values.len();
    }
    assert_eq!(found, pairs.len());
    let written = serde_urlencoded::to_string(&pairs).unwrap_or_default();
    let again = Form::parse(written.as_bytes());
    assert_eq!(again.as_ref().map(|again| again.iter().collect()), Ok(pairs));
    Outcome::Accepted
}

/// The members that are texts, if all are, and few.
fn plain(value: &Value) -> Option<Vec<(String, Value)>> {
    let object = value.as_object().filter(|object| object.len() <= limits::FORM_FIELDS)?;
    let text = |text: &str| !text.contains('\u{FFFD}');
    let fits = |(name, value): (&String, &Value)| text(name) && value.as_str().is_some_and(text);
    let pairs = object.iter().map(|(name, value)| (name.clone(), value.clone()));
    object.iter().all(fits).then(|| pairs.collect())
}
