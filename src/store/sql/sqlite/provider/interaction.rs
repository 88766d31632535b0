use sqlx::types::Json;
use sqlx::{SqliteConnection, SqlitePool};
use time::OffsetDateTime;

use crate::scope::UserId;
use crate::store::sql::convert::micros;
use crate::store::sql::provider::{self, ConsentRow, resources_hash, statement};
use crate::store::sql::rate_limit::{counting_one_more, interaction_keys};
use crate::store::{
    Consent, InteractionSave, IssuerId, RateLimit, Result, SaveInteraction, StoredInteraction,
};

pub(super) async fn save(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    save: &SaveInteraction,
) -> Result<InteractionSave> {
    let SaveInteraction { interaction, per_network, in_all, now, .. } = save;
    let [network, all] = interaction_keys(issuer, &save.network);
    for (key, limit) in [(network, per_network), (all, in_all)] {
        let until = count(connection, &key, *limit, *now).await?;
        if until.is_some() {
            return provider::interaction_save(until);
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

/// Counts one more use of a limit; if that is one too many, answers when its window is over.
async fn count(
    connection: &mut SqliteConnection,
    key: &str,
    limit: RateLimit,
    now: OffsetDateTime,
) -> Result<Option<i64>> {
    let (times, until): (i64, i64) = sqlx::query_as(concat!(
        "INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($1, 1, $3)",
        counting_one_more!("$2")
    ))
    .bind(key)
    .bind(micros(now))
    .bind(micros(now + limit.window))
    .fetch_one(connection)
    .await?;
    Ok((times > i64::from(limit.times)).then_some(until))
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
