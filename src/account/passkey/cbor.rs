//! CBOR (RFC 8949) as authenticators write it: one whole item, no name twice in a map.

use ciborium::Value;

use super::PasskeyFault;

/// How deep items may be nested: an attestation statement holds lists of bytes, and nothing deeper.
const DEPTH: usize = 8;

/// A map.
pub(super) struct Map(Vec<(Value, Value)>);

impl Map {
    /// Reads the map that `input` begins with, and moves `input` behind it.
    pub(super) fn read(input: &mut &[u8]) -> Result<Self, PasskeyFault> {
        let item = ciborium::de::from_reader_with_recursion_limit(&mut *input, DEPTH);
        match item {
            Ok(Value::Map(members)) => Self::of(members),
            _ => Err(PasskeyFault::Cbor),
        }
    }

    /// Reads a map that is all of `input`.
    pub(super) fn read_whole(mut input: &[u8]) -> Result<Self, PasskeyFault> {
        let map = Self::read(&mut input)?;
        if input.is_empty() { Ok(map) } else { Err(PasskeyFault::Cbor) }
    }

    fn of(members: Vec<(Value, Value)>) -> Result<Self, PasskeyFault> {
        let mut rest = members.as_slice();
        while let Some(((name, _), others)) = rest.split_first() {
            if others.iter().any(|(other, _)| other == name) {
                return Err(PasskeyFault::Cbor);
            }
            rest = others;
        }
        Ok(Self(members))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The number under this number.
    pub(super) fn integer(&self, name: i64) -> Option<i64> {
        self.get(&Value::from(name))?.as_integer()?.try_into().ok()
    }

    /// The bytes under this number.
    pub(super) fn bytes(&self, name: i64) -> Option<&[u8]> {
        self.get(&Value::from(name))?.as_bytes().map(Vec::as_slice)
    }

    /// What stands under this text.
    pub(super) fn named(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
    }

    fn get(&self, name: &Value) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}
