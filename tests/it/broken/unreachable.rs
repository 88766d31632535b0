use async_trait::async_trait;
use donjon::crypto::TokenHash;
use donjon::scope::{Account, SessionEnd, SessionEvent, SessionId, UserId};
use donjon::store::{
    DataChange, Effects, NewSession, OthersEnd, Refresh, Result, Rotation, SessionData,
    SessionStore, StoredSession, UserEpoch,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// A store that cannot be reached.
#[derive(Debug)]
pub struct Unreachable;

pub fn unreachable<T>() -> Result<T> {
    Err(donjon::store::StoreError::Unavailable("the network is down".into()))
}

#[async_trait]
impl SessionStore for Unreachable {
    async fn create_session(&self, _: &NewSession) -> Result<()> {
        unreachable()
    }

    async fn load_session(
        &self,
        _: &TokenHash,
        _: OffsetDateTime,
    ) -> Result<Option<StoredSession>> {
        unreachable()
    }

    async fn rotate_session(
        &self,
        _: &TokenHash,
        _: &NewSession,
        _: SessionEnd,
        _: OffsetDateTime,
    ) -> Result<Rotation> {
        unreachable()
    }

    async fn user_epoch(&self, _: &UserId) -> Result<Option<UserEpoch>> {
        unreachable()
    }

    async fn user_changed(&self, _: &UserId) -> Result<UserEpoch> {
        unreachable()
    }

    async fn refresh_account(&self, _: SessionId, _: &Account, _: UserEpoch) -> Result<Refresh> {
        unreachable()
    }

    async fn touch_session(
        &self,
        _: SessionId,
        _: OffsetDateTime,
        _: Option<OffsetDateTime>,
    ) -> Result<()> {
        unreachable()
    }

    async fn end_session_along(
        &self,
        _: &UserId,
        _: SessionId,
        _: SessionEnd,
        _: &Effects,
        _: OffsetDateTime,
    ) -> Result<bool> {
        unreachable()
    }

    async fn discard_session(&self, _: &TokenHash) -> Result<()> {
        unreachable()
    }

    async fn end_sessions_along(
        &self,
        _: &UserId,
        _: Option<SessionId>,
        _: SessionEnd,
        _: &Effects,
        _: OffsetDateTime,
    ) -> Result<u64> {
        unreachable()
    }

    async fn end_other_sessions(
        &self,
        _: &UserId,
        _: SessionId,
        _: SessionEnd,
        _: &Effects,
        _: OffsetDateTime,
    ) -> Result<OthersEnd> {
        unreachable()
    }

    async fn sessions_of(&self, _: &UserId, _: OffsetDateTime) -> Result<Vec<StoredSession>> {
        unreachable()
    }

    async fn sweep_sessions(&self, _: OffsetDateTime, _: u32) -> Result<u64> {
        unreachable()
    }

    async fn load_session_data(&self, _: Uuid) -> Result<Option<SessionData>> {
        unreachable()
    }

    async fn change_session_data(&self, _: Uuid, _: &DataChange) -> Result<()> {
        unreachable()
    }

    async fn session_events(&self, _: i64, _: u32) -> Result<Vec<SessionEvent>> {
        unreachable()
    }

    async fn sweep_session_events(&self, _: OffsetDateTime, _: u32) -> Result<u64> {
        unreachable()
    }
}
