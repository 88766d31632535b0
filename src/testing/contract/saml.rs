use std::sync::Arc;

use time::Duration;

use super::{CALLERS, Violation, epoch, race, rule};
use crate::crypto::{RandomExt as _, Sealed, SystemRandom, TokenHash};
use crate::store::{
    AssertionConsumption, AssertionUse, IntentSave, LimitUse, LoginIntent, ParkedMessage,
    RateLimit, SamlStore,
};

type Checked = Result<(), Violation>;
type Logins = Arc<dyn SamlStore>;

/// Proves the contract of [`SamlStore`].
///
/// # Errors
/// The first [`Violation`].
pub async fn saml(store: Logins) -> Checked {
    intents_are_kept(&store).await?;
    intents_are_limited(&store).await?;
    messages_are_taken_once(&store).await?;
    one_response_is_used_once(&store).await?;
    one_request_is_answered_once(&store).await?;
    one_assertion_is_used_once(&store).await?;
    a_refusal_changes_nothing(&store).await?;
    sweeping_spares_what_still_matters(&store).await
}

fn key() -> TokenHash {
    SystemRandom.token().hash()
}

fn new_intent() -> LoginIntent {
    LoginIntent {
        relay_state: key(),
        request_id: format!("_{}", SystemRandom.uuid_v7(epoch()).simple()),
        connection_id: "acme".into(),
        browser: key(),
        return_to: "/after".into(),
        forced_at: Some(epoch() + Duration::MICROSECOND),
        expires_at: epoch() + Duration::minutes(5),
    }
}

async fn intent(store: &Logins) -> Result<LoginIntent, Violation> {
    let intent = new_intent();
    store.save_intent(&intent, &[], epoch()).await?;
    Ok(intent)
}

fn answer(intent: &LoginIntent, replay_keys: Vec<TokenHash>) -> AssertionUse {
    let keep_until = epoch() + Duration::hours(1);
    AssertionUse { relay_state: intent.relay_state, replay_keys, keep_until }
}

async fn intents_are_kept(store: &Logins) -> Checked {
    const RULE: &str = "an intent is found by its relay state, whole";
    let intent = intent(store).await?;
    let loaded = store.load_intent(&intent.relay_state).await?;
    rule(RULE, loaded.as_ref() == Some(&intent), &loaded)?;
    let unforced = LoginIntent { relay_state: key(), forced_at: None, ..intent };
    store.save_intent(&unforced, &[], epoch()).await?;
    let loaded = store.load_intent(&unforced.relay_state).await?;
    rule(RULE, loaded.as_ref() == Some(&unforced), &loaded)?;
    let unknown = store.load_intent(&key()).await?;
    rule(RULE, unknown.is_none(), &unknown)
}

async fn intents_are_limited(store: &Logins) -> Checked {
    const RULE: &str = "intents are written as often as the limits allow, and not once more";
    let used = |key: &str, times| {
        let limit = RateLimit { times, window: Duration::MINUTE };
        LimitUse { key: key.to_owned(), limit }
    };
    let many = async |network: &'static str, expected: usize| {
        let saves = race(|_| {
            let (store, intent) = (Arc::clone(store), new_intent());
            let uses = [used(network, 5), used("all", 8)];
            async move {
                let saved = store.save_intent(&intent, &uses, epoch()).await?;
                Ok((saved, store.load_intent(&intent.relay_state).await?.is_some()))
            }
        })
        .await?;
        let limited = IntentSave::Limited { until: epoch() + Duration::MINUTE };
        let kept = saves.iter().filter(|save| **save == (IntentSave::Saved, true)).count();
        let refused = saves.iter().filter(|save| **save == (limited, false)).count();
        rule(RULE, kept == expected && kept + refused == CALLERS, &saves)
    };
    many("one", 5).await?;
    // What the first was refused does not count for all.
    many("two", 3).await?;
    many("three", 0).await?;
    let later = epoch() + Duration::MINUTE;
    let again = store.save_intent(&new_intent(), &[used("one", 5), used("all", 8)], later).await?;
    rule("a limit's window ends", again == IntentSave::Saved, again)
}

async fn messages_are_taken_once(store: &Logins) -> Checked {
    const RULE: &str = "a parked message is taken once, in time";
    let message = || ParkedMessage {
        handle: key(),
        message: Sealed::from_bytes(vec![1, 2, 3]),
        expires_at: epoch() + Duration::minutes(1),
    };
    let (late, parked) = (message(), message());
    store.park_message(&late).await?;
    let taken = store.take_message(&late.handle, late.expires_at).await?;
    rule(RULE, taken.is_none(), &taken)?;
    store.park_message(&parked).await?;
    let takers = race(|_| {
        let (store, handle) = (Arc::clone(store), parked.handle);
        async move { store.take_message(&handle, epoch()).await }
    })
    .await?;
    let taken: Vec<_> = takers.into_iter().flatten().collect();
    rule(RULE, taken == [parked], &taken)
}

