use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use time::OffsetDateTime;

use super::config::Config;
use super::data::HostData;
use super::fresh::Fresh;
use super::{Proof, SessionError};
use crate::crypto::{OpaqueToken, RandomExt as _};
use crate::scope::{Account, Authentication, CurrentScope, Method, SessionEnd, SessionId, UserId};
use crate::store::{Device, Effects, Login, OthersEnd, Rotation, StoredSession};

/// The session of the request at hand: what logs in and out. Cheap to clone; all clones are one.
///
/// Each method that changes the session does so in the store at once; the cookie follows with the
/// response, whatever its status, since the old token is dead by then. If no response goes out
/// (the inner service fails, the browser goes away), the new token is nobody's, and the session
/// ends by idleness.
///
/// ```
/// use donjon::scope::{Account, Method};
/// use donjon::session::{Proof, Session, SessionError};
///
/// /// Where a password was verified.
/// async fn greet(session: &Session, account: Account) -> Result<String, SessionError> {
///     let scope = session.log_in(account, Proof::by([Method::PASSWORD])).await?;
///     let others = session.sessions().await?.len() - 1;
///     let email = scope.account().and_then(Account::email).unwrap_or("friend");
///     Ok(format!("Hello, {email}. You are logged in on {others} other devices."))
/// }
/// ```
#[derive(Clone)]
pub struct Session(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) config: Arc<Config>,
    pub(super) device: Device,
    pub(super) host: Arc<HostData>,
    pub(super) data: tower_sessions::Session,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    pub(super) live: Option<Live>,
    pub(super) scope: CurrentScope,
    pub(super) cookie: Option<HeaderValue>,
}

/// The session that was loaded or begun.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) token: OpaqueToken,
    pub(super) stored: StoredSession,
}

impl Session {
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
    /// the data; another user's session ends, with its data. An administrator who acts as the user
    /// is somebody else: nothing goes from the one to the other, and nothing is fresh, since it was
    /// not the user who proved anything.
    ///
    /// A login that was proven goes through even if the session it began in is gone meanwhile,
    /// ended or rotated by another request: it gets a session and data of its own.
    ///
    /// Where there is a [`UserSource`](super::UserSource), it is asked first, and what it says of
    /// the user is what the session shows.
    ///
    /// # Errors
    /// [`SessionError::UserGone`], [`SessionError::UserSource`], [`SessionError::Store`].
    pub async fn log_in(
        &self,
        account: Account,
        proof: Proof,
    ) -> Result<CurrentScope, SessionError> {
        self.log_in_along(account, proof, Effects::none()).await
    }

    /// The same, with this written in the transition that writes the session, such as the entry of
    /// the audit log that tells of the login.
    ///
    /// # Errors
    /// Those of [`Session::log_in`]; then nothing is written.
    pub async fn log_in_along(
        &self,
        account: Account,
        proof: Proof,
        along: Effects,
    ) -> Result<CurrentScope, SessionError> {
        let (now, live) = (self.now(), self.live());
        let previous = live.as_ref().and_then(|live| live.stored.login.as_ref());
        let (account, as_of) = self.0.config.admit(account).await?;
        let Proof {
            methods,
            context_class,
            login_path,
            remember,
            proven_at,
            stale,
            ends_at,
            impersonator,
        } = proof;
        let in_person = impersonator.is_none();
        let other = previous.filter(|login| {
            login.account.id() != account.id() || login.impersonator != impersonator
        });
        let id = match &live {
            Some(live) if previous.is_some() && other.is_none() => live.stored.id,
            _ => self.fresh_id(now),
        };
        let at = proven_at.map_or(now, |earlier| earlier.min(now));
        let is_fresh = in_person && !stale;
        let fresh_until = is_fresh.then(|| self.0.config.lifetimes.fresh_until(at));
        let login_path = login_path.map(String::into_boxed_str);
        let authentication = Authentication {
            at,
            methods,
            context_class,
            session_id: id,
            login_path,
            ends_at,
            fresh_until,
        };
        let data_id = if other.is_some() { self.fresh_data_id() } else { self.data_id() };
        let organization = match other {
            None => previous.and_then(|login| login.organization),
            Some(_) => None,
        };
        let login = Login { account, as_of, authentication, organization, impersonator };
        let mut next = self.begin(id, Some(login), data_id, remember && in_person, now);
        next.row.along = along;
        if other.is_none() {
            next.membership = live.as_ref().and_then(|live| live.stored.membership.clone());
        }
        next.row.expires_at =
            ends_at.map_or(next.row.expires_at, |end| end.min(next.row.expires_at));

        let rotation = match &live {
            Some(live) => self.replace(live, &next, now).await?,
            None => Rotation::Lost,
        };
        if rotation == Rotation::Lost {
            if let Some(live) = &live {
                if let Some(other) = other {
                    let (user, id, end) =
                        (other.account.id(), live.stored.id, SessionEnd::Replaced);
                    self.0.config.store.end_session(user, id, end, now).await?;
                }
                next.move_to(self.fresh_id(now), self.fresh_data_id());
            }
            self.0.config.store.create_session(&next.row).await?;
        }
        self.adopt(next).await;
        Ok(self.scope())
    }

