use std::sync::Arc;

use async_trait::async_trait;
use donjon::crypto::TokenHash;
use donjon::store::{
    AssertionConsumption, AssertionUse, IntentSave, LimitUse, LoginIntent, ParkedMessage, Result,
    SamlStore,
};
use donjon::testing::contract;
use time::OffsetDateTime;

use crate::support::database::Database;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Remembers the response, and not the assertion inside it.
    ForgetsTheAssertion,
    /// Forgets what was used as soon as it sweeps.
    SweepsTheMemory,
    /// Asks whether the intent is open, and closes it later.
    LooksThenWrites,
    /// Uses the replay key up although the intent is refused.
    UsesUpOnRefusal,
    /// Refuses an intent that is written already.
    WritesBeforeItCounts,
    /// Hands a parked message to everybody who asks at once.
    HandsOutTwice,
}

#[derive(Debug)]
struct Broken {
    store: Arc<dyn SamlStore>,
    fault: Fault,
    parked: std::sync::Mutex<Option<ParkedMessage>>,
}

#[async_trait]
impl SamlStore for Broken {
    async fn save_intent(
        &self,
        intent: &LoginIntent,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<IntentSave> {
        let saved = self.store.save_intent(intent, uses, now).await?;
        if self.fault == Fault::WritesBeforeItCounts && saved != IntentSave::Saved {
            self.store.save_intent(intent, &[], now).await?;
        }
        Ok(saved)
    }

    async fn load_intent(&self, relay_state: &TokenHash) -> Result<Option<LoginIntent>> {
        self.store.load_intent(relay_state).await
    }

    async fn park_message(&self, message: &ParkedMessage) -> Result<()> {
        *self.parked.lock().unwrap() = Some(message.clone());
        self.store.park_message(message).await
    }

    async fn take_message(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<ParkedMessage>> {
        let parked = self.parked.lock().unwrap().clone();
        if self.fault == Fault::HandsOutTwice {
            return Ok(parked.filter(|m| m.handle == *handle && now < m.expires_at));
        }
        self.store.take_message(handle, now).await
    }

    async fn consume_assertion(
        &self,
        assertion: &AssertionUse,
        now: OffsetDateTime,
    ) -> Result<AssertionConsumption> {
        let mut assertion = assertion.clone();
        match self.fault {
            Fault::ForgetsTheAssertion => {
                assertion.replay_keys =
                    vec![donjon::crypto::TokenHash::of(assertion.replay_keys[0].as_bytes())];
                self.store.consume_assertion(&assertion, now).await
            }
            Fault::LooksThenWrites => {
                let outcome = self.store.consume_assertion(&assertion, now).await?;
                let close = outcome == AssertionConsumption::IntentConsumed;
                Ok(if close { AssertionConsumption::Consumed } else { outcome })
            }
            Fault::UsesUpOnRefusal => {
                let outcome = self.store.consume_assertion(&assertion, now).await?;
                if outcome == AssertionConsumption::Replayed {
                    assertion.replay_keys.truncate(1);
                    self.store.consume_assertion(&assertion, now).await?;
                }
                Ok(outcome)
            }
            Fault::SweepsTheMemory | Fault::HandsOutTwice | Fault::WritesBeforeItCounts => {
                self.store.consume_assertion(&assertion, now).await
            }
        }
    }

    async fn sweep_saml(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let early = self.fault == Fault::SweepsTheMemory;
        let now = if early { now + time::Duration::hours(2) } else { now };
        self.store.sweep_saml(now, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_broken_saml_store_breaks() {
    for (fault, expected) in [
        (Fault::ForgetsTheAssertion, "one assertion in answer to many requests logs in once"),
        (Fault::SweepsTheMemory, "a replay key outlives the sweep until it is over"),
        (Fault::LooksThenWrites, "of many responses to one request exactly one logs in"),
        (Fault::UsesUpOnRefusal, "an intent is over in time"),
        (
            Fault::WritesBeforeItCounts,
            "intents are written as often as the limits allow, and not once more",
        ),
        (Fault::HandsOutTwice, "a parked message is taken once, in time"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken { store: store.into(), fault, parked: None.into() };
        let violation = contract::saml(Arc::new(broken)).await.unwrap_err();
        assert_eq!(violation.rule, expected, "{fault:?}: {violation}");
    }
}
