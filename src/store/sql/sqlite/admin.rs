use async_trait::async_trait;
use sqlx::{query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::SqliteStore;
use super::audit::write_effects;
use super::steps::count_against_limit;
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::sql::admin::{BEGIN, LIST, RUNNING, SummaryRow, key, running, summary};
use crate::store::sql::convert::micros;
use crate::store::sql::session::{SessionRow, session};
use crate::store::{
    AccountFilter, AccountSummary, AdminStore, Effects, NewImpersonation, RateLimit, Result,
    RunningImpersonation, SessionStore as _,
};

#[async_trait]
impl AdminStore for SqliteStore {
    async fn list_accounts(
        &self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Vec<AccountSummary>> {
        let rows: Vec<SummaryRow> = query_as(LIST)
            .bind(&filter.email_prefix)
            .bind(filter.before.as_ref().map(UserId::as_str))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(summary).collect()
    }

    async fn begin_impersonation(
        &self,
        impersonation: &NewImpersonation,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let (new, along) = (impersonation.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let begun = query(BEGIN)
                    .bind(new.session.0)
                    .bind(new.led_from.0)
                    .bind(new.administrator.as_str())
                    .bind(&new.reason)
                    .bind(micros(now))
                    .execute(&mut *connection)
                    .await?;
                if begun.rows_affected() == 0 {
                    return Ok(false);
                }
                write_effects(connection, &along, None).await?;
                Ok(true)
            })
        })
        .await
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
                .fetch_all(self.readers())
                .await?;
            Ok(ids)
        };
        let load = |statement: &'static str, id: Uuid| async move {
            let row: Option<SessionRow> = query_as(statement)
                .bind(id)
                .bind(micros(now))
                .fetch_optional(self.readers())
                .await?;
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
        let key = key(administrator);
        self.transition(move |connection| {
            Box::pin(async move {
                let times = count_against_limit(connection, &key, limit, now, true).await?;
                Ok(times <= i64::from(limit.times))
            })
        })
        .await
    }
}
