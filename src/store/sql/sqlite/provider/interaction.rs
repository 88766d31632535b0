use sqlx::types::Json;
use sqlx::{SqliteConnection, SqlitePool};
use time::OffsetDateTime;

use crate::scope::UserId;
use crate::store::sql::convert::micros;
use crate::store::sql::provider::{self, ConsentRow, resources_hash, statement};
use crate::store::sql::rate_limit::interaction_keys;
use crate::store::sql::sqlite::limit::count_use;
use crate::store::{
    Consent, InteractionSave, IssuerId, Result, SaveInteraction, StoredInteraction,
};

pub(super) async fn save(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    save: &SaveInteraction,
) -> Result<InteractionSave> {
    let SaveInteraction { interaction, per_network, in_all, now, .. } = save;
    let [network, all] = interaction_keys(issuer, &save.network);
    for (key, limit) in [(network, per_network), (all, in_all)] {
        let count = count_use(connection, &key, *limit, *now).await?;
        if count.is_over(*limit) {
            return provider::interaction_save(Some(micros(count.until)));
        }
    }
    sqlx::query(
        "INSERT INTO donjon_provider_interactions (issuer_id, interaction_id, state, expires_at)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (issuer_id, interaction_id)
             DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at",
    )
    .bind(issuer.as_str())
    .bind(&interaction.interaction_id)
    .bind(interaction.state.as_bytes())
    .bind(micros(interaction.expires_at))
    .execute(connection)
    .await?;
    Ok(InteractionSave::Saved)
}

pub(super) async fn load(
    pool: &SqlitePool,
    issuer: &IssuerId,
    interaction_id: &str,
    now: OffsetDateTime,
) -> Result<Option<StoredInteraction>> {
    let row: Option<(Vec<u8>, i64)> = sqlx::query_as(statement::INTERACTION)
        .bind(issuer.as_str())
        .bind(interaction_id)
        .bind(micros(now))
        .fetch_optional(pool)
        .await?;
    row.map(|row| provider::interaction(interaction_id, row)).transpose()
}

pub(super) async fn consent(
    executor: impl sqlx::Executor<'_, Database = sqlx::Sqlite>,
    issuer: &IssuerId,
    subject: &UserId,
    client_id: &str,
    resources: &[String],
) -> Result<Option<Consent>> {
    let row: Option<ConsentRow> = sqlx::query_as(statement::CONSENT)
        .bind(issuer.as_str())
        .bind(subject.as_str())
        .bind(client_id)
        .bind(&resources_hash(resources).as_bytes()[..])
        .fetch_optional(executor)
        .await?;
    row.map(|row| provider::consent(subject, client_id, resources, row)).transpose()
}

/// Adds a consent to what was agreed before.
pub(super) async fn add_consent(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    given: &Consent,
) -> Result<()> {
    let Consent { subject, client_id, resources, .. } = given;
    let before = consent(&mut *connection, issuer, subject, client_id, resources).await?;
    let mut scopes = before.map(|consent| consent.scopes).unwrap_or_default();
    scopes.extend(given.scopes.iter().cloned());
    scopes.sort();
    scopes.dedup();
    sqlx::query(
        "INSERT INTO donjon_provider_consents
             (issuer_id, subject, client_id, resources_hash, resources, scopes, granted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (issuer_id, subject, client_id, resources_hash)
             DO UPDATE SET scopes = excluded.scopes, granted_at = excluded.granted_at",
    )
    .bind(issuer.as_str())
    .bind(subject.as_str())
    .bind(client_id)
    .bind(&resources_hash(resources).as_bytes()[..])
    .bind(Json(resources))
    .bind(Json(scopes))
    .bind(micros(given.granted_at))
    .execute(connection)
    .await?;
    Ok(())
}
