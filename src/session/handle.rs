use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use time::OffsetDateTime;
use uuid::Uuid;

use super::config::Config;
use super::data::{data_session, record_id};
use super::{Proof, SessionError};
use crate::crypto::{OpaqueToken, RandomExt as _};
use crate::scope::{Account, Authentication, CurrentScope, Method, SessionEnd, SessionId, UserId};
use crate::store::{Device, Login, NewSession, Rotation, StoreError, StoredSession};

/// The session of the request at hand: what logs in and out. Cheap to clone; all clones are one.
///
/// Each method that changes the session does so in the store at once; the cookie follows with the
/// response, whatever its status, since the old token is dead by then.
#[derive(Clone)]
pub struct Session(Arc<Shared>);

struct Shared {
    config: Arc<Config>,
    device: Device,
    data: tower_sessions::Session,
    state: Mutex<State>,
}

struct State {
    live: Option<Live>,
    scope: CurrentScope,
    /// The key of the host's data, which a visitor has before there is a session.
    data_id: Uuid,
    cookie: Option<HeaderValue>,
}

#[derive(Clone)]
struct Live {
    token: OpaqueToken,
    stored: StoredSession,
}

impl Session {
    /// The handle of a request that carries no live session.
    pub(super) fn anonymous(config: Arc<Config>, device: Device, stale_cookie: bool) -> Self {
        let data_id = Uuid::from_bytes(config.random.bytes());
        let expires_at = config.lifetimes.end(false, config.clock.now());
        let data = data_session(Arc::clone(&config.data), data_id, false, expires_at);
        let cookie = stale_cookie.then(|| config.cookie.clear());
        let state = State { live: None, scope: CurrentScope::anonymous(), data_id, cookie };
        Self(Arc::new(Shared { config, device, data, state: Mutex::new(state) }))
    }

    /// The handle of a request that carries this session.
    pub(super) fn resumed(
        config: Arc<Config>,
        device: Device,
        token: OpaqueToken,
        stored: StoredSession,
    ) -> Self {
        let data = data_session(Arc::clone(&config.data), stored.data_id, true, stored.expires_at);
        let state = State {
            scope: scope_of(&stored),
            data_id: stored.data_id,
            live: Some(Live { token, stored }),
            cookie: None,
        };
        Self(Arc::new(Shared { config, device, data, state: Mutex::new(state) }))
    }

    /// Who is logged in now, a login or logout of this very request included.
    pub fn scope(&self) -> CurrentScope {
        self.state().scope.clone()
    }

    /// The session's public id; `None` unless somebody is logged in.
    pub fn id(&self) -> Option<SessionId> {
        self.scope().authentication().map(|authentication| authentication.session_id)
    }

