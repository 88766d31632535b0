//! What single sign-on closes for somebody ends, with its events.

use sqlx::{PgConnection, query};

use super::SESSION_EVENTS_LOCK;
use crate::scope::{SessionEnd, UserId};
use crate::store::sql::convert::micros;
use crate::store::sql::single_sign_on::{Closing, affected, let_in, token_let_in};

/// It follows the change in its transaction, and sees it. Sessions are locked in one order, so that
/// two who end the same ones do not wait in a circle, and are deleted by what they are now; then comes
/// the log's lock, then the tokens.
const CLOSE: &str = concat!(
    "WITH affected AS MATERIALIZED (",
    affected!(),
    "), ending AS MATERIALIZED (
         SELECT s.id FROM donjon_sessions s JOIN donjon_users u ON u.id = s.user_id
         WHERE u.id IN (SELECT id FROM affected) AND NOT ",
    let_in!(),
    " ORDER BY s.id FOR UPDATE OF s
     ), ended AS (
         DELETE FROM donjon_sessions s USING donjon_users u
         WHERE u.id = s.user_id AND u.id IN (SELECT id FROM affected) AND NOT ",
    let_in!(),
    "      AND (SELECT count(*) FROM ending) >= 0
         RETURNING s.id, s.user_id
     ), locked AS MATERIALIZED (
         SELECT pg_advisory_xact_lock($8) FROM
             (SELECT (SELECT count(*) FROM ended) AS logins, count(*) AS users FROM affected)
             AS counted
         WHERE logins >= 0 AND users > 0
     ), noted AS (
         INSERT INTO donjon_session_events (session_id, user_id, reason, at, spares)
         SELECT ended.id, ended.user_id, $6::text, $5::bigint, NULL FROM locked, ended
         UNION ALL SELECT NULL, affected.id, $7::text, $5::bigint, affected.login_path
             FROM locked, affected
     ), dying AS MATERIALIZED (
         SELECT t.id FROM locked, donjon_api_tokens t JOIN donjon_users u ON u.id = t.user_id
         WHERE u.id IN (SELECT id FROM affected) AND t.revoked_at IS NULL
           AND (($4 AND t.login_path IS NULL) OR NOT ",
    token_let_in!(),
    ") ORDER BY t.id FOR UPDATE OF t
     ) UPDATE donjon_api_tokens t SET revoked_at = $5::bigint FROM dying WHERE t.id = dying.id"
);

pub(super) async fn close(connection: &mut PgConnection, closing: Closing<'_>) -> sqlx::Result<()> {
    query(CLOSE)
        .bind(closing.organization.0)
        .bind(closing.domain)
        .bind(closing.user.map(UserId::as_str))
        .bind(closing.with_hosts)
        .bind(micros(closing.at))
        .bind(SessionEnd::Revoked.as_str())
        .bind(SessionEnd::SingleSignOn.as_str())
        .bind(SESSION_EVENTS_LOCK)
        .execute(connection)
        .await?;
    Ok(())
}
