//! Of a user's sessions only so many live beside a new one.

use sqlx::{SqliteConnection, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::session::note_ends;
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::Result;
use crate::store::sql::convert::micros;

/// Ends those of a user's sessions beside `kept` that are too many: the ones that were used longest ago.
pub(super) async fn displace(
    connection: &mut SqliteConnection,
    (user, kept): (Option<&UserId>, SessionId),
    beside: Option<u32>,
    now: OffsetDateTime,
) -> Result<()> {
    let (Some(user), Some(beside)) = (user, beside) else { return Ok(()) };
    let ended: Vec<(Uuid, Option<String>)> = query_as(
        "DELETE FROM donjon_sessions WHERE id IN (SELECT id FROM donjon_sessions \
         WHERE user_id = $1 AND id <> $2 AND expires_at > $3 \
         AND (idle_expires_at IS NULL OR idle_expires_at > $3) \
         ORDER BY last_active_at DESC, id DESC LIMIT -1 OFFSET $4) RETURNING id, user_id",
    )
    .bind(user.as_str())
    .bind(kept.0)
    .bind(micros(now))
    .bind(beside)
    .fetch_all(&mut *connection)
    .await?;
    note_ends(connection, ended, SessionEnd::Displaced, now).await
}
