//! Authorization codes.

use std::collections::HashSet;

use time::Duration;

use super::{Checked, Kit, any_grant, any_hash, any_id, new_code, redeem};
use crate::store::{CodeIssue, CodeRedemption, IssuerId, NewCode};
use crate::testing::contract::{CALLERS, epoch, race, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    stands_for_what_was_granted(kit).await?;
    one_code_an_interaction(kit).await?;
    redeemed_once(kit).await?;
    replay_is_remembered(kit).await?;
    another_client_changes_nothing(kit).await?;
    over_in_time(kit).await
}

async fn stands_for_what_was_granted(kit: &Kit) -> Checked {
    const RULE: &str = "a code stands for what was granted";
    let code = kit.issued(any_grant()?).await?;
    let stored = kit.store.load_code(&kit.issuer, &code.code).await?;
    let whole = stored.as_ref().is_some_and(|stored| {
        stored.grant == code.grant
            && stored.redirect_uri == code.redirect_uri
            && stored.code_challenge == code.code_challenge
            && stored.expires_at == code.expires_at
    });
    rule(RULE, whole, &stored)?;
    let elsewhere = IssuerId::new("https://other.example");
    let foreign = kit.store.load_code(&elsewhere, &code.code).await?;
    rule("a code is one issuer's", foreign.is_none(), &foreign)?;
    let foreign = kit.store.redeem_code(&elsewhere, &redeem(&code, epoch())).await?;
    rule("a code is one issuer's", foreign == CodeRedemption::Unknown, foreign)
}

async fn one_code_an_interaction(kit: &Kit) -> Checked {
    const RULE: &str = "an interaction yields one code";
    let first = new_code(any_grant()?);
    // Half of them bring one and the same code, as a double click does.
    let codes: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let mut code = new_code(first.grant.clone());
            code.grant.id = any_id();
            code.interaction_id.clone_from(&first.interaction_id);
            if caller % 2 == 0 { NewCode { code: first.code, ..code } } else { code }
        })
        .collect();
    let issues = race(|caller| {
        let (kit, code) = (kit.clone(), codes.get(caller).cloned());
        async move {
            let Some(code) = code else { return Ok(CodeIssue::AlreadyIssued { redeemed: false }) };
            kit.store.issue_code(&kit.issuer, &code).await
        }
    })
    .await?;
    let issued = issues.iter().filter(|issue| **issue == CodeIssue::Issued).count();
    rule(RULE, issued == 1, &issues)?;
    let mut there = Vec::new();
    for code in &codes {
        if kit.store.load_code(&kit.issuer, &code.code).await?.is_some() {
            there.push(code);
        }
    }
    let different: HashSet<_> = there.iter().map(|code| code.code).collect();
    rule(RULE, different.len() == 1, different.len())?;
    if let Some(code) = there.first() {
        kit.store.redeem_code(&kit.issuer, &redeem(code, epoch())).await?;
    }
    let again = kit.store.issue_code(&kit.issuer, &first).await?;
    rule(
        "who comes too late learns that the code was redeemed",
        again == CodeIssue::AlreadyIssued { redeemed: true },
        again,
    )
}

async fn redeemed_once(kit: &Kit) -> Checked {
    const RULE: &str = "of many redemptions of one code exactly one wins";
    let code = kit.issued(any_grant()?).await?;
    let attempts: Vec<_> = (0..CALLERS).map(|_| redeem(&code, epoch())).collect();
    let results = race(|caller| {
        let (kit, attempt) = (kit.clone(), attempts.get(caller).cloned());
        async move {
            let Some(attempt) = attempt else { return Ok(CodeRedemption::Unknown) };
            kit.store.redeem_code(&kit.issuer, &attempt).await
        }
    })
    .await?;
    let won = results.iter().filter(|result| **result == CodeRedemption::Redeemed).count();
    rule(RULE, won == 1, &results)?;
    let told = results.iter().filter(|result| **result == CodeRedemption::Replayed).count();
    rule("of those who replay a code one is told that it revoked the grant", told == 1, &results)?;

    let revoked = kit.revocations_of(code.grant.id).await?;
    rule("a replayed code revokes its grant once", revoked == 1, revoked)?;
    for attempt in attempts.iter().filter_map(|attempt| attempt.refresh.as_ref()) {
        let alive = kit.yields(attempt.token, epoch()).await?;
        rule("a replayed code revokes what was issued from it", !alive, alive)?;
    }
    Ok(())
}

async fn replay_is_remembered(kit: &Kit) -> Checked {
    const RULE: &str = "the denial of a replayed code is remembered";
    let (code, token) = kit.redeemed(any_grant()?).await?;
    // Long after the code has expired: what was issued from it lives.
    let late = epoch() + Duration::HOUR;
    let replay = kit.store.redeem_code(&kit.issuer, &redeem(&code, late)).await?;
    rule(RULE, replay == CodeRedemption::Replayed, replay)?;
    let stored = kit.store.load_refresh(&kit.issuer, &token).await?;
    rule(RULE, stored.as_ref().is_some_and(|stored| stored.revoked), &stored)?;
    rule(RULE, kit.revocations_of(code.grant.id).await? == 1, "the log does not say so")?;
    let alive = kit.yields(token, late).await?;
    rule(RULE, !alive, "the refresh token yields another")?;
    let again = kit.store.redeem_code(&kit.issuer, &redeem(&code, late)).await?;
    rule(RULE, again == CodeRedemption::Unknown, again)
}

async fn another_client_changes_nothing(kit: &Kit) -> Checked {
    const RULE: &str = "a code of another client is unknown, and stays good";
    let code = kit.issued(any_grant()?).await?;
    let mut theft = redeem(&code, epoch());
    theft.client_id = "thief".into();
    let stolen = kit.store.redeem_code(&kit.issuer, &theft).await?;
    rule(RULE, stolen == CodeRedemption::Unknown, stolen)?;
    let good = kit.store.redeem_code(&kit.issuer, &redeem(&code, epoch())).await?;
    rule(RULE, good == CodeRedemption::Redeemed, good)?;
    let stolen = kit.store.redeem_code(&kit.issuer, &theft).await?;
    rule(RULE, stolen == CodeRedemption::Unknown, stolen)?;
    let revoked = kit.revocations_of(code.grant.id).await?;
    rule("another client cannot revoke a grant by replaying its code", revoked == 0, revoked)
}

async fn over_in_time(kit: &Kit) -> Checked {
    const RULE: &str = "a code is redeemed before it expires, and not after";
    let code = kit.issued(any_grant()?).await?;
    let late = kit.store.redeem_code(&kit.issuer, &redeem(&code, code.expires_at)).await?;
    rule(RULE, late == CodeRedemption::Expired, late)?;
    let last = code.expires_at - Duration::MICROSECOND;
    let good = kit.store.redeem_code(&kit.issuer, &redeem(&code, last)).await?;
    rule(RULE, good == CodeRedemption::Redeemed, good)?;
    let mut unknown = redeem(&code, epoch());
    unknown.code = any_hash();
    let unknown = kit.store.redeem_code(&kit.issuer, &unknown).await?;
    rule("a code that was never issued is unknown", unknown == CodeRedemption::Unknown, unknown)
}
