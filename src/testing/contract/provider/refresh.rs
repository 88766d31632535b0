//! Refresh tokens: rotation, grace, reuse.

use time::Duration;

use super::{Checked, GRACE, Kit, REMEMBERED, any_grant, any_hash, rotation};
use crate::store::RefreshRotation;
use crate::testing::contract::{CALLERS, epoch, race, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    stands_for_its_grant(kit).await?;
    rotated_once(kit).await?;
    reuse_ends_the_family(kit).await?;
    grace_ends_with_its_window(kit).await?;
    grace_ends_with_the_successors_use(kit).await?;
    another_client_changes_nothing(kit).await?;
    over_in_time(kit).await?;
    no_token_outlives_its_family(kit).await?;
    reuse_races_use(kit).await
}

async fn stands_for_its_grant(kit: &Kit) -> Checked {
    const RULE: &str = "a refresh token stands for its grant";
    let (code, token) = kit.redeemed(any_grant()?).await?;
    let stored = kit.store.load_refresh(&kit.issuer, &token).await?;
    let whole = stored.as_ref().is_some_and(|stored| {
        stored.grant == code.grant
            && !stored.revoked
            && !stored.rotated
            && stored.issued_at == epoch()
            && stored.expires_at == epoch() + Duration::DAY
    });
    rule(RULE, whole, &stored)?;
    let (_, rotate) = kit.rotate(token, epoch()).await?;
    let child = kit.store.load_refresh(&kit.issuer, &rotate.successor.token).await?;
    rule(RULE, child.as_ref().is_some_and(|child| child.grant == code.grant), &child)?;
    let parent = kit.store.load_refresh(&kit.issuer, &token).await?;
    rule(RULE, parent.as_ref().is_some_and(|parent| parent.rotated), &parent)
}

async fn rotated_once(kit: &Kit) -> Checked {
    const RULE: &str = "of many rotations of one refresh token exactly one wins";
    let (code, token) = kit.redeemed(any_grant()?).await?;
    let attempts: Vec<_> = (0..CALLERS).map(|_| rotation(token, epoch())).collect();
    let results = race(|caller| {
        let (kit, attempt) = (kit.clone(), attempts.get(caller).cloned());
        async move {
            let Some(attempt) = attempt else { return Ok(RefreshRotation::Unknown) };
            kit.store.rotate_refresh(&kit.issuer, &attempt).await
        }
    })
    .await?;
    let winners: Vec<_> = results
        .iter()
        .zip(&attempts)
        .filter(|(result, _)| **result == RefreshRotation::Rotated)
        .map(|(_, attempt)| attempt)
        .collect();
    let [winner] = winners.as_slice() else { return rule(RULE, false, &results) };
    let successor_sealed = winner.successor_sealed.clone();
    let repeated = RefreshRotation::Repeated { successor_sealed };
    let same = results.iter().filter(|result| **result == repeated).count();
    rule("who repeats a rotation in time gets the same successor", same == CALLERS - 1, &results)?;
    let revoked = kit.revocations_of(code.grant.id).await?;
    rule("the grace window revokes nothing", revoked == 0, revoked)?;
    let alive = kit.yields(winner.successor.token, epoch()).await?;
    rule("the successor of a rotation is good", alive, alive)?;
    for loser in attempts.iter().filter(|attempt| attempt.successor != winner.successor) {
        let stored = kit.store.load_refresh(&kit.issuer, &loser.successor.token).await?;
        rule("a rotation that lost leaves no token", stored.is_none(), stored)?;
    }
    Ok(())
}

async fn reuse_ends_the_family(kit: &Kit) -> Checked {
    const RULE: &str = "a reused refresh token ends its family for good";
    let (code, token) = kit.redeemed(any_grant()?).await?;
    let (_, first) = kit.rotate(token, epoch()).await?;
    let later = epoch() + Duration::HOUR;
    let (_, second) = kit.rotate(first.successor.token, later).await?;
    let (reused, attempt) = kit.rotate(token, later).await?;
    rule(RULE, reused == RefreshRotation::Reused, reused)?;
    let revoked = kit.revocations_of(code.grant.id).await?;
    rule("reuse is written into the log once", revoked == 1, revoked)?;
    for token in [token, first.successor.token, second.successor.token, attempt.successor.token] {
        let (rotation, _) = kit.rotate(token, later).await?;
        rule(RULE, rotation == RefreshRotation::Unknown, rotation)?;
    }
    let stored = kit.store.load_refresh(&kit.issuer, &second.successor.token).await?;
    rule(RULE, stored.as_ref().is_some_and(|stored| stored.revoked), &stored)?;
    let revoked = kit.revocations_of(code.grant.id).await?;
    rule("reuse is written into the log once", revoked == 1, revoked)
}

