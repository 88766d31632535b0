use std::collections::HashMap;
use std::net::IpAddr;

use async_trait::async_trait;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Effects, Result};
use crate::crypto::TokenHash;
use crate::scope::{
    Account, Authentication, Membership, OrganizationId, SessionEnd, SessionEvent, SessionId,
    UserId,
};

/// How it ended to end all sessions of a user but one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OthersEnd {
    /// The others are over.
    Done {
        /// How many there were.
        ended: u64,
        /// The user's [`LoginUser::device_epoch`](super::LoginUser::device_epoch) from now on, which
        /// moved by one; `None` if the account is none of ours.
        device_epoch: Option<i64>,
    },
    /// The one to be kept was over itself: nothing changed.
    Gone,
}

/// What was seen of the browser or program that holds a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its address, by the trusted-proxy rule.
    pub address: Option<IpAddr>,
    /// Its `User-Agent`, cut to 512 bytes.
    pub user_agent: Option<String>,
}

/// How often the host has said that one of its users changed: a snapshot of the account that was
/// taken at an earlier epoch may be out of date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserEpoch(pub i64);

/// The login a session carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// The user, as known when the session was written; if the account is one of ours, what is
    /// loaded is always its present state.
    pub account: Account,
    /// The epoch at which the host was asked for the account; `None` if it was not.
    pub as_of: Option<UserEpoch>,
    /// How and when the user logged in.
    pub authentication: Authentication,
    /// The organization the user chose to act in. Whether they may is another question:
    /// [`StoredSession::membership`].
    pub organization: Option<OrganizationId>,
    /// The administrator who acts as the user.
    pub impersonator: Option<UserId>,
}

impl Login {
    /// A login of the user in person.
    pub fn new(account: Account, authentication: Authentication) -> Self {
        Self { account, as_of: None, authentication, organization: None, impersonator: None }
    }
}

/// A session to be written. Without a login it only carries the host's data of a visitor.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// What is written with it, if it is written.
    pub along: Effects,
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
    /// How many other live sessions its user may have beside it. Of more, those that were used longest
    /// ago end as it is written ([`SessionEnd::Displaced`]). `None` ends none.
    pub beside: Option<u32>,
}

/// A session that is alive.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSession {
    /// Its public id.
    pub id: SessionId,
    /// Who is logged in.
    pub login: Option<Login>,
    /// The present epoch of who is logged in; `None` if the account is one of ours.
    pub user_epoch: Option<UserEpoch>,
    /// The present membership in the organization the user acts in; `None` if there is none.
    pub membership: Option<Membership>,
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

impl StoredSession {
    /// The organization that the session acts in, if its user is no member of it.
    pub fn stale_organization(&self) -> Option<OrganizationId> {
        let organization = self.login.as_ref()?.organization?;
        self.membership.is_none().then_some(organization)
    }

    /// The present epoch of who is logged in, if the account was not asked for since it began.
    pub fn outdated_since(&self) -> Option<UserEpoch> {
        let login = self.login.as_ref()?;
        self.user_epoch.filter(|present| login.as_of < Some(*present))
    }
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

/// How it ended to write down what the host said of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It is in place.
    Written,
    /// The session is gone, or holds what the host said at this epoch or a later one. Nothing
    /// changed.
    Late,
}

/// How long the log of session ends keeps an event at least: far longer than anybody who was let in
/// before the end takes to get a code, and to redeem it.
pub const SESSION_EVENTS_KEPT: Duration = Duration::WEEK;

/// How many live sessions a user has at most, unless the host says.
pub const SESSIONS_PER_USER: u32 = 100;