    /// Logs out: the session ends, the host's data with it, and the browser forgets the cookie,
    /// even if the store fails. Without a login, it only forgets.
    ///
    /// # Errors
    /// [`SessionError::Store`]: the session is still in the store, though nobody has its token.
    pub async fn log_out(&self) -> Result<(), SessionError> {
        self.log_out_along(&Effects::none()).await
    }

    /// The same, with this written in the same transition, if somebody was logged in.
    ///
    /// # Errors
    /// Those of [`Session::log_out`].
    pub async fn log_out_along(&self, along: &Effects) -> Result<(), SessionError> {
        let live = self.live();
        // First of all: a login that must not stand leaves with no response, whatever happens now.
        self.forget().await;
        if let Some(Live { token, stored }) = live {
            let store = &self.0.config.store;
            match &stored.login {
                Some(login) => {
                    let (user, end) = (login.account.id(), SessionEnd::LoggedOut);
                    store.end_session_along(user, stored.id, end, along, self.now()).await?;
                }
                None => store.discard_session(&token.hash()).await?,
            }
        }
        Ok(())
    }

    /// Gives the session a new token, as after every change of what it may do.
    ///
    /// # Errors
    /// [`SessionError::Gone`] if there is none any more, [`SessionError::Store`].
    pub async fn rotate(&self) -> Result<(), SessionError> {
        let live = self.live().ok_or(SessionError::Gone)?;
        let login = live.stored.login.clone();
        self.renew(live, login, Effects::none()).await
    }

    /// Notes that the user just proved again who they are: sensitive things are open for the next
    /// minutes. The token is rotated.
    ///
    /// When, how and how strongly the user logged in stays as it was, since what was proven now may
    /// be less: to change that, [`Session::log_in`] again.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Impersonated`], [`SessionError::Gone`],
    /// [`SessionError::Store`].
    pub async fn mark_fresh(&self) -> Result<CurrentScope, SessionError> {
        let live = self.live().ok_or(SessionError::NotLoggedIn)?;
        let mut login = live.stored.login.clone().ok_or(SessionError::NotLoggedIn)?;
        if login.impersonator.is_some() {
            return Err(SessionError::Impersonated);
        }
        login.authentication.fresh_until = Some(self.0.config.lifetimes.fresh_until(self.now()));
        self.renew(live, Some(login), Effects::none()).await?;
        Ok(self.scope())
    }

    /// Notes that the user has just proven more than they did when they logged in, such as the second
    /// factor that they set up: these methods are added to those of the login. The token is rotated.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Impersonated`], [`SessionError::Gone`],
    /// [`SessionError::Store`].
    pub async fn strengthen(
        &self,
        methods: impl IntoIterator<Item = Method>,
    ) -> Result<CurrentScope, SessionError> {
        self.strengthen_along(methods, Effects::none()).await
    }

    /// The same, with this written in the transition that writes the session.
    ///
    /// # Errors
    /// Those of [`Session::strengthen`]; then nothing is written.
    pub async fn strengthen_along(
        &self,
        methods: impl IntoIterator<Item = Method>,
        along: Effects,
    ) -> Result<CurrentScope, SessionError> {
        let live = self.live().ok_or(SessionError::NotLoggedIn)?;
        let mut login = live.stored.login.clone().ok_or(SessionError::NotLoggedIn)?;
        if login.impersonator.is_some() {
            return Err(SessionError::Impersonated);
        }
        let known = &mut login.authentication.methods;
        for method in methods {
            if !known.contains(&method) {
                known.push(method);
            }
        }
        self.renew(live, Some(login), along).await?;
        Ok(self.scope())
    }

