//! Somebody whom a provider vouches for takes over the account that has their address.

use sqlx::{query, query_scalar};

use super::SESSION_EVENTS_LOCK;
use super::audit::{along, effects};
use super::ending::ended_in_order;
use super::pool::Pool;
use super::takeover::taking_over;
use crate::crypto::Sealed;
use crate::scope::{SessionEnd, UserId};
use crate::store::sql::account::address_key;
use crate::store::sql::convert::micros;
use crate::store::sql::identity::TAKE_OVER;
use crate::store::{Effects, NewIdentity};

/// What was there before goes, as the user's row, which is held, lets nothing else be added.
const CLEAR: &str = concat!(
    "WITH used AS (
         SELECT $1::text AS user_id, TRUE AS unconfirmed
     ), links AS (
         DELETE FROM donjon_links l USING used WHERE l.user_id = used.user_id
     ), forgotten AS (
         DELETE FROM donjon_login_attempts WHERE key = $3
     ), ",
    taking_over!("used", "$2"),
    ", ",
    ended_in_order!("used", "TRUE"),
    ", locked AS MATERIALIZED (
         SELECT pg_advisory_xact_lock($5)
         FROM (SELECT count(*) AS sessions FROM ended) AS counted WHERE sessions >= 0
     ), logged AS (
         INSERT INTO donjon_session_events (session_id, user_id, reason, at)
         SELECT ended.id, ended.user_id, $4::text, $2::bigint FROM locked, ended
         UNION ALL SELECT NULL, used.user_id, $4::text, $2::bigint FROM locked, used
     ), ",
    along!("used", "$6"),
    " SELECT EXISTS (SELECT 1 FROM locked)",
);

const LINK: &str = "INSERT INTO donjon_identities
         (provider, subject, user_id, email, name, tokens, tokens_version, created_at, last_used_at)
     VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7)";

/// Whether it was theirs to take.
pub(super) async fn take_over(
    pool: &Pool,
    (user, email): (&UserId, &str),
    identity: &NewIdentity,
    along: &Effects,
) -> sqlx::Result<bool> {
    // The first statement waits for the user's row; what was added meanwhile is seen by a later
    // snapshot only.
    let mut transaction = pool.begin().await?;
    let taken = query(TAKE_OVER)
        .bind(user.as_str())
        .bind(email)
        .bind(&identity.provider)
        .bind(&identity.subject)
        .execute(&mut *transaction)
        .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    let _: bool = query_scalar(CLEAR)
        .bind(user.as_str())
        .bind(micros(identity.at))
        .bind(address_key(email))
        .bind(SessionEnd::SignedOutEverywhere.as_str())
        .bind(SESSION_EVENTS_LOCK)
        .bind(effects(along))
        .fetch_one(&mut *transaction)
        .await?;
    query(LINK)
        .bind(&identity.provider)
        .bind(&identity.subject)
        .bind(user.as_str())
        .bind(&identity.email)
        .bind(&identity.name)
        .bind(identity.tokens.as_ref().map(Sealed::as_bytes))
        .bind(micros(identity.at))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}
