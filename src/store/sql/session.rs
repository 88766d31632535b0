//! What both backends' sessions share: how a row is read, and the reading statements.

use sqlx::types::Json;
use uuid::Uuid;

use super::convert::time;
use crate::scope::{Account, Attributes, Authentication, SessionEvent, SessionId, UserId};
use crate::store::{Device, Login, Result, StoreError, StoredSession};

/// The columns of `donjon_sessions s LEFT JOIN donjon_users u`, as in [`select!`].
pub(super) type SessionRow = (
    Uuid,
    Uuid,
    Option<String>,
    Option<String>,
    bool,
    i64,
    i64,
    Option<i64>,
    i64,
    Option<Json<Account>>,
    Option<Json<Authentication>>,
    Option<String>,
    Option<bool>,
    Option<Json<Attributes>>,
);

/// Selects [`SessionRow`]s, with the present state of the account if it is one of ours.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT s.id, s.data_id, s.address, s.user_agent, s.remembered, s.created_at, \
             s.last_active_at, s.idle_expires_at, s.expires_at, s.account, s.authentication, \
             u.email, u.email_verified, u.attributes \
             FROM donjon_sessions s LEFT JOIN donjon_users u ON u.id = s.user_id WHERE ",
            $condition
        )
    };
}

pub(super) const LOAD: &str = select!(
    "s.token_hash = $1 AND s.expires_at > $2 \
     AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $2)"
);

pub(super) const LIST: &str = select!(
    "s.user_id = $1 AND s.expires_at > $2 \
     AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $2) \
     ORDER BY s.last_active_at DESC, s.id DESC LIMIT 100"
);

pub(super) const EVENTS: &str = "SELECT sequence, session_id, user_id, reason, at \
     FROM donjon_session_events WHERE sequence > $1 ORDER BY sequence LIMIT $2";

pub(super) fn session(row: SessionRow) -> Result<StoredSession> {
    let (id, data_id, address, user_agent, remembered, created, active, idle, expires, ..) = &row;
    let (.., snapshot, authentication, email, verified, attributes) = &row;
    let login = match (snapshot, authentication) {
        (Some(Json(snapshot)), Some(Json(authentication))) => Some(Login {
            account: match verified {
                None => snapshot.clone(),
                Some(verified) => present_state(snapshot, email, *verified, attributes),
            },
            authentication: authentication.clone(),
        }),
        _ => None,
    };
    let address = match address {
        Some(text) => Some(text.parse().map_err(|_| StoreError::Corrupt("an address"))?),
        None => None,
    };
    Ok(StoredSession {
        id: SessionId(*id),
        login,
        data_id: *data_id,
        device: Device { address, user_agent: user_agent.clone() },
        remembered: *remembered,
        created_at: time(*created)?,
        last_active_at: time(*active)?,
        idle_expires_at: idle.map(time).transpose()?,
        expires_at: time(*expires)?,
    })
}

fn present_state(
    snapshot: &Account,
    email: &Option<String>,
    verified: bool,
    attributes: &Option<Json<Attributes>>,
) -> Account {
    let attributes = attributes.as_ref().map(|Json(object)| object.clone()).unwrap_or_default();
    let account = Account::new(snapshot.id().clone()).with_attributes(attributes);
    match email {
        Some(email) => account.with_email(email, verified),
        None => account,
    }
}

pub(super) const LOAD_DATA: &str = "SELECT data FROM donjon_session_data WHERE id = $1";

/// The columns that [`EVENTS`] selects.
pub(super) type EventRow = (i64, Option<Uuid>, String, String, i64);

pub(super) fn event(row: EventRow) -> Result<SessionEvent> {
    let (sequence, session_id, user_id, reason, at) = row;
    Ok(SessionEvent {
        sequence,
        session_id: session_id.map(SessionId),
        user_id: UserId::new(user_id).map_err(|_| StoreError::Corrupt("a user id"))?,
        end: reason.parse().map_err(|()| StoreError::Corrupt("a session's end"))?,
        at: time(at)?,
    })
}
