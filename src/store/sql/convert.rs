//! What Rust values are in SQL.

use time::OffsetDateTime;

use crate::crypto::TokenHash;
use crate::store::{Result, StoreError};

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// Microseconds since 1970 in UTC: how times are stored.
pub(super) fn micros(time: OffsetDateTime) -> i64 {
    // Years beyond 294 000 saturate.
    i64::try_from(time.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// The time stored as `micros`.
pub(super) fn time(micros: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .map_err(|_| StoreError::Corrupt("a time out of range"))
}

/// The hash stored as `bytes`.
pub(super) fn hash(bytes: &[u8]) -> Result<TokenHash> {
    let bytes =
        bytes.try_into().map_err(|_| StoreError::Corrupt("a hash of other than 32 bytes"))?;
    Ok(TokenHash::from_bytes(bytes))
}
