//! How both backends read a user.

use sqlx::types::Json;

use crate::crypto::Redacted;
use crate::scope::{Account, Attributes, UserId};
use crate::store::{DeviceId, KnownDevice, LoginCounter, LoginUser, Result, StoreError};

/// `id, email, email_verified, attributes` of a user.
pub(super) type AccountRow = (String, Option<String>, bool, Json<Attributes>);

/// An [`AccountRow`], `password`, `device_epoch`, and whether there is a second factor.
pub(super) type UserRow =
    (String, Option<String>, bool, Json<Attributes>, Option<String>, i64, bool);

pub(super) fn account((id, email, verified, attributes): AccountRow) -> Result<Account> {
    let account = Account::new(user_id(id)?).with_attributes(attributes.0);
    Ok(match email {
        Some(email) => account.with_email(email, verified),
        None => account,
    })
}

pub(super) fn login_user(
    (id, email, verified, attributes, password, device_epoch, has_second_factor): UserRow,
) -> Result<LoginUser> {
    let account = account((id, email, verified, attributes))?;
    Ok(LoginUser { account, password: password.map(Redacted), device_epoch, has_second_factor })
}

/// Where the attempts for an address are counted.
pub(super) fn address_key(email: &str) -> String {
    format!("address:{email}")
}

/// Where the attempts from a browser that a user is known by are counted.
pub(super) fn device_key(user: &UserId, id: DeviceId) -> String {
    format!("device:{user}:{}", id.0)
}

/// What an attempt was counted under.
pub(super) fn counter(device: Option<&KnownDevice>, known: bool) -> LoginCounter {
    match device {
        Some(device) if known => LoginCounter::Device(device.id),
        _ => LoginCounter::Address,
    }
}

pub(super) fn user_id(id: String) -> Result<UserId> {
    UserId::new(id).map_err(|_| StoreError::Corrupt("a user id"))
}
