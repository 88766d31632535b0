use async_trait::async_trait;
use sqlx::SqliteConnection;
use time::OffsetDateTime;

use super::{SqliteStore, outbox};
use crate::audit::AuditEntry;
use crate::scope::UserId;
use crate::store::sql::audit::{EntryRow, bind_entry, entry, select};
use crate::store::sql::convert::micros;
use crate::store::{AuditFilter, AuditStore, Effects, Result};

/// Writes what goes along with a change of `user`, in its transition.
pub(super) async fn write_effects(
    connection: &mut SqliteConnection,
    effects: &Effects,
    user: Option<&UserId>,
) -> Result<()> {
    write_effects_if(connection, effects, user, true).await
}

/// The same, if it is `wanted`: as many statements either way.
pub(super) async fn write_effects_if(
    connection: &mut SqliteConnection,
    effects: &Effects,
    user: Option<&UserId>,
    wanted: bool,
) -> Result<()> {
    for entry in &effects.audit {
        bind_entry!(entry, user).bind(wanted).execute(&mut *connection).await?;
    }
    for delivery in &effects.deliveries {
        outbox::insert_if(connection, delivery, wanted).await?;
    }
    Ok(())
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn write_audit_entry(&self, entry: &AuditEntry) -> Result<()> {
        let entry = entry.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                bind_entry!(&entry, None).bind(true).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>> {
        let mut query = select::<sqlx::Sqlite>(filter, limit);
        let rows: Vec<EntryRow> = query.build_query_as().fetch_all(self.readers()).await?;
        rows.into_iter().map(entry).collect()
    }

    async fn sweep_audit(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        self.transition(move |connection| {
            Box::pin(async move {
                let swept = sqlx::query(
                    "DELETE FROM donjon_audit WHERE id IN
                     (SELECT id FROM donjon_audit WHERE at < ?1 ORDER BY at LIMIT ?2)",
                )
                .bind(micros(before))
                .bind(limit)
                .execute(connection)
                .await?;
                Ok(swept.rows_affected())
            })
        })
        .await
    }
}
