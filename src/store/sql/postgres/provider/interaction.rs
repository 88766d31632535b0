use time::OffsetDateTime;

use crate::scope::UserId;
use crate::store::sql::convert::micros;
use crate::store::sql::postgres::pool::Pool;
use crate::store::sql::provider::{self, ConsentRow, resources_hash, statement};
use crate::store::sql::rate_limit::{counting_one_more, interaction_keys};
use crate::store::{
    Consent, InteractionSave, IssuerId, Result, SaveInteraction, StoredInteraction,
};

/// Counts for the network, then for all, then keeps it: each only if the one before lets it pass.
const SAVE: &str = concat!(
    "
WITH network AS (
    INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($6, 1, $7)",
    counting_one_more!("$5"),
    "
), all_together AS (
    INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
    SELECT $9, 1, $10 FROM network WHERE network.times <= $8",
    counting_one_more!("$5"),
    "
), saved AS (
    INSERT INTO donjon_provider_interactions (issuer_id, interaction_id, state, expires_at)
    SELECT $1, $2, $3, $4 FROM all_together WHERE all_together.times <= $11
    ON CONFLICT (issuer_id, interaction_id)
        DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at
)
SELECT CASE WHEN n.times > $8 THEN n.expires_at WHEN a.times > $11 THEN a.expires_at END
FROM network n LEFT JOIN all_together a ON TRUE"
);

pub(super) async fn save(
    pool: &Pool,
    issuer: &IssuerId,
    save: &SaveInteraction,
) -> Result<InteractionSave> {
    let SaveInteraction { interaction, per_network, in_all, now, .. } = save;
    let [network, all] = interaction_keys(issuer, &save.network);
    let until = sqlx::query_scalar(SAVE)
        .bind(issuer.as_str())
        .bind(&interaction.interaction_id)
        .bind(interaction.state.as_bytes())
        .bind(micros(interaction.expires_at))
        .bind(micros(*now))
        .bind(network)
        .bind(micros(*now + per_network.window))
        .bind(i64::from(per_network.times))
        .bind(all)
        .bind(micros(*now + in_all.window))
        .bind(i64::from(in_all.times))
        .fetch_one(pool)
        .await?;
    provider::interaction_save(until)
}

pub(super) async fn load(
    pool: &Pool,
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
    pool: &Pool,
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
