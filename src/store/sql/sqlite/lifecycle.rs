use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqliteConnection, query, query_as, query_scalar};
use time::{Duration, OffsetDateTime};

use super::SqliteStore;
use super::audit::{tell_of_ends, write_effects};
use super::steps::end_sessions;
use crate::scope::{Attributes, SessionEnd, UserId};
use crate::store::sql::account::user_id;
use crate::store::sql::convert::micros;
use crate::store::sql::ends::ends;
use crate::store::sql::erase::{ERASE, erases};
use crate::store::sql::lifecycle::{
    ABANDONED, ATTRIBUTES, CLOSE, COOLS, DISABLE, DueRow, END_DOMAINS, END_ENDPOINTS,
    END_ORGANIZATIONS, EXECUTING, FINISH, KEEP_LINK, LEFT_ALONE, REMOVE_ABANDONED, REQUEST, RETRY,
    SOLE_OWNER, STANDING, StandingRow, VOID_INVITATIONS, due, end_of_user, ends, goes, kept_by,
    refusal, sections, standing,
};
use crate::store::user_data::Kind;
use crate::store::{
    AttributesChange, AttributesVersion, DeletionCancel, DeletionExecution, DeletionOutcome,
    DeletionRequest, DeletionStrategy, DueDeletion, Effects, KeptBy, LifecycleStore, NewDeletion,
    Result, Standing, UserSection,
};

const ENDS_OF_ORGANIZATIONS: &str =
    ends!(organizations, "CAST(substr($2, 1, 8) || randomblob(8) AS BLOB)");
const ENDS_OF_MEMBERSHIPS: &str =
    ends!(memberships, "CAST(substr($2, 1, 8) || randomblob(8) AS BLOB)");

#[async_trait]
impl LifecycleStore for SqliteStore {
    async fn standing(&self, user: &UserId) -> Result<Option<Standing>> {
        let row: Option<StandingRow> =
            query_as(STANDING).bind(user.as_str()).fetch_optional(self.readers()).await?;
        row.map(standing).transpose()
    }

