//! Revocation, and the log of it.

use std::collections::HashSet;

use super::{CLIENT, Checked, Kit, REMEMBERED, any_grant, any_id};
use crate::store::{IssuerId, RevocationTarget};
use crate::testing::contract::{CALLERS, epoch, race, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    revoked_once(kit).await?;
    a_log_of_ones_own(kit).await?;
    no_entry_is_skipped(kit).await
}

async fn revoked_once(kit: &Kit) -> Checked {
    const RULE: &str = "of many revocations of one grant exactly one happens";
    let (code, token) = kit.redeemed(any_grant()?).await?;
    let grant = code.grant.id;
    let answers =
        race(|_| {
            let kit = kit.clone();
            async move {
                kit.store.revoke_grant(&kit.issuer, grant, epoch(), epoch() + REMEMBERED).await
            }
        })
        .await?;
    let winners = answers.into_iter().filter(|won| *won).count();
    rule(RULE, winners == 1, winners)?;
    let entries = kit.revocations_of(grant).await?;
    rule(RULE, entries == 1, entries)?;
    let alive = kit.yields(token, epoch()).await?;
    rule("a revoked grant yields nothing", !alive, alive)?;
    let until = epoch() + REMEMBERED;
    let unknown = kit.store.revoke_grant(&kit.issuer, any_id(), epoch(), until).await?;
    rule("a grant that never was is not revoked", !unknown, unknown)
}

async fn a_log_of_ones_own(kit: &Kit) -> Checked {
    const RULE: &str = "the log says what is revoked, until when, to its own issuer";
    let issuer = IssuerId::new("https://log.example");
    let until = epoch() + REMEMBERED;
    kit.store.revoke_access_token(&issuer, "jti-1", until).await?;
    kit.store.revoke_access_token(&issuer, "jti-2", until).await?;
    let entries = kit.store.revocations(&issuer, 0, 10).await?;
    let [first, second] = entries.as_slice() else { return rule(RULE, false, entries) };
    let targets = [first, second].map(|entry| entry.target.clone());
    let expected = ["jti-1", "jti-2"].map(|jti| RevocationTarget::Token(jti.to_owned()));
    rule(RULE, targets == expected && first.expires_at == until, &entries)?;
    let page = kit.store.revocations(&issuer, 0, 1).await?;
    rule(RULE, page.as_slice() == std::slice::from_ref(first), &page)?;
    let rest = kit.store.revocations(&issuer, first.sequence, 10).await?;
    rule(RULE, rest.as_slice() == std::slice::from_ref(second), &rest)?;
    let foreign = kit.revoked().await?.contains(&RevocationTarget::Token("jti-1".into()));
    rule(RULE, !foreign, "another issuer's log has it")
}

/// A node that follows the log while others write to it learns of every revocation.
async fn no_entry_is_skipped(kit: &Kit) -> Checked {
    const RULE: &str = "a cursor that follows the revocation log skips no entry";
    let issuer = IssuerId::new("https://cursor.example");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..CALLERS * 4 {
        let (store, issuer) = (std::sync::Arc::clone(&kit.store), issuer.clone());
        let jti = format!("{CLIENT}-{writer}");
        writers.spawn(async move {
            store.revoke_access_token(&issuer, &jti, epoch() + REMEMBERED).await
        });
    }
    let (mut seen, mut cursor) = (HashSet::new(), 0);
    loop {
        let finished = writers.is_empty();
        for entry in kit.store.revocations(&issuer, cursor, 3).await? {
            cursor = entry.sequence;
            seen.insert(entry.target);
        }
        while let Some(written) = writers.try_join_next() {
            if let Ok(Err(error)) = written {
                return Err(error.into());
            }
        }
        if finished && kit.store.revocations(&issuer, cursor, 1).await?.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    rule(RULE, seen.len() == CALLERS * 4, format!("{} of {}", seen.len(), CALLERS * 4))
}
