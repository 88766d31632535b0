use std::collections::HashMap;
use std::net::IpAddr;

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::crypto::TokenHash;
use crate::scope::{Account, Authentication, SessionEnd, SessionEvent, SessionId, UserId};

/// What was seen of the browser or program that holds a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its address, by the trusted-proxy rule.
    pub address: Option<IpAddr>,
    /// Its `User-Agent`, cut to 512 bytes.
    pub user_agent: Option<String>,
}

/// The login a session carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// The user, as known when the session was written; if the account is one of ours, what is
    /// loaded is always its present state.
    pub account: Account,
    /// How and when the user logged in.
    pub authentication: Authentication,
}

/// A session to be written. Without a login it only carries the host's data of a visitor.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSession {
    /// The hash of its secret token.
    pub token: TokenHash,
    /// Its public id.
    pub id: SessionId,
    /// Who is logged in.
    pub login: Option<Login>,
    /// The key of the host's own data, which stays while the token changes.
    pub data_id: Uuid,
    /// Who holds it.
    pub device: Device,
    /// Whether it outlives the browser.
    pub remembered: bool,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub last_active_at: OffsetDateTime,
    /// From when on it is over if nobody uses it; `None` if that does not end it.
    pub idle_expires_at: Option<OffsetDateTime>,
    /// From when on it is over in any case.
    pub expires_at: OffsetDateTime,
}

/// A session that is alive.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSession {
    /// Its public id.
    pub id: SessionId,
    /// Who is logged in.
    pub login: Option<Login>,
    /// The key of the host's own data.
    pub data_id: Uuid,
    /// Who holds it.
    pub device: Device,
    /// Whether it outlives the browser.
    pub remembered: bool,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was last seen to be used.
    pub last_active_at: OffsetDateTime,
    /// From when on it is over if nobody uses it.
    pub idle_expires_at: Option<OffsetDateTime>,
    /// From when on it is over in any case.
    pub expires_at: OffsetDateTime,
}

/// The host's own data of a session, as `tower_sessions` keeps it.
pub type SessionData = HashMap<String, Value>;

/// What one request changed of the host's data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataChange {
    /// Whether what is stored goes first: the request never looked at it.
    pub replaces: bool,
    /// Keys that go.
    pub removed: Vec<String>,
    /// Keys that get a value.
    pub set: SessionData,
}

impl DataChange {
    /// What is stored after the change, if `stored` was before.
    pub fn apply(&self, mut stored: SessionData) -> SessionData {
        if self.replaces {
            stored.clear();
        }
        for key in &self.removed {
            stored.remove(key);
        }
        stored.extend(self.set.iter().map(|(key, value)| (key.clone(), value.clone())));
        stored
    }
}

/// How a rotation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The new session is in place; the old token opens nothing.
    Rotated,
    /// There was no live session with the old token: somebody else rotated or ended it first.
    /// Nothing changed.
    Lost,
}

/// Transitions of sessions. A session is alive at `now` while `now < expires_at` and, if it has
/// one, `now < idle_expires_at`. The host's data goes with its session, however that ends.
#[async_trait]
pub trait SessionStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes a new session.
    async fn create_session(&self, session: &NewSession) -> Result<()>;

    /// The live session with this token, with the present state of its account: one read.
    async fn load_session(
        &self,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<StoredSession>>;

    /// Replaces the live session with token `current` by `next`; of two callers exactly one wins.
    /// If the old one carried a login and `next` has another id, that session has ended: an event
    /// with `end` is written with it. The host's data stays if `next` has the same `data_id`.
    async fn rotate_session(
        &self,
        current: &TokenHash,
        next: &NewSession,
        end: SessionEnd,
        now: OffsetDateTime,
    ) -> Result<Rotation>;

    /// Notes that a live session is used; never revives a dead one.
    async fn touch_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        idle_expires_at: Option<OffsetDateTime>,
    ) -> Result<()>;

    /// Ends one session of a user and writes its event; `false` if there was none.
    async fn end_session(
        &self,
        user: &UserId,
        id: SessionId,
        end: SessionEnd,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// Removes a session that carries no login, by its token.
    async fn discard_session(&self, token: &TokenHash) -> Result<()>;

    /// Ends all sessions of a user, except at most one, and writes their events. An end that
    /// reaches offline access also writes one event without a session, for what sessions that are
    /// long over have left behind. Answers how many sessions ended.
    async fn end_sessions_of(
        &self,
        user: &UserId,
        except: Option<SessionId>,
        end: SessionEnd,
        now: OffsetDateTime,
    ) -> Result<u64>;

    /// The live sessions of a user, last used first; at most 100.
    async fn sessions_of(&self, user: &UserId, now: OffsetDateTime) -> Result<Vec<StoredSession>>;

    /// Removes at most `limit` sessions that are over, writing an event for each that carried a
    /// login. Answers how many were removed.
    async fn sweep_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;

    /// The host's data of the session with this key; `None` if there is none.
    async fn load_session_data(&self, data_id: Uuid) -> Result<Option<SessionData>>;

    /// Applies what one request changed of the host's data. Of two requests that change different
    /// keys neither undoes the other. A session that is gone meanwhile gets no data.
    async fn change_session_data(&self, data_id: Uuid, change: &DataChange) -> Result<()>;

    /// At most `limit` events after a place in the log, oldest first.
    async fn session_events(&self, after: i64, limit: u32) -> Result<Vec<SessionEvent>>;
}
