use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;
use sqlx::{query, query_as, query_scalar};
use time::OffsetDateTime;

use super::sweep::sweep;
use super::{SqliteStore, limit};
use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::sql::saml::{
    IntentRow, LOAD_INTENT, PARK, SWEEPS, TAKE, classify, intent, intent_columns, intent_save,
    parked,
};
use crate::store::{
    AssertionConsumption, AssertionUse, IntentSave, LimitUse, LoginIntent, ParkedMessage, Result,
    SamlStore,
};

const SAVE_INTENT: &str =
    concat!("INSERT INTO ", intent_columns!(), " VALUES ($1, $2, $3, $4, $5, $6, $7)");

#[async_trait]
impl SamlStore for SqliteStore {
    async fn save_intent(
        &self,
        intent: &LoginIntent,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<IntentSave> {
        let (intent, uses) = (intent.clone(), uses.to_vec());
        self.transition(move |connection| {
            Box::pin(async move {
                let counts = limit::count_uses(connection, &uses, now).await?;
                let outcome = intent_save(&uses, &counts);
                if outcome != IntentSave::Saved {
                    return Ok(outcome);
                }
                query(SAVE_INTENT)
                    .bind(intent.relay_state.as_bytes().as_slice())
                    .bind(&intent.request_id)
                    .bind(&intent.connection_id)
                    .bind(intent.browser.as_bytes().as_slice())
                    .bind(&intent.return_to)
                    .bind(micros(intent.expires_at))
                    .bind(intent.forced_at.map(micros))
                    .execute(connection)
                    .await?;
                Ok(outcome)
            })
        })
        .await
    }

    async fn load_intent(&self, relay_state: &TokenHash) -> Result<Option<LoginIntent>> {
        let row: Option<IntentRow> = query_as(LOAD_INTENT)
            .bind(relay_state.as_bytes().as_slice())
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| intent(relay_state, row)).transpose()
    }

    async fn park_message(&self, message: &ParkedMessage) -> Result<()> {
        let message = message.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                query(PARK)
                    .bind(message.handle.as_bytes().as_slice())
                    .bind(message.message.as_bytes())
                    .bind(micros(message.expires_at))
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn take_message(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<ParkedMessage>> {
        let handle = *handle;
        self.transition(move |connection| {
            Box::pin(async move {
                let row: Option<(Vec<u8>, i64)> = query_as(TAKE)
                    .bind(handle.as_bytes().as_slice())
                    .bind(micros(now))
                    .fetch_optional(connection)
                    .await?;
                row.map(|row| parked(&handle, row)).transpose()
            })
        })
        .await
    }

    async fn consume_assertion(
        &self,
        assertion: &AssertionUse,
        now: OffsetDateTime,
    ) -> Result<AssertionConsumption> {
        let assertion = assertion.clone();
        self.transition(move |connection| {
            Box::pin(async move { consume(connection, &assertion, micros(now)).await })
        })
        .await
    }

    async fn sweep_saml(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.transition(move |connection| {
            Box::pin(async move {
                let mut most = 0;
                for over in SWEEPS.into_iter().chain([limit::SWEEP]) {
                    most = most.max(sweep(connection, over, now, limit).await?);
                }
                Ok(most)
            })
        })
        .await
    }
}

/// The writer runs one transition at a time: what is read here holds until it commits.
async fn consume(
    connection: &mut SqliteConnection,
    assertion: &AssertionUse,
    now: i64,
) -> Result<AssertionConsumption> {
    let relay_state = assertion.relay_state.as_bytes().as_slice();
    let mut replayed = false;
    for key in &assertion.replay_keys {
        let found: bool =
            query_scalar("SELECT EXISTS (SELECT 1 FROM donjon_saml_replays WHERE replay_key = $1)")
                .bind(key.as_bytes().as_slice())
                .fetch_one(&mut *connection)
                .await?;
        replayed |= found;
    }
    let intent =
        query_as("SELECT consumed_at, expires_at FROM donjon_saml_intents WHERE relay_state = $1")
            .bind(relay_state)
            .fetch_optional(&mut *connection)
            .await?;
    if let Some(refusal) = classify(replayed, intent, now) {
        return Ok(refusal);
    }
    query("UPDATE donjon_saml_intents SET consumed_at = $2 WHERE relay_state = $1")
        .bind(relay_state)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    for key in &assertion.replay_keys {
        query("INSERT INTO donjon_saml_replays (replay_key, expires_at) VALUES ($1, $2)")
            .bind(key.as_bytes().as_slice())
            .bind(micros(assertion.keep_until))
            .execute(&mut *connection)
            .await?;
    }
    Ok(AssertionConsumption::Consumed)
}
