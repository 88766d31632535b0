use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Effects, LoginCounter, LoginUser, Result};
use crate::crypto::Redacted;
use crate::scope::{SessionId, UserId};

/// A password that a user has chosen, to be written.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// Whose it is.
    pub user: UserId,
    /// The one it takes the place of, as a PHC string; `None` for a user who has none yet.
    pub replaces: Option<Redacted<String>>,
    /// The password, as a PHC string.
    pub password: Redacted<String>,
    /// The session that goes on, in which it was chosen, and which must still be alive, and the
    /// user's.
    pub keep: Option<SessionId>,
    /// The user's [`LoginUser::device_epoch`] when it was begun, if it must still be that: that of a
    /// login that is not through before.
    pub epoch: Option<i64>,
    /// What the proof of the old one was counted under.
    pub counter: LoginCounter,
    /// When it was chosen.
    pub chosen_at: OffsetDateTime,
}

/// How a change of a password ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChange {
    /// The new password is set.
    Done {
        /// The user's [`LoginUser::device_epoch`] from now on.
        device_epoch: i64,
    },
    /// The password is another than the one to be replaced, the epoch has moved, or there is no such
    /// user or session: nothing changed.
    Refused,
}

/// Transitions of passwords that their users choose while they have an account. What is given as
/// `along` is written if the transition did what it is named for, and with it.
#[async_trait]
pub trait PasswordStore: std::fmt::Debug + Send + Sync + 'static {
    /// What a login of this user would know. Nothing is counted.
    async fn load_login_user(&self, user: &UserId) -> Result<Option<LoginUser>>;

    /// Puts a password in the place of the present one, if that is still the one to be replaced. In
    /// the same transition every link of the user and every session but the one to keep end (with
    /// events), the attempts under the counter are forgotten, no browser is known to be the user's
    /// any more, and nobody has to choose another. Of two callers who replace the same password
    /// exactly one is told [`PasswordChange::Done`].
    async fn change_password(
        &self,
        change: &NewPassword,
        along: &Effects,
    ) -> Result<PasswordChange>;

    /// From now on a login leads to choosing another password first, until one is chosen. In the
    /// same transition every session of the user ends (with events), and no browser is known to be
    /// the user's any more, so that no login that was begun before stands. `false` if there is no
    /// such user.
    async fn require_password_change(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;
}
