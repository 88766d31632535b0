//! The host's own data of sessions, as `tower_sessions` keeps it. Data is reached only through a
//! session that is alive, so its own expiry matters to the sweeper alone.

use std::collections::HashMap;

use sqlx::types::Json;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::convert::time;

pub(super) const CREATE: &str = "INSERT INTO donjon_session_data (id, data, expires_at) \
     VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
pub(super) const SAVE: &str = "INSERT INTO donjon_session_data (id, data, expires_at) \
     VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE \
     SET data = excluded.data, expires_at = excluded.expires_at";
pub(super) const LOAD: &str = "SELECT data, expires_at FROM donjon_session_data WHERE id = $1";
pub(super) const DELETE: &str = "DELETE FROM donjon_session_data WHERE id = $1";
pub(super) const SWEEP: &str = "DELETE FROM donjon_session_data WHERE id IN \
     (SELECT id FROM donjon_session_data WHERE expires_at <= $1 LIMIT $2)";

type Data = HashMap<String, serde_json::Value>;

pub(super) fn key(id: &Id) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

pub(super) fn record(id: &Id, row: Option<(Json<Data>, i64)>) -> Result<Option<Record>> {
    let Some((Json(data), expires_at)) = row else { return Ok(None) };
    let expiry_date = time(expires_at).map_err(backend)?;
    Ok(Some(Record { id: *id, data, expiry_date }))
}

pub(super) fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}
