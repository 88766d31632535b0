use async_trait::async_trait;
use sqlx::{query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

use super::PostgresStore;
use super::audit::{along, effects};
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::sql::admin::{LIST, RUNNING, SummaryRow, key, running, summary};
use crate::store::sql::convert::micros;
use crate::store::sql::rate_limit::counting_one_more;
use crate::store::sql::session::{SessionRow, session};
use crate::store::{
    AccountFilter, AccountSummary, AdminStore, Effects, NewImpersonation, RateLimit, Result,
    RunningImpersonation, SessionStore as _,
};

#[async_trait]
impl AdminStore for PostgresStore {
    async fn list_accounts(
        &self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Vec<AccountSummary>> {
        let rows: Vec<SummaryRow> = query_as(LIST)
            .bind(&filter.email_prefix)
            .bind(filter.before.as_ref().map(UserId::as_str))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(summary).collect()
    }

    async fn begin_impersonation(
        &self,
        new: &NewImpersonation,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let begun = query_scalar(concat!(
            "WITH begun AS (
                 INSERT INTO donjon_impersonations
                     (session_id, administrator_session_id, administrator_id, reason, begun_at)
                 SELECT s.id, a.id, a.user_id, $4, $5 FROM donjon_sessions s
                 JOIN donjon_sessions a ON a.id = $2 AND a.user_id = $3
                     AND a.impersonator_id IS NULL AND a.expires_at > $5
                     AND (a.idle_expires_at IS NULL OR a.idle_expires_at > $5)
                 JOIN donjon_users u ON u.id = s.user_id AND u.disabled_at IS NULL
                     AND u.deletion_at IS NULL AND u.deleted_at IS NULL
                 WHERE s.id = $1 AND s.impersonator_id = $3
                 ON CONFLICT (session_id) DO NOTHING RETURNING NULL::text AS user_id
             ), ",
            along!("begun", "$6"),
            " SELECT EXISTS (SELECT 1 FROM begun)",
        ))
        .bind(new.session.0)
        .bind(new.led_from.0)
        .bind(new.administrator.as_str())
        .bind(&new.reason)
        .bind(micros(now))
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(begun)
    }

    async fn running_impersonations(
        &self,
        after: Option<SessionId>,
        limit: u32,
        now: OffsetDateTime,
    ) -> Result<Vec<RunningImpersonation>> {
        let page = |after: Uuid| async move {
            let ids = query_as(RUNNING)
                .bind(micros(now))
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(self.pool())
                .await?;
            Ok(ids)
        };
        let load = |statement: &'static str, id: Uuid| async move {
            let row: Option<SessionRow> =
                query_as(statement).bind(id).bind(micros(now)).fetch_optional(self.pool()).await?;
            row.map(session).transpose()
        };
        running(after, page, load).await
    }

    async fn end_impersonation(
        &self,
        user: &UserId,
        session: SessionId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        self.end_session_along(user, session, SessionEnd::Revoked, along, now).await
    }

    async fn count_admin_action(
        &self,
        administrator: &UserId,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let (times, _): (i64, i64) = query_as(concat!(
            "INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($1, 1, $3)",
            counting_one_more!("$2"),
        ))
        .bind(key(administrator))
        .bind(micros(now))
        .bind(micros(now + limit.window))
        .fetch_one(self.pool())
        .await?;
        Ok(times <= i64::from(limit.times))
    }
}
