//! Clients, signing keys and client assertions.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use time::Duration;

use super::{CLIENT, Checked, Kit, any_grant, any_hash, any_id, redeem, rotation};
use crate::crypto::Sealed;
use crate::store::{
    ClientAssertionUse, CodeRedemption, IssuerId, LimitCount, RateLimit, RefreshRotation,
    StoredClient, StoredKey,
};
use crate::testing::contract::{CALLERS, epoch, race, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    found_by_issuer(kit).await?;
    one_first_key(kit).await?;
    added_keys_are_kept(kit).await?;
    asserted_once(kit).await?;
    failures_are_counted(kit).await?;
    replayed_assertion_changes_nothing(kit).await
}

async fn found_by_issuer(kit: &Kit) -> Checked {
    const RULE: &str = "a client is found as it was last saved, under its own issuer";
    let mut client = StoredClient { client_id: "c".into(), document: json!({ "version": 1 }) };
    kit.store.save_client(&kit.issuer, &client).await?;
    client.document = json!({ "version": 2, "nested": [null, "x"] });
    kit.store.save_client(&kit.issuer, &client).await?;
    let found = kit.store.client(&kit.issuer, "c").await?;
    rule(RULE, found.as_ref() == Some(&client), &found)?;
    let elsewhere = kit.store.client(&IssuerId::new("https://other.example"), "c").await?;
    rule(RULE, elsewhere.is_none(), &elsewhere)?;
    let unknown = kit.store.client(&kit.issuer, "C").await?;
    rule(RULE, unknown.is_none(), &unknown)
}

async fn failures_are_counted(kit: &Kit) -> Checked {
    const RULE: &str = "each wrong secret of a client from a network is counted";
    let limit = RateLimit { times: 3, window: Duration::MINUTE };
    let end = epoch() + limit.window;
    let counts = race(|_| {
        let kit = kit.clone();
        async move {
            kit.store.count_client_failure(&kit.issuer, CLIENT, "a", limit, epoch()).await
        }
    })
    .await?;
    let mut times: Vec<u32> = counts.iter().map(|count| count.times).collect();
    times.sort_unstable();
    rule(RULE, times.iter().copied().eq(1..=CALLERS as u32), &counts)?;
    let elsewhere = IssuerId::new("https://other.example");
    for (issuer, client, network, now, expected) in [
        (&kit.issuer, CLIENT, "b", epoch(), 1),
        (&kit.issuer, "other", "a", epoch(), 1),
        (&elsewhere, CLIENT, "a", epoch(), 1),
        (&kit.issuer, CLIENT, "a", end, 1),
    ] {
        let count = kit.store.count_client_failure(issuer, client, network, limit, now).await?;
        let first = LimitCount { times: expected, until: now + limit.window };
        rule(
            "failures of another client, network or window are counted apart",
            count == first,
            count,
        )?;
    }
    Ok(())
}

fn key(algorithm: &str) -> StoredKey {
    StoredKey {
        kid: any_id().to_string(),
        algorithm: algorithm.into(),
        private_key: Sealed::from_bytes(vec![1, 2, 3]),
        created_at: epoch(),
        signs_from: epoch() + Duration::MINUTE,
    }
}

async fn one_first_key(kit: &Kit) -> Checked {
    const RULE: &str = "of nodes that start at once one writes the first key of each algorithm";
    let answers = race(|_| {
        let kit = kit.clone();
        async move {
            let keys = [key("ES256"), key("RS256")];
            kit.store.ensure_signing_keys(&kit.issuer, &keys).await
        }
    })
    .await?;
    let keys = kit.store.signing_keys(&kit.issuer).await?;
    let algorithms: HashSet<&str> = keys.iter().map(|key| key.algorithm.as_str()).collect();
    rule(RULE, keys.len() == 2 && algorithms.len() == 2, &keys)?;
    let same = answers.iter().all(|answer| *answer == keys);
    rule("a node that starts learns the keys there are", same, &answers)
}

async fn added_keys_are_kept(kit: &Kit) -> Checked {
    const RULE: &str = "an added key stands beside the first";
    let issuer = IssuerId::new("https://keys.example");
    let (added, first) = (key("ES256"), key("EdDSA"));
    kit.store.add_signing_key(&issuer, &added).await?;
    let keys = kit.store.ensure_signing_keys(&issuer, &[key("ES256"), first.clone()]).await?;
    rule(RULE, keys.len() == 2 && keys.contains(&added) && keys.contains(&first), &keys)
}

fn assertion() -> ClientAssertionUse {
    ClientAssertionUse {
        client_id: CLIENT.into(),
        jti: any_hash(),
        expires_at: epoch() + Duration::minutes(5),
    }
}

async fn asserted_once(kit: &Kit) -> Checked {
    const RULE: &str = "a client assertion is used once";
    let used = assertion();
    let answers = race(|_| {
        let (kit, used) = (kit.clone(), used.clone());
        async move { kit.store.consume_client_assertion(&kit.issuer, &used, epoch()).await }
    })
    .await?;
    let winners = answers.into_iter().filter(|won| *won).count();
    rule(RULE, winners == 1, winners)?;
    let other = ClientAssertionUse { client_id: "another-client".into(), ..used };
    let fresh = kit.store.consume_client_assertion(&kit.issuer, &other, epoch()).await?;
    rule("assertion ids are each client's own", fresh, fresh)
}

async fn replayed_assertion_changes_nothing(kit: &Kit) -> Checked {
    const RULE: &str = "a request with a used assertion changes nothing";
    let used = assertion();
    kit.store.consume_client_assertion(&kit.issuer, &used, epoch()).await?;
    let code = kit.issued(any_grant()?).await?;
    let mut redeem = redeem(&code, epoch());
    redeem.assertion = Some(used.clone());
    let refused = kit.store.redeem_code(&kit.issuer, &redeem).await?;
    rule(RULE, refused == CodeRedemption::AssertionReplayed, refused)?;
    redeem.assertion = Some(assertion());
    let good = kit.store.redeem_code(&kit.issuer, &redeem).await?;
    rule(RULE, good == CodeRedemption::Redeemed, good)?;

    let token = redeem.refresh.map_or_else(any_hash, |refresh| refresh.token);
    let mut rotation = rotation(token, epoch());
    rotation.assertion = Some(used);
    let refused = kit.store.rotate_refresh(&kit.issuer, &rotation).await?;
    rule(RULE, refused == RefreshRotation::AssertionReplayed, refused)?;
    once_in_many_requests(kit, token).await
}

/// One assertion beside one refresh token: whoever comes second does not even get the grace.
async fn once_in_many_requests(kit: &Kit, token: crate::crypto::TokenHash) -> Checked {
    const RULE: &str = "of many requests with one assertion exactly one is served";
    let used = assertion();
    let answers = race(|_| {
        let store = Arc::clone(&kit.store);
        let issuer = kit.issuer.clone();
        let mut rotation = rotation(token, epoch());
        rotation.assertion = Some(used.clone());
        async move { store.rotate_refresh(&issuer, &rotation).await }
    })
    .await?;
    let refused = |answer: &&RefreshRotation| **answer == RefreshRotation::AssertionReplayed;
    let served = answers.len() - answers.iter().filter(refused).count();
    rule(RULE, served == 1, &answers)
}
