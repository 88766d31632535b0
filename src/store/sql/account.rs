//! How both backends read a user.

use sqlx::types::Json;

use crate::crypto::Redacted;
use crate::scope::{Account, Attributes, UserId};
use crate::store::{LoginUser, Result, StoreError};

/// `id, email, email_verified, attributes` of a user.
pub(super) type AccountRow = (String, Option<String>, bool, Json<Attributes>);

/// An [`AccountRow`] and `password`.
pub(super) type UserRow = (String, Option<String>, bool, Json<Attributes>, Option<String>);

pub(super) fn account((id, email, verified, attributes): AccountRow) -> Result<Account> {
    let account = Account::new(user_id(id)?).with_attributes(attributes.0);
    Ok(match email {
        Some(email) => account.with_email(email, verified),
        None => account,
    })
}

pub(super) fn login_user(
    (id, email, verified, attributes, password): UserRow,
) -> Result<LoginUser> {
    let account = account((id, email, verified, attributes))?;
    Ok(LoginUser { account, password: password.map(Redacted) })
}

pub(super) fn user_id(id: String) -> Result<UserId> {
    UserId::new(id).map_err(|_| StoreError::Corrupt("a user id"))
}