async fn one_response_is_used_once(store: &Logins) -> Checked {
    const RULE: &str = "of many posts of one response exactly one logs in";
    let intent = intent(store).await?;
    let response = answer(&intent, vec![key(), key()]);
    let outcomes = race(|_| {
        let (store, response) = (Arc::clone(store), response.clone());
        async move { store.consume_assertion(&response, epoch()).await }
    })
    .await?;
    let consumed = count(&outcomes, AssertionConsumption::Consumed);
    rule(RULE, consumed == 1, &outcomes)?;
    let replayed = count(&outcomes, AssertionConsumption::Replayed);
    rule("a replay is told as a replay", replayed == CALLERS - 1, &outcomes)
}

async fn one_request_is_answered_once(store: &Logins) -> Checked {
    const RULE: &str = "of many responses to one request exactly one logs in";
    let intent = intent(store).await?;
    let outcomes = race(|_| {
        let (store, response) = (Arc::clone(store), answer(&intent, vec![key()]));
        async move { store.consume_assertion(&response, epoch()).await }
    })
    .await?;
    let consumed = count(&outcomes, AssertionConsumption::Consumed);
    rule(RULE, consumed == 1, &outcomes)?;
    let told = count(&outcomes, AssertionConsumption::IntentConsumed);
    rule("a used intent is told as a used intent", told == CALLERS - 1, &outcomes)
}

async fn one_assertion_is_used_once(store: &Logins) -> Checked {
    const RULE: &str = "one assertion in answer to many requests logs in once";
    let assertion = key();
    let mut responses = Vec::new();
    for _ in 0..CALLERS {
        // Each response is another one; the assertion inside is the same.
        responses.push(answer(&intent(store).await?, vec![key(), assertion]));
    }
    let outcomes = race(|caller| {
        let (store, response) = (Arc::clone(store), responses.get(caller).cloned());
        async move {
            match response {
                Some(response) => store.consume_assertion(&response, epoch()).await,
                None => Ok(AssertionConsumption::IntentUnknown),
            }
        }
    })
    .await?;
    let consumed = count(&outcomes, AssertionConsumption::Consumed);
    rule(RULE, consumed == 1, &outcomes)
}

async fn a_refusal_changes_nothing(store: &Logins) -> Checked {
    const RULE: &str = "a refused assertion uses nothing up";
    let (first, second) = (intent(store).await?, intent(store).await?);
    let (used, fresh) = (key(), key());
    store.consume_assertion(&answer(&first, vec![used]), epoch()).await?;
    let replay = store.consume_assertion(&answer(&second, vec![fresh, used]), epoch()).await?;
    rule(RULE, replay == AssertionConsumption::Replayed, replay)?;
    let late = store.consume_assertion(&answer(&second, vec![fresh]), second.expires_at).await?;
    rule("an intent is over in time", late == AssertionConsumption::IntentExpired, late)?;
    let stranger = AssertionUse { relay_state: key(), ..answer(&second, vec![fresh]) };
    let unknown = store.consume_assertion(&stranger, epoch()).await?;
    rule(RULE, unknown == AssertionConsumption::IntentUnknown, unknown)?;
    let good = store.consume_assertion(&answer(&second, vec![fresh]), epoch()).await?;
    rule(RULE, good == AssertionConsumption::Consumed, good)
}

async fn sweeping_spares_what_still_matters(store: &Logins) -> Checked {
    const RULE: &str = "a replay key outlives the sweep until it is over";
    let (first, second) = (intent(store).await?, intent(store).await?);
    let used = key();
    store.consume_assertion(&answer(&first, vec![used]), epoch()).await?;
    while store.sweep_saml(epoch() + Duration::minutes(4), 10).await? >= 10 {}
    let replay = store.consume_assertion(&answer(&second, vec![used]), epoch()).await?;
    rule(RULE, replay == AssertionConsumption::Replayed, replay)?;
    while store.sweep_saml(epoch() + Duration::hours(2), 10).await? >= 10 {}
    let gone = store.load_intent(&second.relay_state).await?;
    rule("what is over is swept", gone.is_none(), &gone)
}

fn count(outcomes: &[AssertionConsumption], outcome: AssertionConsumption) -> usize {
    outcomes.iter().filter(|other| **other == outcome).count()
}
