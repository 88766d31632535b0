use async_trait::async_trait;
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

use super::SqliteStore;
use super::audit::{write_effects, write_effects_if};
use super::close::close;
use super::steps::{count_against_limit, drop_links, end_sessions, forget_attempts};
use crate::scope::{OrganizationId, SessionEnd, UserId};
use crate::store::sql::account::{address_key as attempts_key, user_id};
use crate::store::sql::convert::micros;
use crate::store::sql::email_change::{
    CodeRow, IS_OPEN, MANAGES, PENDING, PendingRow, address_key, code, is_managed, keeps_address,
    pending, proof, proven, tries_key, user_key,
};
use crate::store::sql::mail_link::code_key;
use crate::store::sql::single_sign_on::Closing;
use crate::store::{
    Effects, EmailChange, EmailChangeCode, EmailChangeRequest, EmailChangeStore, EmailChangeTries,
    EmailChanged, LinkPurpose, NewEmailChange, PendingEmailChange, RateLimit, Result,
};

#[async_trait]
impl EmailChangeStore for SqliteStore {
    async fn request_email_change(
        &self,
        change: &NewEmailChange,
        along: &Effects,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<EmailChangeRequest> {
        let (change, along) = (change.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move { request(connection, &change, &along, (limit, now)).await })
        })
        .await
    }

    async fn pending_email_change(
        &self,
        user: &UserId,
        now: OffsetDateTime,
    ) -> Result<Option<PendingEmailChange>> {
        let row: Option<PendingRow> = query_as(PENDING)
            .bind(user.as_str())
            .bind(micros(now))
            .fetch_optional(self.readers())
            .await?;
        row.map(pending).transpose()
    }

    async fn begin_email_change_code(
        &self,
        user: &UserId,
        tries: EmailChangeTries,
        now: OffsetDateTime,
    ) -> Result<Option<EmailChangeCode>> {
        let user = user.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let row: Option<PendingRow> = query_as(PENDING)
                    .bind(user.as_str())
                    .bind(micros(now))
                    .fetch_optional(&mut *connection)
                    .await?;
                let Some((email, ..)) = row else { return Ok(None) };
                let (own, limit) = (tries_key(&user), tries.user);
                let times = count_against_limit(connection, &own, limit, now, true).await?;
                if times > i64::from(limit.times) {
                    return Ok(None);
                }
                let (key, limit) = (code_key(LinkPurpose::ChangeEmail, &email), tries.address);
                let times = count_against_limit(connection, &key, limit, now, true).await?;
                let tried: Option<CodeRow> = query_as(
                    "UPDATE donjon_links SET code_tries = code_tries + 1
                     WHERE user_id = ?1 AND purpose = 'change_email' AND code_hash IS NOT NULL
                       AND code_tries < ?2 AND ?3
                     RETURNING email, token_hash, code_hash",
                )
                .bind(user.as_str())
                .bind(i64::from(tries.each))
                .bind(times <= i64::from(limit.times))
                .fetch_optional(connection)
                .await?;
                tried.map(code).transpose()
            })
        })
        .await
    }

    async fn cancel_email_change(&self, user: &UserId, along: &Effects) -> Result<bool> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let gone = query(
                    "DELETE FROM donjon_links WHERE user_id = ?1 AND purpose = 'change_email'",
                )
                .bind(user.as_str())
                .execute(&mut *connection)
                .await?;
                let cancelled = gone.rows_affected() > 0;
                write_effects_if(connection, &along, Some(&user), cancelled).await?;
                Ok(cancelled)
            })
        })
        .await
    }

    async fn change_email(
        &self,
        change: &EmailChange,
        along: &Effects,
        released: &Effects,
    ) -> Result<EmailChanged> {
        let (change, along, released) = (change.clone(), along.clone(), released.clone());
        self.transition(move |connection| {
            Box::pin(async move { apply(connection, &change, &along, &released).await })
        })
        .await
    }
}

