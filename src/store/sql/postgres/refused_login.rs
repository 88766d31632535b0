//! A login that is refused: the same statement for every reason.

use time::OffsetDateTime;

use super::audit::{along, effects};
use super::link::bound;
use super::pool::Pool;
use crate::store::sql::account::{address_key, device_of};
use crate::store::sql::convert::micros;
use crate::store::sql::mail_link::request_key;
use crate::store::{LinkRequest, LoginRefusal, Result};

const REFUSE: &str = concat!(
    "WITH refused AS (SELECT NULL::text AS user_id), forgotten AS (
         DELETE FROM donjon_login_attempts a WHERE $1 AND a.key = coalesce(
             (SELECT 'device:' || u.id || ':' || $2 FROM donjon_users u WHERE u.email = $3), $4)
     ), counted AS (
         INSERT INTO donjon_rate_limits AS r (key, times, expires_at) SELECT $5, 1, $7 WHERE $1
         ON CONFLICT (key) DO UPDATE SET
             times = CASE WHEN r.expires_at <= $6 THEN 1 ELSE r.times + 1 END,
             expires_at = CASE WHEN r.expires_at <= $6 THEN $7 ELSE r.expires_at END
         RETURNING times > $8 AS limited
     ), written AS (
         INSERT INTO donjon_links (user_id, purpose, token_hash, email, expires_at, code_hash, binding)
         SELECT u.id, $9, $10, u.email, $11, $12, ",
    bound!("$15", "u.id", "u.email"),
    " FROM donjon_users u, counted
         WHERE u.email = $3 AND u.deleted_at IS NULL AND NOT counted.limited
           AND NOT u.email_verified
         ON CONFLICT (user_id, purpose) DO UPDATE SET
             token_hash = excluded.token_hash, email = excluded.email,
             expires_at = excluded.expires_at, code_hash = excluded.code_hash,
             binding = excluded.binding, code_tries = 0
         RETURNING user_id
     ), ",
    along!("refused", "$13"),
    ", ",
    along!("written", "$14"),
    " SELECT EXISTS (SELECT 1 FROM written), coalesce((SELECT limited FROM counted), FALSE)",
);

pub(super) async fn refuse_login(
    pool: &Pool,
    email: &str,
    refusal: &LoginRefusal,
    now: OffsetDateTime,
) -> Result<LinkRequest> {
    let LoginRefusal { refused, unconfirmed, link, limit } = refusal;
    let (sent, limited) = sqlx::query_as(REFUSE)
        .bind(unconfirmed.is_some())
        .bind(unconfirmed.and_then(device_of))
        .bind(email)
        .bind(address_key(email))
        .bind(request_key(link.purpose, email))
        .bind(micros(now))
        .bind(micros(now + limit.window))
        .bind(i64::from(limit.times))
        .bind(link.purpose.as_str())
        .bind(link.token.as_bytes())
        .bind(micros(link.expires_at))
        .bind(link.code.as_ref().map(|code| code.as_bytes().as_slice()))
        .bind(effects(refused))
        .bind(effects(&link.effects))
        .bind(link.key.pads())
        .fetch_one(pool)
        .await?;
    Ok(LinkRequest::of(sent, limited))
}