    /// What was seen of the browser or program behind the request.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// Logs `account` in, by `proof`. The token is always a new one, so that nobody who planted or
    /// learnt the old one is logged in with it.
    ///
    /// The same user logging in again keeps the session's id and the host's data; a visitor keeps
    /// the data; another user's session ends, with its data.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn log_in(
        &self,
        account: Account,
        proof: Proof,
    ) -> Result<CurrentScope, SessionError> {
        let now = self.now();
        let live = self.live();
        let previous = live.as_ref().and_then(|live| live.stored.login.as_ref());
        let same_user = previous.is_some_and(|login| login.account.id() == account.id());
        let id = match &live {
            Some(live) if same_user => live.stored.id,
            _ => SessionId(self.0.config.random.uuid_v7(now)),
        };
        let keeps_data = previous.is_none() || same_user;
        let data_id = if keeps_data { self.state().data_id } else { self.fresh_data_id() };
        let login = Login {
            account,
            authentication: Authentication {
                at: now,
                methods: proof.methods,
                context_class: proof.context_class,
                session_id: id,
                fresh_until: Some(now + self.0.config.lifetimes.fresh),
            },
        };
        let mut next = self.begin(id, Some(login), data_id, proof.remember, now);
        self.put(live.as_ref(), &mut next, now).await?;
        if !keeps_data && let Some(live) = live {
            self.forget_data(live.stored.data_id).await;
        }
        Ok(self.scope())
    }

    /// Logs out: the session ends, the host's data with it, and the browser forgets the cookie.
    /// Without a login, it only forgets.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn log_out(&self) -> Result<(), SessionError> {
        if let Some(Live { token, stored }) = self.live() {
            let store = &self.0.config.store;
            match &stored.login {
                Some(login) => {
                    let user = login.account.id();
                    store.end_session(user, stored.id, SessionEnd::LoggedOut, self.now()).await?;
                }
                None => store.discard_session(&token.hash()).await?,
            }
            self.forget_data(stored.data_id).await;
        }
        self.forget();
        Ok(())
    }

    /// Gives the session a new token, as after every change of what it may do.
    ///
    /// # Errors
    /// [`SessionError::Gone`] if there is none any more, [`SessionError::Store`].
    pub async fn rotate(&self) -> Result<(), SessionError> {
        let live = self.live().ok_or(SessionError::Gone)?;
        let login = live.stored.login.clone();
        self.replace_login(live, login).await
    }

    /// Notes that the user just proved again who they are by `method`: sensitive things are open
    /// for the next minutes. The token is rotated.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Gone`], [`SessionError::Store`].
    pub async fn mark_fresh(&self, method: Method) -> Result<CurrentScope, SessionError> {
        let live = self.live().ok_or(SessionError::NotLoggedIn)?;
        let mut login = live.stored.login.clone().ok_or(SessionError::NotLoggedIn)?;
        let now = self.now();
        login.authentication.at = now;
        login.authentication.fresh_until = Some(now + self.0.config.lifetimes.fresh);
        if !login.authentication.methods.contains(&method) {
            login.authentication.methods.push(method);
        }
        self.replace_login(live, Some(login)).await?;
        Ok(self.scope())
    }

    /// The user's live sessions, this one included, last used first.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn sessions(&self) -> Result<Vec<StoredSession>, SessionError> {
        Ok(self.0.config.store.sessions_of(&self.user()?, self.now()).await?)
    }

    /// Ends one of the user's sessions; `false` if the user has none with this id.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn revoke(&self, id: SessionId) -> Result<bool, SessionError> {
        if self.id() == Some(id) {
            self.log_out().await?;
            return Ok(true);
        }
        let (user, end) = (self.user()?, SessionEnd::Revoked);
        Ok(self.0.config.store.end_session(&user, id, end, self.now()).await?)
    }

    /// Ends all of the user's sessions but this one. Answers how many ended.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn revoke_others(&self) -> Result<u64, SessionError> {
        let (user, end) = (self.user()?, SessionEnd::Revoked);
        Ok(self.0.config.store.end_sessions_of(&user, self.id(), end, self.now()).await?)
    }

    /// Ends all of the user's sessions, this one included. Answers how many ended.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn revoke_all(&self) -> Result<u64, SessionError> {
        let (user, end) = (self.user()?, SessionEnd::Revoked);
        let ended = self.0.config.store.end_sessions_of(&user, None, end, self.now()).await?;
        self.forget();
        Ok(ended)
    }

    /// The host's own data.
    pub(super) fn data(&self) -> &tower_sessions::Session {
        &self.0.data
    }

    /// Whether the response has to wait for [`Session::commit`].
    pub(super) fn is_changed(&self) -> bool {
        self.0.data.is_modified() || self.state().cookie.is_some()
    }

    /// Stores the host's data if the handler changed it (a visitor gets a session for it), and
    /// answers the cookie to set, if any.
    pub(super) async fn commit(&self, save_data: bool) -> Result<Option<HeaderValue>, StoreError> {
        let loaded = self.0.data.id();
        if save_data && self.0.data.is_modified() && loaded == Some(record_id(self.state().data_id))
        {
            self.0.data.save().await.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            if self.state().live.is_none() {
                let (now, data_id) = (self.now(), self.state().data_id);
                let id = SessionId(self.0.config.random.uuid_v7(now));
                let session = self.begin(id, None, data_id, false, now);
                self.0.config.store.create_session(&session.row).await?;
                self.adopt(session);
            }
        }
        Ok(self.state().cookie.clone())
    }

    /// Replaces the login of a live session under a new token; id, data and limits stay.
    async fn replace_login(&self, live: Live, login: Option<Login>) -> Result<(), SessionError> {
        let now = self.now();
        let stored = &live.stored;
        let mut next = self.begin(stored.id, login, stored.data_id, stored.remembered, now);
        next.row.created_at = stored.created_at;
        next.row.expires_at = stored.expires_at;
        let current = live.token.hash();
        let end = SessionEnd::Replaced;
        match self.0.config.store.rotate_session(&current, &next.row, end, now).await? {
            Rotation::Rotated => {
                self.adopt(next);
                Ok(())
            }
            Rotation::Lost => Err(SessionError::Gone),
        }
    }

    /// Writes `next` in place of the live session, or beside a dead one: a login that was proven
    /// goes through even if the session it began in has gone meanwhile.
    async fn put(
        &self,
        live: Option<&Live>,
        next: &mut Fresh,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let store = &self.0.config.store;
        let rotation = match live {
            Some(live) => {
                let (current, end) = (live.token.hash(), SessionEnd::Replaced);
                store.rotate_session(&current, &next.row, end, now).await?
            }
            None => Rotation::Lost,
        };
        if rotation == Rotation::Lost {
            if live.is_some() {
                // What went away took its id and its data with it.
                next.row.id = SessionId(self.0.config.random.uuid_v7(now));
                next.row.data_id = self.fresh_data_id();
                if let Some(login) = &mut next.row.login {
                    login.authentication.session_id = next.row.id;
                }
            }
            store.create_session(&next.row).await?;
        }
        self.adopt(next.clone());
        Ok(())
    }

    fn begin(
        &self,
        id: SessionId,
        login: Option<Login>,
        data_id: Uuid,
        remembered: bool,
        now: OffsetDateTime,
    ) -> Fresh {
        let token = self.0.config.random.token();
        let lifetimes = &self.0.config.lifetimes;
        let row = NewSession {
            token: token.hash(),
            id,
            login,
            data_id,
            device: self.0.device.clone(),
            remembered,
            created_at: now,
            last_active_at: now,
            idle_expires_at: lifetimes.idle_end(remembered, now),
            expires_at: lifetimes.end(remembered, now),
        };
        Fresh { token, row }
    }

    /// Goes on with a session that was just written.
    fn adopt(&self, fresh: Fresh) {
        let Fresh { token, row } = fresh;
        let max_age = row.remembered.then(|| row.expires_at - self.now());
        let cookie = self.0.config.cookie.set(&token, max_age);
        let stored = StoredSession {
            id: row.id,
            login: row.login,
            data_id: row.data_id,
            device: row.device,
            remembered: row.remembered,
            created_at: row.created_at,
            last_active_at: row.last_active_at,
            idle_expires_at: row.idle_expires_at,
            expires_at: row.expires_at,
        };
        let mut state = self.state();
        state.scope = scope_of(&stored);
        state.data_id = stored.data_id;
        state.live = Some(Live { token, stored });
        state.cookie = Some(cookie);
    }

    fn forget(&self) {
        let data_id = self.fresh_data_id();
        let mut state = self.state();
        state.live = None;
        state.scope = CurrentScope::anonymous();
        state.data_id = data_id;
        state.cookie = Some(self.0.config.cookie.clear());
    }

    /// Data that cannot be deleted now is out of reach, and expires.
    async fn forget_data(&self, data_id: Uuid) {
        if let Err(error) = self.0.config.data.delete(&record_id(data_id)).await {
            tracing::warn!(%error, "the data of an ended session was not deleted");
        }
    }

    fn fresh_data_id(&self) -> Uuid {
        Uuid::from_bytes(self.0.config.random.bytes())
    }

    fn user(&self) -> Result<UserId, SessionError> {
        let scope = self.scope();
        scope.account().map(|account| account.id().clone()).ok_or(SessionError::NotLoggedIn)
    }

    fn live(&self) -> Option<Live> {
        self.state().live.clone()
    }

    fn now(&self) -> OffsetDateTime {
        self.0.config.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session about to be written, with the token its bearer will hold.
#[derive(Clone)]
struct Fresh {
    token: OpaqueToken,
    row: NewSession,
}

fn scope_of(stored: &StoredSession) -> CurrentScope {
    match &stored.login {
        Some(login) => CurrentScope::user(login.account.clone(), login.authentication.clone()),
        None => CurrentScope::anonymous(),
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id()).finish_non_exhaustive()
    }
}