async fn grace_ends_with_its_window(kit: &Kit) -> Checked {
    const RULE: &str = "the grace window of a rotation is as long as it says";
    let (_, token) = kit.redeemed(any_grant()?).await?;
    let (_, first) = kit.rotate(token, epoch()).await?;
    let successor_sealed = first.successor_sealed.clone();
    let last = epoch() + GRACE - Duration::MICROSECOND;
    let (repeated, _) = kit.rotate(token, last).await?;
    rule(RULE, repeated == RefreshRotation::Repeated { successor_sealed }, repeated)?;
    let (reused, _) = kit.rotate(token, epoch() + GRACE).await?;
    rule(RULE, reused == RefreshRotation::Reused, reused)?;
    let alive = kit.yields(first.successor.token, epoch() + GRACE).await?;
    rule("a reused refresh token ends its family for good", !alive, "the successor lives")
}

async fn grace_ends_with_the_successors_use(kit: &Kit) -> Checked {
    const RULE: &str = "the grace window closes when the successor is used";
    let (_, token) = kit.redeemed(any_grant()?).await?;
    let (_, first) = kit.rotate(token, epoch()).await?;
    let (_, second) = kit.rotate(first.successor.token, epoch()).await?;
    let (reused, _) = kit.rotate(token, epoch() + Duration::SECOND).await?;
    rule(RULE, reused == RefreshRotation::Reused, reused)?;
    let alive = kit.yields(second.successor.token, epoch()).await?;
    rule("a reused refresh token ends its family for good", !alive, "the grandchild lives")
}

async fn another_client_changes_nothing(kit: &Kit) -> Checked {
    const RULE: &str = "a refresh token of another client is unknown, and stays good";
    let (code, token) = kit.redeemed(any_grant()?).await?;
    for _ in 0..2 {
        let mut theft = rotation(token, epoch());
        theft.client_id = "thief".into();
        let stolen = kit.store.rotate_refresh(&kit.issuer, &theft).await?;
        rule(RULE, stolen == RefreshRotation::Unknown, stolen)?;
    }
    rule(RULE, kit.yields(token, epoch()).await?, "the owner cannot use it")?;
    let mut theft = rotation(token, epoch() + Duration::HOUR);
    theft.client_id = "thief".into();
    let stolen = kit.store.rotate_refresh(&kit.issuer, &theft).await?;
    rule(RULE, stolen == RefreshRotation::Unknown, stolen)?;
    rule(RULE, kit.revocations_of(code.grant.id).await? == 0, "a stranger ended the family")
}

async fn over_in_time(kit: &Kit) -> Checked {
    const RULE: &str = "a refresh token is rotated before it expires, and not after";
    let (_, token) = kit.redeemed(any_grant()?).await?;
    let end = epoch() + Duration::DAY;
    let (late, _) = kit.rotate(token, end).await?;
    rule(RULE, late == RefreshRotation::Expired, late)?;
    let good = kit.yields(token, end - Duration::MICROSECOND).await?;
    rule(RULE, good, good)?;
    let (unknown, _) = kit.rotate(any_hash(), epoch()).await?;
    rule("a token that was never issued is unknown", unknown == RefreshRotation::Unknown, unknown)
}

/// A revocation and a rotation at once: whichever comes first, nothing is left alive.
async fn no_token_outlives_its_family(kit: &Kit) -> Checked {
    const RULE: &str = "no token outlives its family, not even one issued meanwhile";
    let mut families = Vec::new();
    for _ in 0..CALLERS / 2 {
        let (code, token) = kit.redeemed(any_grant()?).await?;
        families.push((code.grant.id, rotation(token, epoch())));
    }
    race(|caller| {
        let (kit, family) = (kit.clone(), families.get(caller / 2).cloned());
        async move {
            let Some((grant, rotate)) = family else { return Ok(()) };
            if caller % 2 == 0 {
                kit.store.rotate_refresh(&kit.issuer, &rotate).await?;
            } else {
                let until = epoch() + REMEMBERED;
                kit.store.revoke_grant(&kit.issuer, grant, epoch(), until).await?;
            }
            Ok(())
        }
    })
    .await?;
    for (_, rotate) in families {
        for token in [rotate.presented, rotate.successor.token] {
            let alive = kit.yields(token, epoch()).await?;
            rule(RULE, !alive, "it yields another")?;
        }
    }
    Ok(())
}

/// The thief reuses an old token while the owner uses the new one: the family ends, with whatever
/// the owner was given.
async fn reuse_races_use(kit: &Kit) -> Checked {
    const RULE: &str = "no token outlives its family, not even one issued meanwhile";
    let mut families = Vec::new();
    for _ in 0..CALLERS / 2 {
        let (_, token) = kit.redeemed(any_grant()?).await?;
        let (_, first) = kit.rotate(token, epoch()).await?;
        let later = epoch() + Duration::HOUR;
        families.push([rotation(token, later), rotation(first.successor.token, later)]);
    }
    race(|caller| {
        let (kit, family) = (kit.clone(), families.get(caller / 2).cloned());
        async move {
            let attempt = family.and_then(|family| family.into_iter().nth(caller % 2));
            let Some(attempt) = attempt else { return Ok(()) };
            kit.store.rotate_refresh(&kit.issuer, &attempt).await.map(drop)
        }
    })
    .await?;
    for attempt in families.iter().flatten() {
        let alive = kit.yields(attempt.successor.token, epoch() + Duration::HOUR).await?;
        rule(RULE, !alive, "a token given out in the race yields another")?;
    }
    Ok(())
}
