//! What several transitions of users do on their way.

use sqlx::SqliteConnection;
use time::OffsetDateTime;

use super::audit::write_effects_if;
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::sql::account::{bind_user, user_id};
use crate::store::sql::convert::micros;
use crate::store::sql::mail_link::request_key;
use crate::store::{FollowedLink, LinkPurpose, NewLink, NewUser, RateLimit, Registration, Result};

/// Writes a user, who `signed_up` or was made by the host.
pub(super) async fn insert_user(
    connection: &mut SqliteConnection,
    user: &NewUser,
    signed_up: bool,
) -> Result<Registration> {
    let insert = sqlx::query(
        "INSERT INTO donjon_users
             (id, email, email_verified, attributes, password, created_at, password_set_at,
              signed_up)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?5 IS NULL THEN NULL ELSE ?6 END, ?7)
         ON CONFLICT (email) DO NOTHING",
    );
    let written = bind_user!(insert, user).bind(signed_up).execute(connection).await?;
    let fresh = written.rows_affected() > 0;
    Ok(if fresh { Registration::Registered } else { Registration::EmailTaken })
}

/// Uses up a link that works; answers whose it was.
pub(super) async fn use_link(
    connection: &mut SqliteConnection,
    purpose: LinkPurpose,
    link: &FollowedLink,
    now: OffsetDateTime,
) -> Result<Option<UserId>> {
    let used: Option<String> = sqlx::query_scalar(
        "DELETE FROM donjon_links AS l
         WHERE l.token_hash = ?1 AND l.purpose = ?2 AND l.expires_at > ?3
           AND l.user_id = ?4 AND l.email = ?5
           AND EXISTS (SELECT 1 FROM donjon_users u WHERE u.id = l.user_id AND u.email = l.email
                       AND u.deleted_at IS NULL)
         RETURNING user_id",
    )
    .bind(link.token.as_bytes().as_slice())
    .bind(purpose.as_str())
    .bind(micros(now))
    .bind(link.user.as_str())
    .bind(&link.email)
    .fetch_optional(connection)
    .await?;
    used.map(user_id).transpose()
}

/// Writes a link to the account with this address, which is `owner`, and what goes along, if there is
/// one: as many statements either way. Answers whether it was written.
pub(super) async fn write_link_if(
    connection: &mut SqliteConnection,
    (owner, email): (Option<&UserId>, &str),
    link: &NewLink,
) -> Result<bool> {
    let binding = owner.map(|owner| link.key.bind(owner, email));
    let written: Option<String> = sqlx::query_scalar(
        "INSERT INTO donjon_links
             (user_id, purpose, token_hash, email, expires_at, code_hash, binding)
         SELECT id, ?2, ?3, email, ?4, ?6, ?7 FROM donjon_users
         WHERE email = ?1 AND id = ?5 AND deleted_at IS NULL AND (?2 <> 'confirm' OR NOT email_verified)
         ON CONFLICT (user_id, purpose) DO UPDATE SET
             token_hash = excluded.token_hash, email = excluded.email,
             expires_at = excluded.expires_at, code_hash = excluded.code_hash,
             binding = excluded.binding, code_tries = 0
         RETURNING user_id",
    )
    .bind(email)
    .bind(link.purpose.as_str())
    .bind(link.token.as_bytes().as_slice())
    .bind(micros(link.expires_at))
    .bind(owner.map(UserId::as_str))
    .bind(link.code.as_ref().map(|code| code.as_bytes().as_slice()))
    .bind(binding.as_ref().map(|binding| binding.as_bytes().as_slice()))
    .fetch_optional(&mut *connection)
    .await?;
    let owner = written.map(user_id).transpose()?;
    write_effects_if(connection, &link.effects, owner.as_ref(), owner.is_some()).await?;
    Ok(owner.is_some())
}

