//! What the layer does with the handle, before and after the inner service.

use std::sync::{Arc, Mutex};

use http::HeaderValue;
use tower_sessions::Expiry;

use super::config::{Config, SessionKind};
use super::data::HostData;
use super::fresh::Fresh;
use super::handle::{Live, Shared, State};
use super::{Session, SessionError};
use crate::crypto::{OpaqueToken, RandomExt as _};
use crate::scope::{CurrentScope, SessionId};
use crate::store::{Device, StoreError, StoredSession};

impl Session {
    /// The handle of a request that carries no live session; `clears` the cookie if told so.
    pub(super) fn anonymous(config: Arc<Config>, device: Device, clears: bool) -> Self {
        let expires_at = config.lifetimes.end(SessionKind::Ordinary, config.clock.now());
        let host = HostData::of_visitor(&config, expires_at);
        let cookie = clears.then(|| config.cookie.clear());
        let state = State { live: None, scope: CurrentScope::anonymous(), cookie };
        Self::new(config, device, host, state)
    }

    /// The handle of a request that carries this session; the cookie is sent `again` if told so.
    pub(super) fn resumed(
        config: Arc<Config>,
        device: Device,
        token: OpaqueToken,
        stored: StoredSession,
        again: bool,
    ) -> Self {
        let host = HostData::of_session(&config, stored.data_id, stored.expires_at);
        let live = Live { token, stored };
        let state = State {
            scope: scope_of(&live.stored),
            cookie: again.then(|| cookie_of(&config, &live)),
            live: Some(live),
        };
        Self::new(config, device, host, state)
    }

    fn new(config: Arc<Config>, device: Device, host: HostData, state: State) -> Self {
        let host = Arc::new(host);
        let data = host.session();
        Self(Arc::new(Shared { config, device, host, data, state: Mutex::new(state) }))
    }

    /// The host's own data.
    pub(super) fn data(&self) -> tower_sessions::Session {
        self.0.data.clone()
    }

    /// Whether the response has to wait for [`Session::commit`].
    pub(super) fn is_changed(&self) -> bool {
        self.0.data.is_modified() || self.cookie().is_some()
    }

    /// The cookie to set, if any.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        self.state().cookie.clone()
    }

    /// Stores the host's data if the handler changed it, for which a visitor gets a session.
    pub(super) async fn commit(&self, save_data: bool) -> Result<(), SessionError> {
        if save_data && self.0.data.is_modified() {
            self.save_data().await?;
            if self.0.host.waits_for_session() {
                let now = self.now();
                let id = SessionId(self.0.config.random.uuid_v7(now));
                let session = self.begin(id, None, self.data_id(), false, now);
                self.0.config.store.create_session(&session.row).await?;
                self.adopt(session).await;
                self.save_data().await?;
            }
        }
        Ok(())
    }

    async fn save_data(&self) -> Result<(), StoreError> {
        self.0.data.save().await.map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    /// Goes on with a session that was just written.
    pub(super) async fn adopt(&self, fresh: Fresh) {
        let live = fresh.into_live();
        let StoredSession { data_id, expires_at, .. } = live.stored;
        let scope = scope_of(&live.stored);
        let cookie = Some(cookie_of(&self.0.config, &live));
        *self.state() = State { live: Some(live), scope, cookie };

        if self.0.host.data_id().is_some_and(|former| former != data_id) {
            self.0.data.clear().await;
            self.0.host.begin_anew().await;
        }
        if self.0.host.keep(data_id, expires_at) {
            self.0.data.set_expiry(Some(Expiry::AtDateTime(expires_at)));
        }
    }

    /// Goes on without a session.
    pub(super) async fn forget(&self) {
        let cookie = Some(self.0.config.cookie.clear());
        *self.state() = State { live: None, scope: CurrentScope::anonymous(), cookie };
        self.0.data.clear().await;
        self.0.host.begin_anew().await;
    }
}

pub(crate) fn scope_of(stored: &StoredSession) -> CurrentScope {
    match &stored.login {
        Some(login) => {
            let mut scope = CurrentScope::user(login.account.clone(), login.authentication.clone());
            if let Some(membership) = &stored.membership {
                scope = scope.acting_in(membership.clone());
            }
            if let Some(administrator) = &login.impersonator {
                scope = scope.impersonated_by(administrator.clone());
            }
            scope
        }
        None => CurrentScope::anonymous(),
    }
}

pub(super) fn cookie_of(config: &Config, Live { token, stored }: &Live) -> HeaderValue {
    let max_age = stored.remembered.then(|| stored.expires_at - config.clock.now());
    config.cookie.set(token, max_age)
}
