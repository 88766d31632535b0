use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::sweep::sweep;
use super::{SqliteStore, outbox};
use crate::audit::AuditEntry;
use crate::scope::UserId;
use crate::store::sql::audit::{EntryRow, bind_end, bind_entry, entry, select};
use crate::store::sql::convert::micros;
use crate::store::{AuditFilter, AuditStore, Effects, KNOWN_NETWORKS, Result, Sighting};

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
    write_rows(connection, effects, user, wanted).await?;
    let Some(seen) = &effects.sighting else { return Ok(()) };
    seen.note(None);
    if let (Some(owner), true) = (user, wanted) {
        let is_familiar = note_sighting(connection, seen, owner).await?;
        match is_familiar {
            None => {}
            Some(true) => write_rows(connection, &seen.familiar, user, true).await?,
            Some(false) => write_rows(connection, &seen.strange, user, true).await?,
        }
        seen.note(is_familiar);
    }
    Ok(())
}

/// Writes an entry for each row of a question about `whom`: what ends along with what is told of by
/// the first of `along`. Answers them.
pub(super) async fn tell_of_ends<'q, T>(
    connection: &mut SqliteConnection,
    question: &'static str,
    whom: T,
    along: &Effects,
) -> Result<Vec<AuditEntry>>
where
    T: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + 'q,
{
    let Some(first) = along.audit.first() else { return Ok(Vec::new()) };
    let rows = bind_end!(question, whom, first).fetch_all(connection).await?;
    rows.into_iter().map(entry).collect()
}

async fn write_rows(
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
    effects.receipt.note(wanted);
    Ok(())
}

/// Whether the user was seen there before; `None` if nowhere.
async fn note_sighting(
    connection: &mut SqliteConnection,
    seen: &Sighting,
    user: &UserId,
) -> Result<Option<bool>> {
    let known: Option<Json<Vec<String>>> =
        sqlx::query_scalar("SELECT networks FROM donjon_sightings WHERE user_id = ?1")
            .bind(user.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    let is_familiar = known.as_ref().map(|Json(known)| known.contains(&seen.network));
    let mut networks = known.map_or_else(Vec::new, |Json(known)| known);
    networks.retain(|network| *network != seen.network);
    networks.insert(0, seen.network.clone());
    networks.truncate(KNOWN_NETWORKS);
    sqlx::query(
        "INSERT INTO donjon_sightings (user_id, networks, familiar, seen_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (user_id) DO UPDATE SET networks = excluded.networks,
             familiar = excluded.familiar, seen_at = excluded.seen_at",
    )
    .bind(user.as_str())
    .bind(Json(networks))
    .bind(is_familiar)
    .bind(micros(seen.at))
    .execute(connection)
    .await?;
    Ok(is_familiar)
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
                // The trigger lets nothing go but what is older than is said here.
                sqlx::query("INSERT INTO donjon_audit_sweep (until) VALUES (?1)")
                    .bind(micros(before))
                    .execute(&mut *connection)
                    .await?;
                let over = "DELETE FROM donjon_audit WHERE id IN
                     (SELECT id FROM donjon_audit WHERE at < ?1 ORDER BY at LIMIT ?2)";
                let swept = sweep(connection, over, before, limit).await?;
                sqlx::query("DELETE FROM donjon_audit_sweep").execute(&mut *connection).await?;
                Ok(swept)
            })
        })
        .await
    }
}
