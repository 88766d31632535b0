use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Effects, Result};
use crate::scope::UserId;

/// How it ended to take a password away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRemoval {
    /// It is gone.
    Removed,
    /// There is none, or no such account: nothing changed.
    None,
    /// Nobody else is the owner who comes in although single sign-on is enforced
    /// ([`SsoStore`](super::SsoStore)), and that takes the password: nothing changed.
    LastToComeIn,
}

/// Transitions of accounts that the host brings about in the place of their users. What is given as
/// `along` is written if the transition did what it is named for, and with it.
#[async_trait]
pub trait SupportStore: std::fmt::Debug + Send + Sync + 'static {
    /// Confirms the address of an account by the word of the host, if it still is this one: the
    /// normalised one. Links to confirm it work no more. Of two callers exactly one is told `true`;
    /// `false` if it was confirmed before, is another, or there is no such account.
    async fn vouch_for_email(&self, user: &UserId, email: &str, along: &Effects) -> Result<bool>;

    /// Forgets all attempts to log in that are counted for the user: under the address, under each
    /// browser that they are known by, and those at a second factor. Of two callers exactly one is
    /// told `true`; `false` if nothing was counted, or there is no such account.
    async fn unlock(&self, user: &UserId, along: &Effects) -> Result<bool>;

    /// Takes the password of a user away. In the same transition every link of the user and every
    /// session end (with events), the attempts under the address are forgotten, and no browser is
    /// known to be the user's any more, so that no login that was begun before stands. Of two callers
    /// exactly one is told [`PasswordRemoval::Removed`].
    async fn remove_password(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<PasswordRemoval>;
}