/// Transitions of sessions. A session is alive at `now` while `now < expires_at` and, if it has
/// one, `now < idle_expires_at`. The host's data goes with its session, however that ends.
#[async_trait]
pub trait SessionStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes a new session. One that acts in no organization, of a user who is a member of a single
    /// one, acts in that; so it is with a rotation.
    ///
    /// Of the user's other sessions only so many stay ([`NewSession::beside`]), with a rotation too: of
    /// any number of callers each leaves no more, whoever is last. An event is written for each that
    /// ends.
    async fn create_session(&self, session: &NewSession) -> Result<()>;

    /// The live session with this token, with the present state of its account, or else the present
    /// epoch of its user: one read.
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

    /// The present epoch of a user; `None` if the account is one of ours. One read.
    async fn user_epoch(&self, user: &UserId) -> Result<Option<UserEpoch>>;

    /// The host's user changed: the epoch moves on by one. Answers the new one.
    async fn user_changed(&self, user: &UserId) -> Result<UserEpoch>;

    /// Writes into a session what the host said of its user when it was asked at `epoch`, unless
    /// what is there is as new. Of two callers the one with the later epoch prevails, whoever comes
    /// first; and nothing is written into another user's session.
    async fn refresh_account(
        &self,
        id: SessionId,
        account: &Account,
        epoch: UserEpoch,
    ) -> Result<Refresh>;

    /// Lets the user of the session with token `current` act in an organization, and gives the
    /// session the token `next`, if the user is a member of it at that very moment; `None`, and
    /// nothing changed, if not, or if the session is over. A store without organizations has none.
    async fn act_in(
        &self,
        _current: &TokenHash,
        _next: &TokenHash,
        _organization: OrganizationId,
        _along: &Effects,
        _now: OffsetDateTime,
    ) -> Result<Option<Membership>> {
        Ok(None)
    }

    /// A session acts in an organization that is gone, or that its user is no member of any more:
    /// lets it act in the only one that the user has, or else in none. Nothing changes if it acts in
    /// another one meanwhile. Answers as what the user acts now.
    async fn reselect_organization(
        &self,
        _id: SessionId,
        _stale: OrganizationId,
        _along: &Effects,
    ) -> Result<Option<Membership>> {
        Ok(None)
    }

    /// Notes that a live session is used; never revives a dead one.
    async fn touch_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        idle_expires_at: Option<OffsetDateTime>,
    ) -> Result<()>;

    /// Ends one session of a user and writes its event, and `along`; `false` if there was none.
    async fn end_session_along(
        &self,
        user: &UserId,
        id: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// The same, with nothing written along.
    async fn end_session(
        &self,
        user: &UserId,
        id: SessionId,
        end: SessionEnd,
        now: OffsetDateTime,
    ) -> Result<bool> {
        self.end_session_along(user, id, end, &Effects::none(), now).await
    }

    /// Removes a session that carries no login, by its token.
    async fn discard_session(&self, token: &TokenHash) -> Result<()>;

    /// Ends all sessions of a user, except at most one, and writes their events, and `along`, even
    /// if there was none. An end that reaches offline access also writes one event without a session,
    /// for what sessions that are long over have left behind, and revokes the user's API tokens, if
    /// the store has any.
    ///
    /// If none is to be kept, whatever else would let the user in ends with them: links that log in,
    /// reset the password or change the address, and the epoch
    /// ([`LoginUser::device_epoch`](super::LoginUser::device_epoch)), so that no browser is known or
    /// trusted any more and no login that was begun goes on. A session of an app that is opened at
    /// the same time ends, or is not opened. Answers how many sessions ended.
    async fn end_sessions_along(
        &self,
        user: &UserId,
        except: Option<SessionId>,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64>;

    /// The same, with nothing written along.
    async fn end_sessions_of(
        &self,
        user: &UserId,
        except: Option<SessionId>,
        end: SessionEnd,
        now: OffsetDateTime,
    ) -> Result<u64> {
        self.end_sessions_along(user, except, end, &Effects::none(), now).await
    }

    /// Ends all sessions of a user but this one, if that is alive and the user's; notes and writes what
    /// [`SessionStore::end_sessions_along`] does. Whatever else would let the user in ends with them,
    /// as if none were kept: what the browser at hand is to stay, known or trusted, it must be told
    /// again, for the epoch in the answer. Of any number of sessions that end each other exactly one is
    /// left.
    async fn end_other_sessions(
        &self,
        user: &UserId,
        kept: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OthersEnd>;

    /// All live sessions of a user, last used first.
    async fn sessions_of(&self, user: &UserId, now: OffsetDateTime) -> Result<Vec<StoredSession>>;

    /// Removes at most `limit` sessions that are over, writing an event for each that carried a
    /// login. Answers how many were removed.
    async fn sweep_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;

    /// The host's data of the session with this key; `None` if there is none.
    async fn load_session_data(&self, data_id: Uuid) -> Result<Option<SessionData>>;

    /// Applies what one request changed of the host's data. Of two requests that change different
    /// keys neither undoes the other. A session that is gone meanwhile gets no data.
    async fn change_session_data(&self, data_id: Uuid, change: &DataChange) -> Result<()>;

    /// At most `limit` events after a place in the log, oldest first. An event is there for
    /// [`SESSION_EVENTS_KEPT`] at least.
    async fn session_events(&self, after: i64, limit: u32) -> Result<Vec<SessionEvent>>;

    /// Looks at the `limit` oldest events of the log, and removes those that happened
    /// [`SESSION_EVENTS_KEPT`] ago or earlier and that every issuer has applied. Answers how many
    /// were removed.
    ///
    /// An issuer that has not applied them by then was switched off, perhaps for ever. It holds
    /// nobody up, and misses nothing if it comes back: they are applied
    /// ([`apply_session_events`](super::ProviderStore::apply_session_events)) on its behalf before
    /// they go.
    async fn sweep_session_events(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