    async fn request_deletion(
        &self,
        deletion: &NewDeletion,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionRequest> {
        let (deletion, along) = (deletion.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move { request(connection, &deletion, &along, now).await })
        })
        .await
    }

    async fn cancel_deletion(
        &self,
        by: &KeptBy,
        cooldown: Duration,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionCancel> {
        let (by, along) = (by.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let (id, epoch, link) = kept_by(&by);
                let kept: Option<String> = query_scalar(
                    "UPDATE donjon_deletions SET due_at = NULL, email = NULL, cools_until = ?5
                     WHERE attempts = 0 AND due_at IS NOT NULL AND user_id =
                         (SELECT id FROM donjon_users WHERE deletion_at > ?1
                          AND device_epoch = coalesce(?3, device_epoch)
                          AND id = coalesce(?2, (SELECT user_id FROM donjon_links
                              WHERE token_hash = ?4 AND purpose = 'keep' AND expires_at > ?1
                                AND user_id = ?6 AND email = ?7)))
                     RETURNING user_id",
                )
                .bind(micros(now))
                .bind(id)
                .bind(epoch)
                .bind(link.map(|link| link.token.as_bytes().as_slice()))
                .bind(micros(now + cooldown))
                .bind(link.map(|link| link.user.as_str()))
                .bind(link.map(|link| link.email.as_str()))
                .fetch_optional(&mut *connection)
                .await?;
                let Some(id) = kept else { return Ok(DeletionCancel::Late) };
                let id = user_id(id)?;
                for statement in [
                    "UPDATE donjon_users SET deletion_at = NULL WHERE id = ?1",
                    "DELETE FROM donjon_links WHERE user_id = ?1 AND purpose = 'keep'",
                ] {
                    query(statement).bind(id.as_str()).execute(&mut *connection).await?;
                }
                write_effects(connection, &along, Some(&id)).await?;
                Ok(DeletionCancel::Kept(id))
            })
        })
        .await
    }

    async fn claim_deletions(
        &self,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DueDeletion>> {
        self.claim(None, now, lease, limit).await
    }

    async fn claim_deletion_of(
        &self,
        user: &UserId,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Option<DueDeletion>> {
        Ok(self.claim(Some(user), now, lease, 1).await?.pop())
    }

    async fn left_alone_by(&self, user: &UserId) -> Result<Vec<String>> {
        Ok(query_scalar(LEFT_ALONE).bind(user.as_str()).fetch_all(self.readers()).await?)
    }

    async fn execute_deletion(
        &self,
        deletion: &DueDeletion,
        strategy: DeletionStrategy,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionExecution> {
        let (deletion, along) = (deletion.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move { execute(connection, &deletion, strategy, &along, now).await })
        })
        .await
    }

    async fn finish_deletion(
        &self,
        deletion: &DueDeletion,
        outcome: DeletionOutcome,
    ) -> Result<()> {
        let (user, attempt) = (deletion.user.clone(), i64::from(deletion.attempt));
        self.transition(move |connection| {
            Box::pin(async move {
                let done = match outcome {
                    DeletionOutcome::Finished => query(FINISH).bind(user.as_str()).bind(attempt),
                    DeletionOutcome::Retry { at } => {
                        query(RETRY).bind(user.as_str()).bind(attempt).bind(micros(at))
                    }
                };
                done.execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn sweep_deletions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_deletions WHERE rowid IN
             (SELECT rowid FROM donjon_deletions WHERE cools_until <= ?1 LIMIT ?2)";
        self.sweep(over, now, limit).await
    }

    async fn abandoned_accounts(
        &self,
        before: OffsetDateTime,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<UserId>> {
        let ids: Vec<String> = query_scalar(ABANDONED)
            .bind(micros(before))
            .bind(micros(now))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        ids.into_iter().map(user_id).collect()
    }

    async fn remove_abandoned_account(
        &self,
        user: &UserId,
        before: OffsetDateTime,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let removed = query(REMOVE_ABANDONED)
                    .bind(micros(before))
                    .bind(micros(now))
                    .bind(user.as_str())
                    .execute(&mut *connection)
                    .await?;
                if removed.rows_affected() == 0 {
                    return Ok(false);
                }
                for statement in goes() {
                    query(AssertSqlSafe(statement))
                        .bind(user.as_str())
                        .execute(&mut *connection)
                        .await?;
                }
                erase(connection, user.as_str()).await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn disable_account(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let done: Option<String> = query_scalar(DISABLE)
                    .bind(user.as_str())
                    .bind(micros(now))
                    .fetch_optional(&mut *connection)
                    .await?;
                if done.is_none() {
                    return Ok(false);
                }
                query(VOID_INVITATIONS).bind(user.as_str()).execute(&mut *connection).await?;
                end_sessions(connection, &user, None, (SessionEnd::SignedOutEverywhere, now))
                    .await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn enable_account(&self, user: &UserId, along: &Effects) -> Result<bool> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(
                    "UPDATE donjon_users SET disabled_at = NULL
                     WHERE id = ?1 AND disabled_at IS NOT NULL AND deleted_at IS NULL",
                )
                .bind(user.as_str())
                .execute(&mut *connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(false);
                }
                write_effects(connection, &along, Some(&user)).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn user_data(&self, user: &UserId, limit: u32) -> Result<Vec<UserSection>> {
        let mut all = Vec::new();
        for question in sections("json_object", json_value) {
            let rows = query_scalar(AssertSqlSafe(question.sql.clone()))
                .bind(user.as_str())
                .bind(i64::from(limit) + 1)
                .fetch_all(self.readers())
                .await?;
            all.push(question.section(rows, limit));
        }
        Ok(all)
    }

    async fn load_attributes(
        &self,
        user: &UserId,
    ) -> Result<Option<(Attributes, AttributesVersion)>> {
        let row: Option<(Json<Attributes>, i64)> =
            query_as(ATTRIBUTES).bind(user.as_str()).fetch_optional(self.readers()).await?;
        Ok(row.map(|(Json(attributes), version)| (attributes, AttributesVersion(version))))
    }

    async fn change_attributes(
        &self,
        user: &UserId,
        version: AttributesVersion,
        attributes: &Attributes,
        along: &Effects,
    ) -> Result<AttributesChange> {
        let (user, attributes, along) = (user.clone(), attributes.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(
                    "UPDATE donjon_users SET attributes = ?3, attributes_version = ?2 + 1
                     WHERE id = ?1 AND attributes_version = ?2",
                )
                .bind(user.as_str())
                .bind(version.0)
                .bind(Json(attributes))
                .execute(&mut *connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(AttributesChange::Late);
                }
                write_effects(connection, &along, Some(&user)).await?;
                Ok(AttributesChange::Written)
            })
        })
        .await
    }
}

impl SqliteStore {
    async fn claim(
        &self,
        of: Option<&UserId>,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DueDeletion>> {
        let of = of.cloned();
        self.transition(move |connection| {
            Box::pin(async move {
                let taken: Vec<String> = query_scalar(
                    "UPDATE donjon_deletions SET due_at = ?2, attempts = attempts + 1
                     WHERE user_id IN (SELECT user_id FROM donjon_deletions WHERE due_at <= ?1 AND (?4 IS NULL OR user_id = ?4)
                                       ORDER BY due_at LIMIT ?3)
                     RETURNING user_id",
                )
                .bind(micros(now))
                .bind(micros(now + lease))
                .bind(limit)
                .bind(of.as_ref().map(UserId::as_str))
                .fetch_all(&mut *connection)
                .await?;
                let mut all = Vec::with_capacity(taken.len());
                for user in taken {
                    let row: DueRow = query_as(
                        "SELECT d.user_id, d.email, d.attempts, d.executed_at,
                             u.email, u.email_verified, u.attributes
                         FROM donjon_deletions d LEFT JOIN donjon_users u ON u.id = d.user_id
                         WHERE d.user_id = ?1",
                    )
                    .bind(user)
                    .fetch_one(&mut *connection)
                    .await?;
                    all.push(due(row)?);
                }
                Ok(all)
            })
        })
        .await
    }
}

fn json_value(column: &str, kind: Kind) -> String {
    match kind {
        Kind::Text | Kind::Time => column.to_owned(),
        Kind::Uuid => format!("CASE WHEN {column} IS NULL THEN NULL ELSE hex({column}) END"),
        Kind::Flag => format!("json(CASE WHEN {column} THEN 'true' ELSE 'false' END)"),
        Kind::Json => format!("json({column})"),
        Kind::Count => format!("json_array_length({column})"),
    }
}

async fn request(
    connection: &mut SqliteConnection,
    deletion: &NewDeletion,
    along: &Effects,
    now: OffsetDateTime,
) -> Result<DeletionRequest> {
    let user = deletion.user.as_str();
    let row: Option<StandingRow> =
        query_as(STANDING).bind(user).fetch_optional(&mut *connection).await?;
    let cools: Option<Option<i64>> =
        query_scalar(COOLS).bind(user).fetch_optional(&mut *connection).await?;
    let sole = query_scalar(SOLE_OWNER).bind(user).fetch_all(&mut *connection).await?;
    let present = row.map(standing).transpose()?;
    if let Some(refusal) = refusal(present, cools.flatten(), sole, now)? {
        return Ok(refusal);
    }
    query(REQUEST)
        .bind(user)
        .bind(micros(now))
        .bind(micros(deletion.at))
        .execute(&mut *connection)
        .await?;
    query(CLOSE).bind(user).bind(micros(deletion.at)).execute(&mut *connection).await?;
    for statement in ends() {
        query(AssertSqlSafe(statement)).bind(user).execute(&mut *connection).await?;
    }
    if let Some((to, link)) = &deletion.keep {
        let binding = link.key.bind(&deletion.user, to);
        let written = query(KEEP_LINK)
            .bind(user)
            .bind(link.purpose.as_str())
            .bind(link.token.as_bytes().as_slice())
            .bind(micros(link.expires_at))
            .bind(binding.as_bytes().as_slice())
            .bind(to)
            .execute(&mut *connection)
            .await?;
        // Their address may be another by now: then nothing goes to this one.
        if written.rows_affected() > 0 {
            write_effects(connection, &link.effects, Some(&deletion.user)).await?;
        }
    }
    end_sessions(connection, &deletion.user, None, (SessionEnd::AccountDeleted, now)).await?;
    write_effects(connection, along, Some(&deletion.user)).await?;
    Ok(DeletionRequest::Scheduled)
}

async fn execute(
    connection: &mut SqliteConnection,
    deletion: &DueDeletion,
    strategy: DeletionStrategy,
    along: &Effects,
    now: OffsetDateTime,
) -> Result<DeletionExecution> {
    let user = deletion.user.as_str();
    let sole: Vec<String> = query_scalar(LEFT_ALONE).bind(user).fetch_all(&mut *connection).await?;
    if !sole.is_empty() {
        return Ok(DeletionExecution::SoleOwner(sole));
    }
    let taken = query(EXECUTING)
        .bind(user)
        .bind(micros(now))
        .bind(i64::from(deletion.attempt))
        .execute(&mut *connection)
        .await?;
    if taken.rows_affected() == 0 {
        return Ok(DeletionExecution::Late);
    }
    let mut ended = Vec::new();
    for ends in [ENDS_OF_ORGANIZATIONS, ENDS_OF_MEMBERSHIPS] {
        ended.extend(tell_of_ends(connection, ends, user.to_owned(), along).await?);
    }
    along.receipt.note_derived(ended);
    query(END_ORGANIZATIONS).bind(user).bind(micros(now)).execute(&mut *connection).await?;
    query(END_DOMAINS).bind(user).execute(&mut *connection).await?;
    query(END_ENDPOINTS).bind(user).execute(&mut *connection).await?;
    for statement in goes() {
        query(AssertSqlSafe(statement)).bind(user).execute(&mut *connection).await?;
    }
    write_effects(connection, along, Some(&deletion.user)).await?;
    if erases(strategy) {
        erase(connection, user).await?;
    }
    query(end_of_user(strategy)).bind(user).bind(micros(now)).execute(&mut *connection).await?;
    Ok(DeletionExecution::Deleted)
}

/// Forgets the user, in what was written just now, too.
async fn erase(connection: &mut SqliteConnection, user: &str) -> Result<()> {
    for statement in ERASE {
        query(statement).bind(user).execute(&mut *connection).await?;
    }
    Ok(())
}
