//! How both backends write and read second factors.

use sqlx::types::Json;

use super::account::{AccountRow, account};
use super::convert::time;
use crate::crypto::{KeyedHash, Sealed};
use crate::scope::{Attributes, UserId};
use crate::store::{FactorUser, Result, SecondFactor, StoreError};

/// Backup codes as they are stored.
pub(super) type Codes = Json<Vec<String>>;

/// `id, email, email_verified, attributes, device_epoch, secret, last_step, backup_codes`: all
/// null if there are no codes; the secret, if there is no app.
pub(super) type FactorRow = (
    Option<String>,
    Option<String>,
    Option<bool>,
    Option<Json<Attributes>>,
    Option<i64>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<Codes>,
);

pub(super) const FIND_SECOND_FACTOR: &str = "SELECT secret IS NOT NULL, created_at, backup_codes \
     FROM donjon_totp WHERE user_id = $1";

/// Whether user `$user` has a passkey that is good for anything.
macro_rules! has_passkey {
    ($user:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM donjon_passkeys f \
                 WHERE f.suspended_at IS NULL AND f.user_id = ",
            $user,
            ")"
        )
    };
}
pub(super) use has_passkey;

/// Where the attempts with codes of a user are counted.
pub(super) fn factor_key(user: &UserId) -> String {
    format!("factor:{user}")
}

pub(super) fn code(hash: &KeyedHash) -> String {
    hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn codes(hashes: &[KeyedHash]) -> Codes {
    Json(hashes.iter().map(code).collect())
}

fn hash(text: &str) -> Result<KeyedHash> {
    const CORRUPT: StoreError = StoreError::Corrupt("a backup code");
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(CORRUPT);
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        let pair = text.get(2 * index..2 * index + 2).unwrap_or_default();
        *byte = u8::from_str_radix(pair, 16).map_err(|_| CORRUPT)?;
    }
    Ok(KeyedHash::from_bytes(bytes))
}

pub(super) fn factor_user(row: FactorRow) -> Result<Option<FactorUser>> {
    let (
        Some(id),
        email,
        Some(verified),
        Some(attributes),
        Some(device_epoch),
        secret,
        Some(last_step),
        Some(Json(codes)),
    ) = row
    else {
        return Ok(None);
    };
    let row: AccountRow = (id, email, verified, attributes);
    Ok(Some(FactorUser {
        account: account(row)?,
        device_epoch,
        secret: secret.map(Sealed::from_bytes),
        last_step,
        backup_codes: codes.iter().map(|text| hash(text)).collect::<Result<_>>()?,
    }))
}

pub(super) fn second_factor(
    (has_app, created_at, Json(codes)): (bool, i64, Codes),
) -> Result<SecondFactor> {
    let app_since = has_app.then(|| time(created_at)).transpose()?;
    Ok(SecondFactor { app_since, backup_codes_left: codes.len() })
}
