//! How both backends read a user.

use sqlx::types::Json;

use super::convert::time;
use crate::crypto::Redacted;
use crate::scope::{Account, Attributes, UserId};
use crate::store::{DeviceId, KnownDevice, LoginCounter, LoginUser, Proofs, Result, StoreError};

/// `id, email, email_verified, attributes` of a user.
pub(super) type AccountRow = (String, Option<String>, bool, Json<Attributes>);

/// Whether the user of row `u` has a second factor: a passkey or an authenticator app.
macro_rules! has_second_factor {
    () => {
        "(u.passkeys > 0 OR EXISTS (SELECT 1 FROM donjon_totp t \
             WHERE t.user_id = u.id AND t.secret IS NOT NULL))"
    };
}
pub(super) use has_second_factor;

/// What a [`UserRow`] is read from: the columns of user `u`.
macro_rules! login_user_columns {
    () => {
        concat!(
            "u.id, u.email, u.email_verified, u.attributes, u.password, u.device_epoch, ",
            $crate::store::sql::account::has_second_factor!(),
            " AS factor, u.password_set_at, u.must_change_password"
        )
    };
}
pub(super) use login_user_columns;

/// Binds the `id, email, email_verified, attributes, password, created_at` of a new user.
macro_rules! bind_user {
    ($query:expr, $user:expr) => {
        $query
            .bind($user.account.id().as_str())
            .bind($user.account.email())
            .bind($user.account.email_verified())
            .bind(sqlx::types::Json($user.account.attributes()))
            .bind($user.password.as_ref().map(|hash| &hash.0))
            .bind($crate::store::sql::convert::micros($user.created_at))
    };
}
pub(super) use bind_user;

/// An [`AccountRow`], `password`, `device_epoch`, whether there is a second factor,
/// `password_set_at`, `must_change_password`.
pub(super) type UserRow =
    (String, Option<String>, bool, Json<Attributes>, Option<String>, i64, bool, Option<i64>, bool);

pub(super) const FIND_PROOFS: &str = "SELECT password IS NOT NULL, \
     EXISTS (SELECT 1 FROM donjon_totp t WHERE t.user_id = u.id AND t.secret IS NOT NULL), \
     passkeys > 0 \
     FROM donjon_users u WHERE id = $1";

pub(super) fn proofs(row: Option<(bool, bool, bool)>) -> Proofs {
    let proofs = |(password, app, passkey)| Proofs { password, app, passkey };
    row.map_or_else(Proofs::default, proofs)
}

pub(super) fn account((id, email, verified, attributes): AccountRow) -> Result<Account> {
    let account = Account::new(user_id(id)?).with_attributes(attributes.0);
    Ok(match email {
        Some(email) => account.with_email(email, verified),
        None => account,
    })
}

pub(super) fn login_user(row: UserRow) -> Result<LoginUser> {
    let (id, email, verified, attributes, password, device_epoch, has_second_factor, set, must) =
        row;
    Ok(LoginUser {
        account: account((id, email, verified, attributes))?,
        password: password.map(Redacted),
        device_epoch,
        has_second_factor,
        password_set_at: set.map(time).transpose()?,
        must_change_password: must,
    })
}

/// Where the attempts for an address are counted.
pub(super) fn address_key(email: &str) -> String {
    format!("address:{email}")
}

/// Where the attempts from a browser that a user is known by are counted.
pub(super) fn device_key(user: &UserId, id: DeviceId) -> String {
    format!("device:{user}:{}", id.0)
}

/// Where the attempts under a counter are.
#[cfg(feature = "sqlite")]
pub(super) fn counter_key(counter: LoginCounter, email: &str, user: &UserId) -> String {
    match counter {
        LoginCounter::Address => address_key(email),
        LoginCounter::Device(id) => device_key(user, id),
    }
}

/// The browser of a counter, as its key names it.
pub(super) fn device_of(counter: LoginCounter) -> Option<String> {
    match counter {
        LoginCounter::Address => None,
        LoginCounter::Device(id) => Some(id.0.to_string()),
    }
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
