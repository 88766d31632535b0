//! A session that is set aside while its browser holds another, and taken up again.

use time::OffsetDateTime;

use super::handle::{Live, State};
use super::request::{cookie_of, scope_of};
use super::{Session, SessionError};
use crate::crypto::OpaqueToken;
use crate::scope::{CurrentScope, SessionEnd, UserId};
use crate::store::{Result, StoredSession};

impl Session {
    /// Leaves the session of this request alive, with its data, and goes on as a visitor. Answers
    /// the token by which it is [taken up](Session::take_up) again.
    pub(crate) async fn set_aside(&self) -> Option<OpaqueToken> {
        let live = self.live()?;
        let cookie = Some(self.0.config.cookie.clear());
        *self.state() = State { live: None, scope: CurrentScope::anonymous(), cookie };
        self.0.data.clear().await;
        self.0.host.leave_behind();
        Some(live.token)
    }

    /// Goes on with a session of `user` that was set aside, under a new token, if it is alive and
    /// the user's own.
    pub(crate) async fn take_up(
        &self,
        token: OpaqueToken,
        user: &UserId,
    ) -> std::result::Result<bool, SessionError> {
        let now = self.now();
        let config = &self.0.config;
        let stored = match config.store.load_session(&token.hash(), now).await? {
            Some(stored) => config.refresh(stored, now).await?,
            None => None,
        };
        let own = |stored: &StoredSession| {
            stored
                .login
                .as_ref()
                .is_some_and(|login| login.account.id() == user && login.impersonator.is_none())
        };
        let Some(stored) = stored.filter(own) else { return Ok(false) };
        let live = Live { token, stored };
        let (data_id, expires_at) = (live.stored.data_id, live.stored.expires_at);
        let (scope, cookie) = (scope_of(&live.stored), Some(cookie_of(config, &live)));
        *self.state() = State { live: Some(live), scope, cookie };
        self.0.host.go_on(data_id, expires_at);
        self.rotate().await?;
        Ok(true)
    }

    /// Ends a session of `user` that was set aside, and that nobody will take up.
    pub(crate) async fn end_aside(&self, token: &OpaqueToken, user: &UserId) -> Result<()> {
        let (store, now) = (&self.0.config.store, self.now());
        let Some(stored) = store.load_session(&token.hash(), now).await? else { return Ok(()) };
        store.end_session(user, stored.id, SessionEnd::LoggedOut, now).await?;
        Ok(())
    }

    /// From when on the session is over in any case; `None` if there is none.
    pub(crate) fn expires_at(&self) -> Option<OffsetDateTime> {
        self.live().map(|live| live.stored.expires_at)
    }

    /// The live sessions of any user, for administrators.
    pub(crate) async fn sessions_of(&self, user: &UserId) -> Result<Vec<StoredSession>> {
        self.0.config.store.sessions_of(user, self.now()).await
    }
}