pub(super) async fn forget_attempts(connection: &mut SqliteConnection, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM donjon_login_attempts WHERE key = ?1")
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn end_sessions(
    connection: &mut SqliteConnection,
    user: &UserId,
    keep: Option<SessionId>,
    (end, now): (SessionEnd, OffsetDateTime),
) -> Result<()> {
    let keep = keep.map(|id| id.0);
    sqlx::query(
        "INSERT INTO donjon_session_events (session_id, user_id, reason, at)
         SELECT id, user_id, ?2, ?3 FROM donjon_sessions
         WHERE user_id = ?1 AND (?4 IS NULL OR id <> ?4)
         UNION ALL SELECT NULL, ?1, ?2, ?3 WHERE ?5",
    )
    .bind(user.as_str())
    .bind(end.as_str())
    .bind(micros(now))
    .bind(keep)
    .bind(end.ends_offline_access())
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM donjon_sessions WHERE user_id = ?1 AND (?2 IS NULL OR id <> ?2)")
        .bind(user.as_str())
        .bind(keep)
        .execute(&mut *connection)
        .await?;
    if end.ends_offline_access() {
        revoke_api_tokens(connection, user, now).await?;
    }
    Ok(())
}

/// Whether the address of a user is confirmed.
pub(super) async fn is_confirmed(connection: &mut SqliteConnection, user: &UserId) -> Result<bool> {
    let confirmed = sqlx::query_scalar("SELECT email_verified FROM donjon_users WHERE id = ?1")
        .bind(user.as_str())
        .fetch_one(connection)
        .await?;
    Ok(confirmed)
}

/// The owner of an address takes over an account that somebody else may have set up: what opens it
/// beside password, sessions and links is gone.
pub(super) async fn take_over(
    connection: &mut SqliteConnection,
    user: &UserId,
    now: OffsetDateTime,
) -> Result<()> {
    for statement in [
        "DELETE FROM donjon_passkeys WHERE user_id = ?1",
        "DELETE FROM donjon_identities WHERE user_id = ?1",
        "DELETE FROM donjon_totp WHERE user_id = ?1",
        "UPDATE donjon_users SET passkeys = 0 WHERE id = ?1",
    ] {
        sqlx::query(statement).bind(user.as_str()).execute(&mut *connection).await?;
    }
    revoke_api_tokens(connection, user, now).await?;
    drop_links(connection, user).await
}

/// What ends offline access ends the API tokens of a user.
pub(super) async fn revoke_api_tokens(
    connection: &mut SqliteConnection,
    user: &UserId,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query(
        "UPDATE donjon_api_tokens SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL",
    )
    .bind(user.as_str())
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a session is there, and the user's; no session at all is the host itself.
pub(super) async fn lives(
    connection: &mut SqliteConnection,
    session: Option<SessionId>,
    user: &UserId,
) -> Result<bool> {
    let lives = sqlx::query_scalar(
        "SELECT ?1 IS NULL
             OR EXISTS (SELECT 1 FROM donjon_sessions WHERE id = ?1 AND user_id = ?2)",
    )
    .bind(session.map(|id| id.0))
    .bind(user.as_str())
    .fetch_one(connection)
    .await?;
    Ok(lives)
}

/// None of the mailed links of a user works any more.
pub(super) async fn drop_links(connection: &mut SqliteConnection, user: &UserId) -> Result<()> {
    sqlx::query("DELETE FROM donjon_links WHERE user_id = ?1")
        .bind(user.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// The same as [`count_against_limit`] for a link to an address; answers whose it is, too.
pub(super) async fn count_link_request(
    connection: &mut SqliteConnection,
    (purpose, email): (LinkPurpose, &str),
    (limit, now): (RateLimit, OffsetDateTime),
    counts: bool,
) -> Result<(i64, Option<UserId>)> {
    let counted: Option<(i64, Option<String>)> = sqlx::query_as(
        "INSERT INTO donjon_rate_limits AS r (key, times, expires_at) SELECT ?1, 1, ?3 WHERE ?4
         ON CONFLICT (key) DO UPDATE SET
             times = CASE WHEN r.expires_at <= ?2 THEN 1 ELSE r.times + 1 END,
             expires_at = CASE WHEN r.expires_at <= ?2 THEN ?3 ELSE r.expires_at END
         RETURNING times, (SELECT u.id FROM donjon_users u
                           WHERE u.email = ?5 AND u.deleted_at IS NULL)",
    )
    .bind(request_key(purpose, email))
    .bind(micros(now))
    .bind(micros(now + limit.window))
    .bind(counts)
    .bind(email)
    .fetch_optional(connection)
    .await?;
    let Some((times, owner)) = counted else { return Ok((0, None)) };
    Ok((times, owner.map(user_id).transpose()?))
}

/// Counts one more use of a limit, if it `counts`; answers how many there are in its window then.
/// One statement either way.
pub(super) async fn count_against_limit(
    connection: &mut SqliteConnection,
    key: &str,
    limit: RateLimit,
    now: OffsetDateTime,
    counts: bool,
) -> Result<i64> {
    let times = sqlx::query_scalar(
        "INSERT INTO donjon_rate_limits AS r (key, times, expires_at) SELECT ?1, 1, ?3 WHERE ?4
         ON CONFLICT (key) DO UPDATE SET
             times = CASE WHEN r.expires_at <= ?2 THEN 1 ELSE r.times + 1 END,
             expires_at = CASE WHEN r.expires_at <= ?2 THEN ?3 ELSE r.expires_at END
         RETURNING times",
    )
    .bind(key)
    .bind(micros(now))
    .bind(micros(now + limit.window))
    .bind(counts)
    .fetch_optional(connection)
    .await?;
    Ok(times.unwrap_or(0))
}
