use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection, query, query_as, query_scalar};
use time::{Duration, OffsetDateTime};

use super::audit::{along, effects, familiar, note_derived, note_seen};
use super::session::END_ALL;
use super::sweep::sweep;
use super::{PostgresStore, SESSION_EVENTS_LOCK};
use crate::scope::{Attributes, SessionEnd, UserId};
use crate::store::sql::account::user_id;
use crate::store::sql::audit::bind_end;
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

/// The user's row before all others, as in a reset; then, for the next statement, their
/// organizations, so that of two owners who leave the second sees the first, and whoever joins comes
/// before or after.
const LOCK_USER: &str = "SELECT id FROM donjon_users WHERE id = $1 FOR UPDATE";
pub(super) const LOCK_ORGANIZATIONS: &str = "SELECT o.id FROM donjon_organizations o \
     JOIN donjon_memberships m ON m.organization_id = o.id \
     WHERE m.user_id = $1 ORDER BY o.id FOR NO KEY UPDATE OF o";

const ENDS_OF_ORGANIZATIONS: &str = ends!(
    organizations,
    "CAST(substr(CAST($2 AS TEXT), 1, 19) || substr(md5(CAST($2 AS TEXT) || m.user_id \
         || m.organization_id || 'o'), 1, 4) || '-' || substr(md5(CAST($2 AS TEXT) || m.user_id \
         || m.organization_id || 'o'), 5, 12) AS UUID)"
);
const ENDS_OF_MEMBERSHIPS: &str = ends!(
    memberships,
    "CAST(substr(CAST($2 AS TEXT), 1, 19) || substr(md5(CAST($2 AS TEXT) || m.user_id \
         || m.organization_id), 1, 4) || '-' || substr(md5(CAST($2 AS TEXT) || m.user_id \
         || m.organization_id), 5, 12) AS UUID)"
);

#[async_trait]
impl LifecycleStore for PostgresStore {
    async fn standing(&self, user: &UserId) -> Result<Option<Standing>> {
        let row: Option<StandingRow> =
            query_as(STANDING).bind(user.as_str()).fetch_optional(self.pool()).await?;
        row.map(standing).transpose()
    }

    async fn request_deletion(
        &self,
        deletion: &NewDeletion,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionRequest> {
        // Several statements, since a session that is written meanwhile is seen by a later snapshot
        // only.
        let user = deletion.user.as_str();
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            lock(&mut transaction, user).await?;
            let row: Option<StandingRow> =
                query_as(STANDING).bind(user).fetch_optional(&mut *transaction).await?;
            let cools: Option<Option<i64>> =
                query_scalar(COOLS).bind(user).fetch_optional(&mut *transaction).await?;
            let sole = query_scalar(SOLE_OWNER).bind(user).fetch_all(&mut *transaction).await?;
            let present = row.map(standing).transpose()?;
            if let Some(refusal) = refusal(present, cools.flatten(), sole, now)? {
                return Ok(refusal);
            }
            query(REQUEST)
                .bind(user)
                .bind(micros(now))
                .bind(micros(deletion.at))
                .execute(&mut *transaction)
                .await?;
            query(CLOSE).bind(user).bind(micros(deletion.at)).execute(&mut *transaction).await?;
            for statement in ends() {
                query(AssertSqlSafe(statement)).bind(user).execute(&mut *transaction).await?;
            }
            if let Some((to, link)) = &deletion.keep {
                let binding = link.key.bind(&deletion.user, to);
                let written = query(KEEP_LINK)
                    .bind(user)
                    .bind(link.purpose.as_str())
                    .bind(link.token.as_bytes())
                    .bind(micros(link.expires_at))
                    .bind(binding.as_bytes().as_slice())
                    .bind(to)
                    .execute(&mut *transaction)
                    .await?;
                // Their address may be another by now: then nothing goes to this one.
                if written.rows_affected() > 0 {
                    write_effects(&mut transaction, &link.effects, &deletion.user).await?;
                }
            }
            write_effects(&mut transaction, along, &deletion.user).await?;
            end_sessions(&mut transaction, user, SessionEnd::AccountDeleted, now).await?;
            transaction.commit().await?;
            Ok(DeletionRequest::Scheduled)
        };
        self.pool().transition(work).await
    }