async fn request(
    connection: &mut SqliteConnection,
    change: &NewEmailChange,
    along: &Effects,
    (limit, now): (RateLimit, OffsetDateTime),
) -> Result<EmailChangeRequest> {
    let (user, allowed) = (&change.user, i64::from(limit.times));
    let open: bool = query_scalar(IS_OPEN).bind(user.as_str()).fetch_one(&mut *connection).await?;
    if !open {
        return Ok(EmailChangeRequest::NoAccount);
    }
    let asked = count_against_limit(connection, &user_key(user), limit, now, true).await?;
    if asked > allowed {
        return Ok(EmailChangeRequest::Limited);
    }
    let key = address_key(&change.email);
    let mails = count_against_limit(connection, &key, limit, now, true).await? <= allowed;
    let binding = change.link.key.bind(user, &change.email);
    query(
        "INSERT INTO donjon_links
             (user_id, purpose, token_hash, email, expires_at, code_hash, binding)
         VALUES (?1, 'change_email', ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (user_id, purpose) DO UPDATE SET token_hash = excluded.token_hash,
             email = excluded.email, expires_at = excluded.expires_at,
             code_hash = excluded.code_hash, binding = excluded.binding, code_tries = 0",
    )
    .bind(user.as_str())
    .bind(change.link.token.as_bytes().as_slice())
    .bind(&change.email)
    .bind(micros(change.link.expires_at))
    .bind(change.link.code.as_ref().map(|code| code.as_bytes().as_slice()))
    .bind(binding.as_bytes().as_slice())
    .execute(&mut *connection)
    .await?;
    let owner: Option<String> = query_scalar(concat!(
        "SELECT u.id FROM donjon_users u WHERE u.email = ?1 AND u.id <> ?2 AND ",
        keeps_address!()
    ))
    .bind(&change.email)
    .bind(user.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let owner = owner.map(user_id).transpose()?;
    let (free, taken) = (mails && owner.is_none(), mails && owner.is_some());
    write_effects(connection, along, Some(user)).await?;
    write_effects_if(connection, &change.link.effects, Some(user), free).await?;
    write_effects_if(connection, &change.taken, owner.as_ref(), taken).await?;
    Ok(EmailChangeRequest::Pending)
}

async fn apply(
    connection: &mut SqliteConnection,
    change: &EmailChange,
    along: &Effects,
    released: &Effects,
) -> Result<EmailChanged> {
    released.receipt.note(false);
    let (user, (token, word, to)) = (&change.user, proof(&change.proof));
    let proven: Option<(String, String)> = query_as(proven!(to "$6"))
        .bind(user.as_str())
        .bind(token)
        .bind(micros(change.at))
        .bind(word)
        .bind(change.keep.map(|id| id.0))
        .bind(to)
        .fetch_optional(&mut *connection)
        .await?;
    let Some((_, email)) = proven else { return Ok(EmailChanged::Invalid) };
    let managed: bool = query_scalar(concat!(
        "SELECT ?3 AND ",
        is_managed!("?1", "substr(?2, instr(?2, '@') + 1)")
    ))
    .bind(user.as_str())
    .bind(&email)
    .bind(word.is_none())
    .fetch_one(&mut *connection)
    .await?;
    if managed {
        return Ok(EmailChanged::Managed);
    }
    let holder: Option<(String, bool)> = query_as(concat!(
        "SELECT u.id, ",
        keeps_address!(),
        " FROM donjon_users u WHERE u.email = ?1 AND u.id <> ?2"
    ))
    .bind(&email)
    .bind(user.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    if let Some((holder, keeps)) = holder {
        if keeps {
            query("DELETE FROM donjon_links WHERE user_id = ?1 AND token_hash = ?2")
                .bind(user.as_str())
                .bind(token)
                .execute(&mut *connection)
                .await?;
            return Ok(EmailChanged::Taken);
        }
        release(connection, &user_id(holder)?, &email, released).await?;
    }
    let device_epoch = query_scalar(
        "UPDATE donjon_users SET email = ?2, email_verified = TRUE,
             device_epoch = device_epoch + 1 WHERE id = ?1 RETURNING device_epoch",
    )
    .bind(user.as_str())
    .bind(&email)
    .fetch_one(&mut *connection)
    .await?;
    drop_links(connection, user).await?;
    forget_attempts(connection, &attempts_key(&email)).await?;
    let end = (SessionEnd::EmailChanged, change.at);
    end_sessions(connection, user, change.keep, end).await?;
    let manages: Option<Uuid> =
        query_scalar(MANAGES).bind(user.as_str()).fetch_optional(&mut *connection).await?;
    if let Some(organization) = manages.map(OrganizationId) {
        close(connection, Closing::member((organization, user), change.at)).await?;
    }
    write_effects(connection, along, Some(user)).await?;
    Ok(EmailChanged::Done { device_epoch })
}

/// Who never confirmed an address has it no more.
async fn release(
    connection: &mut SqliteConnection,
    holder: &UserId,
    email: &str,
    released: &Effects,
) -> Result<()> {
    query("UPDATE donjon_users SET email = NULL, email_verified = FALSE WHERE id = ?1")
        .bind(holder.as_str())
        .execute(&mut *connection)
        .await?;
    query("DELETE FROM donjon_links WHERE user_id = ?1 AND email = ?2")
        .bind(holder.as_str())
        .bind(email)
        .execute(&mut *connection)
        .await?;
    write_effects(connection, released, Some(holder)).await
}
