use serde_json::Value;

use crate::fuzzing::Outcome;
use crate::jose::strict_json::{Fault, check_object, read_object};

/// An object that passes has as many members as it has colons, at every depth: none was lost to
/// another of the same name. What is refused as malformed is no JSON object for anybody.
pub fn strict_json(data: &[u8]) -> Outcome {
    let checked = check_object(data);
    let value = serde_json::from_slice::<Value>(data).ok().filter(Value::is_object);
    match (&checked, &value) {
        (Ok(()), Some(value)) => {
            assert_eq!(members(value), colons(data));
            assert!(depth(value) <= 32);
            let again = serde_json::to_vec(value).unwrap_or_default();
            assert_eq!(check_object(&again), Ok(()));
        }
        (Ok(()), None) => panic!("what passed is no object"),
        (Err(Fault::DuplicateMember), Some(value)) => assert!(members(value) < colons(data)),
        (Err(Fault::TooComplex), Some(value)) => assert!(depth(value) > 32 || widest(value) > 256),
        (Err(Fault::Malformed), Some(_)) => panic!("an object was refused"),
        (Err(_), None) => {}
    }
    assert_eq!(read_object::<Value>(data).ok(), value.filter(|_| checked.is_ok()));
    Outcome::accepted(checked.is_ok())
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Object(members) => Box::new(members.values()),
        Value::Array(items) => Box::new(items.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

fn members(value: &Value) -> usize {
    let own = value.as_object().map_or(0, serde_json::Map::len);
    own + children(value).map(members).sum::<usize>()
}

fn widest(value: &Value) -> usize {
    let own = value.as_object().map_or(0, serde_json::Map::len);
    children(value).map(widest).fold(own, usize::max)
}

fn depth(value: &Value) -> usize {
    let below = children(value).map(depth).max().unwrap_or(0);
    if value.is_object() || value.is_array() { below + 1 } else { 0 }
}

/// The colons outside strings: one for each member that is written.
fn colons(json: &[u8]) -> usize {
    let (mut count, mut inside, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b':' if !inside => count += 1,
            _ => {}
        }
    }
    count
}
