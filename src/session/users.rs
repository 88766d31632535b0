//! The users of a host that has a table of its own: asked when something may have changed.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use time::OffsetDateTime;

use super::SessionError;
use super::config::Config;
use crate::scope::{Account, SessionEnd, UserId, UserSource};
use crate::store::{StoredSession, UserEpoch};

/// The host's own users, if it has said where they are.
#[derive(Clone, Default)]
pub(super) struct Users(Option<Arc<dyn UserSource>>);

impl Users {
    pub(super) fn of(source: Arc<dyn UserSource>) -> Self {
        Self(Some(source))
    }
}

impl Config {
    /// What the scope shall show of somebody who logs in, and as of which epoch. The epoch is read
    /// before the source is asked: a change that comes in between moves on from it.
    pub(super) async fn admit(
        &self,
        account: Account,
    ) -> Result<(Account, Option<UserEpoch>), SessionError> {
        let Users(Some(source)) = &self.users else { return Ok((account, None)) };
        let Some(epoch) = self.store.user_epoch(account.id()).await? else {
            return Ok((account, None));
        };
        let account = ask(source.as_ref(), account.id()).await?;
        Ok((account.ok_or(SessionError::UserGone)?, Some(epoch)))
    }

    /// The session with its account brought up to date, if the user changed since it was asked for.
    /// `None` if the user is gone; then the session is, too.
    pub(super) async fn refresh(
        &self,
        mut stored: StoredSession,
        now: OffsetDateTime,
    ) -> Result<Option<StoredSession>, SessionError> {
        let (Users(Some(source)), Some(epoch)) = (&self.users, stored.outdated_since()) else {
            return Ok(Some(stored));
        };
        let Some(login) = &mut stored.login else { return Ok(Some(stored)) };
        let Some(account) = ask(source.as_ref(), login.account.id()).await? else {
            let (user, end) = (login.account.id(), SessionEnd::Revoked);
            self.store.end_session(user, stored.id, end, now).await?;
            return Ok(None);
        };
        if let Err(error) = self.store.refresh_account(stored.id, &account, epoch).await {
            // The request goes on with what it knows; the next one asks again.
            tracing::warn!(%error, "what the host said of a user was not written");
        }
        (login.account, login.as_of) = (account, Some(epoch));
        Ok(Some(stored))
    }
}

/// Awaits the host's answer; its panics are errors, and so is an answer about somebody else.
async fn ask(source: &dyn UserSource, id: &UserId) -> Result<Option<Account>, SessionError> {
    let answer = AssertUnwindSafe(async { source.load_user(id).await }).catch_unwind().await;
    let account = answer
        .unwrap_or_else(|_| Err("the user source panicked".into()))
        .map_err(SessionError::UserSource)?;
    if account.as_ref().is_some_and(|account| account.id() != id) {
        let fault = "the user source answered with the account of somebody else";
        return Err(SessionError::UserSource(fault.into()));
    }
    Ok(account)
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Users(of the host)" } else { "Users(none)" })
    }
}