    async fn cancel_deletion(
        &self,
        by: &KeptBy,
        cooldown: Duration,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionCancel> {
        let (id, epoch, link) = kept_by(by);
        let kept: Option<(String, Option<bool>)> = query_as(concat!(
            "WITH owner AS MATERIALIZED (
                 SELECT id FROM donjon_users WHERE deletion_at > $1
                   AND device_epoch = coalesce($3, device_epoch)
                   AND id = coalesce($2, (SELECT user_id FROM donjon_links
                       WHERE token_hash = $4 AND purpose = 'keep' AND expires_at > $1
                         AND user_id = $7 AND email = $8))
                 FOR NO KEY UPDATE
             ), kept AS (
                 UPDATE donjon_deletions SET due_at = NULL, email = NULL, cools_until = $5
                 WHERE attempts = 0 AND due_at IS NOT NULL AND user_id = (SELECT id FROM owner)
                 RETURNING user_id
             ), links AS (
                 DELETE FROM donjon_links l USING kept
                 WHERE l.user_id = kept.user_id AND l.purpose = 'keep'
             ), ",
            along!("kept", "$6"),
            " UPDATE donjon_users u SET deletion_at = NULL FROM kept WHERE u.id = kept.user_id
              RETURNING u.id, ",
            familiar!("kept"),
        ))
        .bind(micros(now))
        .bind(id)
        .bind(epoch)
        .bind(link.map(|link| link.token.as_bytes().as_slice()))
        .bind(micros(now + cooldown))
        .bind(effects(along))
        .bind(link.map(|link| link.user.as_str()))
        .bind(link.map(|link| link.email.as_str()))
        .fetch_optional(self.pool())
        .await?;
        let (kept, is_familiar) = kept.unzip();
        note_seen(along, is_familiar.flatten());
        Ok(match kept {
            Some(id) => DeletionCancel::Kept(user_id(id)?),
            None => DeletionCancel::Late,
        })
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
        Ok(query_scalar(LEFT_ALONE).bind(user.as_str()).fetch_all(self.pool()).await?)
    }

    async fn execute_deletion(
        &self,
        deletion: &DueDeletion,
        strategy: DeletionStrategy,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionExecution> {
        let user = deletion.user.as_str();
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            lock(&mut transaction, user).await?;
            let sole: Vec<String> =
                query_scalar(LEFT_ALONE).bind(user).fetch_all(&mut *transaction).await?;
            if !sole.is_empty() {
                return Ok(DeletionExecution::SoleOwner(sole));
            }
            let taken = query(EXECUTING)
                .bind(user)
                .bind(micros(now))
                .bind(i64::from(deletion.attempt))
                .execute(&mut *transaction)
                .await?;
            if taken.rows_affected() == 0 {
                return Ok(DeletionExecution::Late);
            }
            let mut ended = Vec::new();
            if let Some(entry) = along.audit.first() {
                for ends in [ENDS_OF_ORGANIZATIONS, ENDS_OF_MEMBERSHIPS] {
                    let ends = bind_end!(ends, user.to_owned(), entry);
                    ended.extend(ends.fetch_all(&mut *transaction).await?);
                }
            }
            query(END_ORGANIZATIONS)
                .bind(user)
                .bind(micros(now))
                .execute(&mut *transaction)
                .await?;
            query(END_DOMAINS).bind(user).execute(&mut *transaction).await?;
            query(END_ENDPOINTS).bind(user).execute(&mut *transaction).await?;
            for statement in goes() {
                query(AssertSqlSafe(statement)).bind(user).execute(&mut *transaction).await?;
            }
            write_effects(&mut transaction, along, &deletion.user).await?;
            // In what was written along just now, too.
            let end = end_of_user(strategy);
            let end = if erases(strategy) { erasing(end) } else { end.to_owned() };
            query(AssertSqlSafe(end))
                .bind(user)
                .bind(micros(now))
                .execute(&mut *transaction)
                .await?;
            note_derived(along, ended)?;
            transaction.commit().await?;
            Ok(DeletionExecution::Deleted)
        };
        self.pool().transition(work).await
    }

    async fn finish_deletion(
        &self,
        deletion: &DueDeletion,
        outcome: DeletionOutcome,
    ) -> Result<()> {
        let (user, attempt) = (deletion.user.as_str(), i64::from(deletion.attempt));
        let done = match outcome {
            DeletionOutcome::Finished => query(FINISH).bind(user).bind(attempt),
            DeletionOutcome::Retry { at } => query(RETRY).bind(user).bind(attempt).bind(micros(at)),
        };
        done.execute(self.pool()).await?;
        Ok(())
    }

