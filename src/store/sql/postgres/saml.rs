use async_trait::async_trait;
use sqlx::{query, query_as};
use time::OffsetDateTime;

use super::sweep::sweep;
use super::{PostgresStore, limit};
use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::sql::rate_limit::{bind_uses, counted_uses, counting_uses, limit_count};
use crate::store::sql::saml::{
    IntentRow, LOAD_INTENT, PARK, SWEEPS, TAKE, classify, intent, intent_columns, intent_save,
    parked,
};
use crate::store::{
    AssertionConsumption, AssertionUse, IntentSave, LimitUse, LoginIntent, ParkedMessage, Result,
    SamlStore, StoreError,
};

const SAVE_INTENT: &str = concat!(
    counting_uses!(),
    ", saved AS (INSERT INTO ",
    intent_columns!(),
    " SELECT $14, $15, $16, $17, $18, $19, $20 FROM passes)",
    counted_uses!()
);

/// The intent's row decides between callers with one request; the replay keys' uniqueness between
/// callers with one assertion: the second of those fails whole, its intent included.
const CONSUME: &str = "WITH intent AS ( \
         UPDATE donjon_saml_intents SET consumed_at = $2 \
         WHERE relay_state = $1 AND consumed_at IS NULL AND expires_at > $2 \
         RETURNING relay_state \
     ) INSERT INTO donjon_saml_replays (replay_key, expires_at) \
     SELECT key, $4 FROM intent, unnest($3::bytea[]) AS key ORDER BY key";

const CLASSIFY: &str = "SELECT \
     EXISTS (SELECT 1 FROM donjon_saml_replays WHERE replay_key = ANY($2::bytea[])), \
     (SELECT consumed_at FROM donjon_saml_intents WHERE relay_state = $1), \
     (SELECT expires_at FROM donjon_saml_intents WHERE relay_state = $1)";

#[async_trait]
impl SamlStore for PostgresStore {
    async fn save_intent(
        &self,
        intent: &LoginIntent,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<IntentSave> {
        let rows: Vec<(i64, i64)> = bind_uses!(query_as(SAVE_INTENT), uses, now)
            .bind(intent.relay_state.as_bytes())
            .bind(&intent.request_id)
            .bind(&intent.connection_id)
            .bind(intent.browser.as_bytes())
            .bind(&intent.return_to)
            .bind(micros(intent.expires_at))
            .bind(intent.forced_at.map(micros))
            .fetch_all(self.pool())
            .await?;
        let counts = rows.into_iter().map(limit_count).collect::<Result<Vec<_>>>()?;
        Ok(intent_save(uses, &counts))
    }

    async fn load_intent(&self, relay_state: &TokenHash) -> Result<Option<LoginIntent>> {
        let row: Option<IntentRow> =
            query_as(LOAD_INTENT).bind(relay_state.as_bytes()).fetch_optional(self.pool()).await?;
        row.map(|row| intent(relay_state, row)).transpose()
    }

    async fn park_message(&self, message: &ParkedMessage) -> Result<()> {
        query(PARK)
            .bind(message.handle.as_bytes())
            .bind(message.message.as_bytes())
            .bind(micros(message.expires_at))
            .execute(self.pool())
            .await?;
        Ok(())
    }

    async fn take_message(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<ParkedMessage>> {
        let row: Option<(Vec<u8>, i64)> = query_as(TAKE)
            .bind(handle.as_bytes())
            .bind(micros(now))
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| parked(handle, row)).transpose()
    }

    async fn consume_assertion(
        &self,
        assertion: &AssertionUse,
        now: OffsetDateTime,
    ) -> Result<AssertionConsumption> {
        let keys: Vec<Vec<u8>> =
            assertion.replay_keys.iter().map(|key| key.as_bytes().to_vec()).collect();
        let consumed = query(CONSUME)
            .bind(assertion.relay_state.as_bytes())
            .bind(micros(now))
            .bind(&keys)
            .bind(micros(assertion.keep_until))
            .execute(self.pool())
            .await;
        match consumed {
            Ok(done) if done.rows_affected() > 0 => return Ok(AssertionConsumption::Consumed),
            Err(error) if !is_unique_violation(&error) => return Err(error.into()),
            _ => {}
        }
        let (replayed, consumed_at, expires_at): (bool, Option<i64>, Option<i64>) =
            query_as(CLASSIFY)
                .bind(assertion.relay_state.as_bytes())
                .bind(&keys)
                .fetch_one(self.pool())
                .await?;
        let intent = expires_at.map(|expires_at| (consumed_at, expires_at));
        classify(replayed, intent, micros(now))
            .ok_or(StoreError::Corrupt("an intent that is open and was refused"))
    }

    async fn sweep_saml(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let mut most = 0;
        for over in SWEEPS.into_iter().chain([limit::SWEEP]) {
            most = most.max(sweep(self.pool(), over, now, limit).await?);
        }
        Ok(most)
    }
}

fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}
