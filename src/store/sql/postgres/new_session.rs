//! How a session is written, beside so many others of its user.

use sqlx::postgres::PgArguments;
use sqlx::types::Json;
use sqlx::{Postgres, query};

use super::SESSION_EVENTS_LOCK;
use super::audit::{along, effects};
use crate::store::sql::convert::micros;
use crate::store::{NewSession, UserEpoch};

macro_rules! insert {
    () => {
        "INSERT INTO donjon_sessions (id, token_hash, user_id, account, \
         authentication, data_id, address, user_agent, remembered, created_at, last_active_at, \
         idle_expires_at, expires_at, account_epoch, organization_id, impersonator_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
         coalesce($15, (SELECT m.organization_id FROM donjon_memberships m WHERE m.user_id = $3 \
             AND NOT EXISTS (SELECT 1 FROM donjon_memberships other WHERE other.user_id = $3 \
                 AND other.organization_id <> m.organization_id))), $16)"
    };
}

/// Ends those of the user's other sessions that are too many, once session `$1` is there: as
/// `donjon_displace_sessions` has it, which looks when nobody else opens one.
macro_rules! displacing {
    ($user:literal, $beside:literal, $now:literal, $lock:literal) => {
        concat!(
            "CASE WHEN ",
            $user,
            " IS NOT NULL AND ",
            $beside,
            "::bigint IS NOT NULL \
             THEN donjon_displace_sessions(",
            $user,
            ", $1, ",
            $beside,
            "::bigint, ",
            $now,
            "::bigint, 'displaced', ",
            $lock,
            "::bigint) END"
        )
    };
}

pub(super) use displacing;

const INSERT: &str = concat!(
    "WITH begun AS (",
    insert!(),
    " RETURNING user_id) SELECT ",
    displacing!("user_id", "$17", "$10", "$18"),
    " FROM begun"
);

/// The same, with what is written along.
const INSERT_ALONG: &str = concat!(
    "WITH begun AS (",
    insert!(),
    " RETURNING user_id), ",
    along!("begun", "$19"),
    " SELECT ",
    displacing!("user_id", "$17", "$10", "$18"),
    " FROM begun"
);

/// Binds `$1` to `$16` of a statement that writes a session.
pub(super) fn bind<'q>(
    statement: &'static str,
    session: &NewSession,
) -> sqlx::query::Query<'q, Postgres, PgArguments> {
    let login = session.login.as_ref();
    query(statement)
        .bind(session.id.0)
        .bind(session.token.as_bytes().to_vec())
        .bind(login.map(|login| login.account.id().as_str().to_owned()))
        .bind(login.map(|login| Json(login.account.clone())))
        .bind(login.map(|login| Json(login.authentication.clone())))
        .bind(session.data_id)
        .bind(session.device.address.map(|address| address.to_string()))
        .bind(session.device.user_agent.clone())
        .bind(session.remembered)
        .bind(micros(session.created_at))
        .bind(micros(session.last_active_at))
        .bind(session.idle_expires_at.map(micros))
        .bind(micros(session.expires_at))
        .bind(login.and_then(|login| login.as_of).map(|UserEpoch(epoch)| epoch))
        .bind(login.and_then(|login| login.organization).map(|id| id.0))
        .bind(login.and_then(|login| login.impersonator.as_ref()).map(|id| id.as_str().to_owned()))
}

/// Writes a session, without what goes along.
pub(super) fn insert<'q>(session: &NewSession) -> sqlx::query::Query<'q, Postgres, PgArguments> {
    bind(INSERT, session).bind(session.beside.map(i64::from)).bind(SESSION_EVENTS_LOCK)
}

/// The same, with what goes along.
pub(super) fn insert_along<'q>(
    session: &NewSession,
) -> sqlx::query::Query<'q, Postgres, PgArguments> {
    bind(INSERT_ALONG, session)
        .bind(session.beside.map(i64::from))
        .bind(SESSION_EVENTS_LOCK)
        .bind(effects(&session.along))
}