    async fn sweep_deletions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_deletions WHERE user_id IN
             (SELECT user_id FROM donjon_deletions WHERE cools_until <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)";
        sweep(self.pool(), over, now, limit).await
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
            .bind(i64::from(limit))
            .fetch_all(self.pool())
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
        // Two statements: what was added while the first waits for the row is seen by a later
        // snapshot only.
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            query("SELECT id FROM donjon_users WHERE id = $1 FOR UPDATE")
                .bind(user.as_str())
                .execute(&mut *transaction)
                .await?;
            let removed = query(REMOVE_ABANDONED)
                .bind(micros(before))
                .bind(micros(now))
                .bind(user.as_str())
                .execute(&mut *transaction)
                .await?;
            if removed.rows_affected() == 0 {
                return Ok(false);
            }
            for statement in goes() {
                query(AssertSqlSafe(statement))
                    .bind(user.as_str())
                    .execute(&mut *transaction)
                    .await?;
            }
            let erased = erasing("SELECT 1");
            query(AssertSqlSafe(erased)).bind(user.as_str()).execute(&mut *transaction).await?;
            write_effects(&mut transaction, along, user).await?;
            transaction.commit().await?;
            Ok(true)
        };
        self.pool().transition(work).await
    }

    async fn disable_account(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            let done: Option<String> = query_scalar(DISABLE)
                .bind(user.as_str())
                .bind(micros(now))
                .fetch_optional(&mut *transaction)
                .await?;
            if done.is_none() {
                return Ok(false);
            }
            query(VOID_INVITATIONS).bind(user.as_str()).execute(&mut *transaction).await?;
            write_effects(&mut transaction, along, user).await?;
            end_sessions(&mut transaction, user.as_str(), SessionEnd::SignedOutEverywhere, now)
                .await?;
            transaction.commit().await?;
            Ok(true)
        };
        self.pool().transition(work).await
    }

    async fn enable_account(&self, user: &UserId, along: &Effects) -> Result<bool> {
        let done = query_scalar(concat!(
            "WITH done AS (
                 UPDATE donjon_users SET disabled_at = NULL
                 WHERE id = $1 AND disabled_at IS NOT NULL AND deleted_at IS NULL
                 RETURNING id AS user_id
             ), ",
            along!("done", "$2"),
            " SELECT EXISTS (SELECT 1 FROM done)",
        ))
        .bind(user.as_str())
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(done)
    }

    async fn user_data(&self, user: &UserId, limit: u32) -> Result<Vec<UserSection>> {
        let mut all = Vec::new();
        for question in sections("jsonb_build_object", json_value) {
            let rows = query_scalar(AssertSqlSafe(question.sql.clone()))
                .bind(user.as_str())
                .bind(i64::from(limit) + 1)
                .fetch_all(self.pool())
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
            query_as(ATTRIBUTES).bind(user.as_str()).fetch_optional(self.pool()).await?;
        Ok(row.map(|(Json(attributes), version)| (attributes, AttributesVersion(version))))
    }

    async fn change_attributes(
        &self,
        user: &UserId,
        version: AttributesVersion,
        attributes: &Attributes,
        along: &Effects,
    ) -> Result<AttributesChange> {
        let done = query_scalar(concat!(
            "WITH done AS (
                 UPDATE donjon_users SET attributes = $3, attributes_version = $2 + 1
                 WHERE id = $1 AND attributes_version = $2 RETURNING id AS user_id
             ), ",
            along!("done", "$4"),
            " SELECT EXISTS (SELECT 1 FROM done)",
        ))
        .bind(user.as_str())
        .bind(version.0)
        .bind(Json(attributes))
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(if done { AttributesChange::Written } else { AttributesChange::Late })
    }
}

impl PostgresStore {
    async fn claim(
        &self,
        of: Option<&UserId>,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DueDeletion>> {
        let rows: Vec<DueRow> = query_as(
            "WITH due AS MATERIALIZED (
                 SELECT user_id FROM donjon_deletions
                 WHERE due_at <= $1 AND ($4::text IS NULL OR user_id = $4)
                 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
             ), taken AS (
                 UPDATE donjon_deletions d SET due_at = $2, attempts = attempts + 1
                 FROM due WHERE d.user_id = due.user_id
                 RETURNING d.user_id, d.email, d.attempts, d.executed_at
             )
             SELECT t.user_id, t.email, t.attempts, t.executed_at,
                 u.email, u.email_verified, u.attributes
             FROM taken t LEFT JOIN donjon_users u ON u.id = t.user_id",
        )
        .bind(micros(now))
        .bind(micros(now + lease))
        .bind(i64::from(limit))
        .bind(of.map(UserId::as_str))
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(due).collect()
    }
}

fn json_value(column: &str, kind: Kind) -> String {
    match kind {
        Kind::Count => format!("jsonb_array_length({column})"),
        _ => column.to_owned(),
    }
}

/// The same statement, which forgets user `$1` as well.
fn erasing(statement: &str) -> String {
    let [audit, events] = ERASE;
    format!("WITH audit AS ({audit}), events AS ({events}) {statement}")
}

async fn lock(connection: &mut PgConnection, user: &str) -> Result<()> {
    for statement in [LOCK_USER, LOCK_ORGANIZATIONS] {
        query(statement).bind(user).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn end_sessions(
    connection: &mut PgConnection,
    user: &str,
    end: SessionEnd,
    now: OffsetDateTime,
) -> Result<()> {
    query(END_ALL)
        .bind(end.as_str())
        .bind(micros(now))
        .bind(SESSION_EVENTS_LOCK)
        .bind(user)
        .bind(None::<uuid::Uuid>)
        .bind(true)
        .bind(effects(&Effects::none()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes what goes along with a change of `user`, in its transaction.
async fn write_effects(
    connection: &mut PgConnection,
    along: &Effects,
    user: &UserId,
) -> Result<()> {
    query(concat!(
        "WITH done AS (SELECT $1::text AS user_id), ",
        along!("done", "$2"),
        " SELECT 1",
    ))
    .bind(user.as_str())
    .bind(effects(along))
    .execute(connection)
    .await?;
    Ok(())
}
