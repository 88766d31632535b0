//! The host's data of a session, as JSONB takes it and can merge it: JSONB has no U+0000, so each key
//! and each value is a JSON text of its own, in a string.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Result, SessionData, StoreError};

/// JSON texts by JSON texts.
pub(super) type DataTexts = BTreeMap<String, String>;

pub(super) fn data_texts(data: &SessionData) -> DataTexts {
    data.iter().map(|(key, value)| (json_text(key), json_text(value))).collect()
}

pub(super) fn read_data(texts: DataTexts) -> Result<SessionData> {
    texts.into_iter().map(|(key, value)| Ok((read(&key)?, read(&value)?))).collect()
}

/// Neither a string nor a value fails to be one.
pub(super) fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("the data of a session"))
}
