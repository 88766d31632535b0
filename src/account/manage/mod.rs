//! What may be done to an account by somebody else: by the host's own code, and by administrators on
//! their pages, which call the same.

mod access;
mod by;
mod deletion;
mod disable;
mod factor;
mod list;
mod password;
mod sessions;

pub use self::access::{Confirming, Unlocking};
pub use self::by::By;
pub use self::deletion::{Deletion, Keeping};
pub use self::disable::{Disabling, Enabling};
pub use self::factor::SecondFactorRemoval;
pub use self::list::{AccountPage, AccountQuery};
pub use self::password::{ResetMail, SetPasswordError};

pub(super) use self::deletion::{keep, request_deletion};
pub(super) use self::disable::{disable, enable};
pub(super) use self::factor::remove_second_factor;
pub(super) use self::list::{begins, read};
pub(super) use self::password::{require_password_change, send_reset};
pub(super) use self::sessions::end_sessions;

use super::site::Site;
use crate::scope::UserId;
use crate::store::Result;

/// Whether there is such an account, and it is not deleted.
async fn is_there(site: &Site, id: &UserId) -> Result<bool> {
    let standing = site.store.standing(id).await?;
    Ok(standing.is_some_and(|standing| standing.deleted_at.is_none()))
}