    /// The user's live sessions, this one included, last used first: all of them.
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
        self.revoke_along(id, &Effects::none()).await
    }

    /// The same, with this written in the same transition.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn revoke_along(&self, id: SessionId, along: &Effects) -> Result<bool, SessionError> {
        let (user, end) = (self.user()?, SessionEnd::Revoked);
        let store = &self.0.config.store;
        let ended = store.end_session_along(&user, id, end, along, self.now()).await?;
        if self.id() == Some(id) {
            self.forget().await;
        }
        Ok(ended)
    }

    /// Ends all of the user's sessions but this one, with links that were mailed to come in by; and no
    /// browser is known or trusted any more, but for what the account pages say to this one. Answers how
    /// many sessions ended.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`]; [`SessionError::Gone`] if this one was ended meanwhile, as by
    /// another that does the same: then nothing happened; [`SessionError::Store`].
    pub async fn revoke_others(&self) -> Result<u64, SessionError> {
        self.revoke_others_along(&Effects::none()).await
    }

    /// The same, with this written in the same transition.
    ///
    /// # Errors
    /// Those of [`Session::revoke_others`].
    pub async fn revoke_others_along(&self, along: &Effects) -> Result<u64, SessionError> {
        Ok(self.end_others(along).await?.0)
    }

    /// The same. Tells also which epoch of the user has begun, if the account is one of ours.
    pub(crate) async fn end_others(
        &self,
        along: &Effects,
    ) -> Result<(u64, Option<i64>), SessionError> {
        let (user, store) = (self.user()?, &self.0.config.store);
        let kept = self.id().ok_or(SessionError::NotLoggedIn)?;
        let end = SessionEnd::Revoked;
        match store.end_other_sessions(&user, kept, end, along, self.now()).await? {
            OthersEnd::Done { ended, device_epoch } => Ok((ended, device_epoch)),
            OthersEnd::Gone => Err(SessionError::Gone),
        }
    }

    /// Ends all of the user's sessions, this one included, with links that were mailed to come in by,
    /// and no browser is known or trusted any more. Answers how many sessions ended.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn revoke_all(&self) -> Result<u64, SessionError> {
        self.revoke_all_along(&Effects::none()).await
    }

    /// The same, with this written in the same transition.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn revoke_all_along(&self, along: &Effects) -> Result<u64, SessionError> {
        self.end_all(SessionEnd::Revoked, along).await
    }

    /// The same, and takes offline access from every application that the user let in. Answers how many
    /// sessions ended.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn sign_out_everywhere(&self) -> Result<u64, SessionError> {
        self.sign_out_everywhere_along(&Effects::none()).await
    }

    /// The same, with this written in the same transition.
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`], [`SessionError::Store`].
    pub async fn sign_out_everywhere_along(&self, along: &Effects) -> Result<u64, SessionError> {
        self.end_all(SessionEnd::SignedOutEverywhere, along).await
    }

    async fn end_all(&self, end: SessionEnd, along: &Effects) -> Result<u64, SessionError> {
        let (user, store) = (self.user()?, &self.0.config.store);
        let ended = store.end_sessions_along(&user, None, end, along, self.now()).await?;
        self.forget().await;
        Ok(ended)
    }

    /// Writes the live session again, with this login and under a new token; id, data and limits
    /// stay.
    async fn renew(
        &self,
        live: Live,
        login: Option<Login>,
        along: Effects,
    ) -> Result<(), SessionError> {
        let now = self.now();
        let Live { stored, .. } = &live;
        let mut next = self.begin(stored.id, login, stored.data_id, stored.remembered, now);
        next.row.created_at = stored.created_at;
        next.row.expires_at = stored.expires_at;
        next.row.along = along;
        next.membership = stored.membership.clone();
        match self.replace(&live, &next, now).await? {
            Rotation::Rotated => {
                self.adopt(next).await;
                Ok(())
            }
            Rotation::Lost => Err(SessionError::Gone),
        }
    }

    async fn replace(
        &self,
        live: &Live,
        next: &Fresh,
        now: OffsetDateTime,
    ) -> crate::store::Result<Rotation> {
        let (current, end) = (live.token.hash(), SessionEnd::Replaced);
        self.0.config.store.rotate_session(&current, &next.row, end, now).await
    }

    fn fresh_id(&self, now: OffsetDateTime) -> SessionId {
        SessionId(self.0.config.random.uuid_v7(now))
    }

    fn user(&self) -> Result<UserId, SessionError> {
        let scope = self.scope();
        scope.account().map(|account| account.id().clone()).ok_or(SessionError::NotLoggedIn)
    }

    pub(super) fn live(&self) -> Option<Live> {
        self.state().live.clone()
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.0.config.clock.now()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id()).finish_non_exhaustive()
    }
}
