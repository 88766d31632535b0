//! What single sign-on closes for somebody ends, with its events.

use sqlx::{SqliteConnection, query, query_as};
use uuid::Uuid;

use super::session::note_ends;
use crate::scope::{SessionEnd, UserId};
use crate::store::Result;
use crate::store::sql::convert::micros;
use crate::store::sql::single_sign_on::{Closing, affected, let_in, token_let_in};

const SESSIONS: &str = concat!(
    "DELETE FROM donjon_sessions WHERE id IN (
         SELECT s.id FROM (",
    affected!(),
    ") AS affected JOIN donjon_users u ON u.id = affected.id
         JOIN donjon_sessions s ON s.user_id = u.id WHERE NOT ",
    let_in!(),
    ") RETURNING id, user_id"
);

const TOKENS: &str = concat!(
    "UPDATE donjon_api_tokens SET revoked_at = $5 WHERE revoked_at IS NULL AND id IN (
         SELECT t.id FROM (",
    affected!(),
    ") AS affected JOIN donjon_users u ON u.id = affected.id
         JOIN donjon_api_tokens t ON t.user_id = u.id
         WHERE ($4 AND t.login_path IS NULL) OR NOT ",
    token_let_in!(),
    ")"
);

const EVENTS: &str = concat!(
    "INSERT INTO donjon_session_events (session_id, user_id, reason, at, spares)
     SELECT NULL, affected.id, $4, $5, affected.login_path FROM (",
    affected!(),
    ") AS affected"
);

/// It follows the change in its transition, and sees it.
pub(super) async fn close(connection: &mut SqliteConnection, closing: Closing<'_>) -> Result<()> {
    let (organization, domain) = (closing.organization.0, closing.domain);
    let (user, at) = (closing.user.map(UserId::as_str), micros(closing.at));
    let ended: Vec<(Uuid, Option<String>)> = query_as(SESSIONS)
        .bind(organization)
        .bind(domain)
        .bind(user)
        .fetch_all(&mut *connection)
        .await?;
    note_ends(connection, ended, SessionEnd::Revoked, closing.at).await?;
    query(TOKENS)
        .bind(organization)
        .bind(domain)
        .bind(user)
        .bind(closing.with_hosts)
        .bind(at)
        .execute(&mut *connection)
        .await?;
    query(EVENTS)
        .bind(organization)
        .bind(domain)
        .bind(user)
        .bind(SessionEnd::SingleSignOn.as_str())
        .bind(at)
        .execute(&mut *connection)
        .await?;
    Ok(())
}
