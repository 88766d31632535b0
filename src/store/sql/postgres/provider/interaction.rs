use sqlx::PgPool;
use time::OffsetDateTime;

use crate::scope::UserId;
use crate::store::sql::convert::micros;
use crate::store::sql::provider::{self, ConsentRow, resources_hash, statement};
use crate::store::{Consent, IssuerId, Result, StoredInteraction};

pub(super) async fn save(
    pool: &PgPool,
    issuer: &IssuerId,
    interaction: &StoredInteraction,
) -> Result<()> {
    sqlx::query(statement::SAVE_INTERACTION)
        .bind(issuer.as_str())
        .bind(&interaction.interaction_id)
        .bind(interaction.state.as_bytes())
        .bind(micros(interaction.expires_at))
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn load(
    pool: &PgPool,
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
    pool: &PgPool,
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
        .fetch_optional(pool)
        .await?;
    row.map(|row| provider::consent(subject, client_id, resources, row)).transpose()
}
