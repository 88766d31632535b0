use time::OffsetDateTime;
use uuid::Uuid;

use super::Session;
use super::config::SessionKind;
use super::handle::Live;
use crate::crypto::{OpaqueToken, RandomExt as _};
use crate::scope::{Membership, SessionId};
use crate::store::{Effects, Login, NewSession, StoredSession};

/// A session about to be written, with the token its bearer will hold.
pub(super) struct Fresh {
    pub(super) token: OpaqueToken,
    pub(super) row: NewSession,
    /// As what the user acts, if that is known already.
    pub(super) membership: Option<Membership>,
}

impl Fresh {
    /// The same under another id and with other data.
    pub(super) fn move_to(&mut self, id: SessionId, data_id: Uuid) {
        self.row.id = id;
        self.row.data_id = data_id;
        if let Some(login) = &mut self.row.login {
            login.authentication.session_id = id;
        }
    }

    /// The session once it is written.
    pub(super) fn into_live(self) -> Live {
        let Self { token, row, membership } = self;
        let stored = StoredSession {
            id: row.id,
            // What was just written is what was just known.
            user_epoch: row.login.as_ref().and_then(|login| login.as_of),
            login: row.login,
            membership,
            data_id: row.data_id,
            device: row.device,
            remembered: row.remembered,
            created_at: row.created_at,
            last_active_at: row.last_active_at,
            idle_expires_at: row.idle_expires_at,
            expires_at: row.expires_at,
        };
        Live { token, stored }
    }
}

impl Session {
    /// A session that begins now, for the device at hand.
    pub(super) fn begin(
        &self,
        id: SessionId,
        login: Option<Login>,
        data_id: Uuid,
        remembered: bool,
        now: OffsetDateTime,
    ) -> Fresh {
        let kind = SessionKind::of(login.as_ref(), remembered);
        let token = self.0.config.random.token();
        let lifetimes = &self.0.config.lifetimes;
        // Whoever acts as a user displaces nobody.
        let displaces = login.as_ref().is_some_and(|login| login.impersonator.is_none());
        let beside = displaces.then(|| self.0.config.per_user.saturating_sub(1));
        let row = NewSession {
            token: token.hash(),
            id,
            login,
            data_id,
            device: self.0.device.clone(),
            remembered,
            created_at: now,
            last_active_at: now,
            idle_expires_at: lifetimes.idle_end(kind, now),
            expires_at: lifetimes.end(kind, now),
            along: Effects::none(),
            beside,
        };
        Fresh { token, row, membership: None }
    }

    /// The key of the host's data at hand.
    pub(super) fn data_id(&self) -> Uuid {
        self.0.host.data_id().unwrap_or_else(|| self.fresh_data_id())
    }

    /// A key for the host's data that nobody has.
    pub(super) fn fresh_data_id(&self) -> Uuid {
        Uuid::from_bytes(self.0.config.random.bytes())
    }
}
