//! How both backends read passkeys.

use sqlx::types::Json;
use uuid::Uuid;

use super::account::user_id;
use super::convert::time;
use crate::store::{CredentialId, Passkey, Result, StoreError};

/// The columns of a [`PasskeyRow`].
macro_rules! columns {
    () => {
        "p.id, p.user_id, p.credential, p.public_key, p.sign_count, p.aaguid, p.name, \
         p.transports, p.backup_eligible, p.backed_up, p.user_verified, \
         p.rp_id, p.created_at, p.last_used_at, p.suspended_at"
    };
}
pub(super) use columns;

/// A row of passkeys.
pub(super) type PasskeyRow = (
    Uuid,
    String,
    Vec<u8>,
    Vec<u8>,
    i64,
    Uuid,
    String,
    Json<Vec<String>>,
    bool,
    bool,
    bool,
    String,
    i64,
    Option<i64>,
    Option<i64>,
);

pub(super) fn passkey(row: PasskeyRow) -> Result<Passkey> {
    let (id, user, credential, public_key, sign_count, aaguid, name, Json(transports), ..) = row;
    let (
        ..,
        backup_eligible,
        backed_up,
        user_verified,
        rp_id,
        created_at,
        last_used_at,
        suspended_at,
    ) = row;
    Ok(Passkey {
        id,
        user: user_id(user)?,
        credential: CredentialId::from_bytes(credential)
            .ok_or(StoreError::Corrupt("a credential id"))?,
        public_key,
        sign_count: u32::try_from(sign_count).map_err(|_| StoreError::Corrupt("a sign count"))?,
        aaguid,
        name,
        transports,
        backup_eligible,
        backed_up,
        user_verified,
        rp_id,
        created_at: time(created_at)?,
        last_used_at: last_used_at.map(time).transpose()?,
        suspended_at: suspended_at.map(time).transpose()?,
    })
}
