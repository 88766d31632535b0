//! What sweeping the log of session ends leaves undone: nothing.

use time::OffsetDateTime;

use super::{apply, logged_in};
use crate::scope::SessionEnd;
use crate::store::{
    CodeRedemption, IssuerId, LONGEST_ACCESS_TOKEN, NewCode, RevocationTarget, SESSION_EVENTS_KEPT,
};
use crate::testing::contract::provider::{Checked, Kit, REMEMBERED, grant, new_code, redeem, user};
use crate::testing::contract::{CALLERS, Violation, epoch, race, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    nothing_is_lost_on_who_is_away(kit).await?;
    who_was_let_in_before_the_end_is_refused(kit).await?;
    sweeping_races_reading(kit).await
}

/// The first moment at which what happened at the epoch may go.
fn when_old() -> OffsetDateTime {
    epoch() + SESSION_EVENTS_KEPT
}

async fn sweep(kit: &Kit) -> Result<u64, Violation> {
    let mut all = 0;
    loop {
        let swept = kit.sessions.sweep_session_events(when_old(), 20).await?;
        all += swept;
        if swept == 0 {
            return Ok(all);
        }
    }
}

/// The same store, seen by another issuer, who has begun to read.
async fn another(kit: &Kit, issuer: &str) -> Result<Kit, Violation> {
    let other = Kit { issuer: IssuerId::new(issuer), ..kit.clone() };
    apply(&other).await?;
    Ok(other)
}

/// Grants whose sessions have ended, and that nobody has told.
async fn ended(kit: &Kit, owner: &str, count: usize) -> Result<Vec<NewCode>, Violation> {
    let owner = user(owner)?;
    let mut codes = Vec::new();
    for _ in 0..count {
        let session = logged_in(kit, &owner).await?;
        codes.push(kit.redeemed(grant(&owner, session, false)).await?.0);
        kit.sessions.end_session(&owner, session, SessionEnd::LoggedOut, epoch()).await?;
    }
    Ok(codes)
}

const RULE: &str = "what is swept from the log was applied for every issuer";

async fn nothing_is_lost_on_who_is_away(kit: &Kit) -> Checked {
    apply(kit).await?;
    let away = another(kit, "https://away.example").await?;
    let codes = ended(&away, "is-served-elsewhere", 30).await?;
    apply(kit).await?;
    let swept = sweep(kit).await?;
    rule("who does not read holds nobody up", swept >= 30, swept)?;
    for code in &codes {
        let entries = away.revocations_of(code.grant.id).await?;
        rule(RULE, entries == 1, entries)?;
    }
    let log = kit.store.revocations(&away.issuer, 0, 100).await?;
    let until = when_old() + LONGEST_ACCESS_TOKEN;
    rule(RULE, log.iter().all(|entry| entry.expires_at >= until), "it is forgotten too early")?;

    // It comes back, and reads on.
    let read = apply(&away).await?;
    rule(RULE, read == 0, read)?;
    let codes = ended(&away, "comes-back", 1).await?;
    apply(&away).await?;
    for code in &codes {
        let entries = away.revocations_of(code.grant.id).await?;
        rule("who was away reads on where the log is", entries == 1, entries)?;
    }
    apply(kit).await.map(drop)
}

/// A request that began before the end, and writes its code after everybody has read it.
async fn who_was_let_in_before_the_end_is_refused(kit: &Kit) -> Checked {
    const RULE: &str = "a code is not redeemed once its login has ended, applied or not";
    let owner = user("dawdles")?;
    let session = logged_in(kit, &owner).await?;
    kit.sessions.end_session(&owner, session, SessionEnd::LoggedOut, epoch()).await?;
    apply(kit).await?;
    let young = when_old() - time::Duration::MICROSECOND;
    while kit.sessions.sweep_session_events(young, 20).await? > 0 {}
    let code = new_code(grant(&owner, session, false));
    kit.store.issue_code(&kit.issuer, &code).await?;
    let redemption = kit.store.redeem_code(&kit.issuer, &redeem(&code, epoch())).await?;
    rule(RULE, redemption == CodeRedemption::Unknown, redemption)
}

async fn sweeping_races_reading(kit: &Kit) -> Checked {
    let reader = another(kit, "https://reader.example").await?;
    apply(kit).await?;
    let codes = ended(&reader, "is-read-and-swept", CALLERS).await?;
    race(|caller| {
        let kit = reader.clone();
        async move {
            let until = epoch() + REMEMBERED;
            if caller % 2 == 0 {
                kit.store.apply_session_events(&kit.issuer, 3, epoch(), until).await?;
            } else {
                kit.sessions.sweep_session_events(when_old(), 5).await?;
            }
            Ok(())
        }
    })
    .await?;
    sweep(kit).await?;
    apply(&reader).await?;
    let log = reader.revoked().await?;
    for code in &codes {
        let target = RevocationTarget::Grant(code.grant.id);
        let entries = log.iter().filter(|entry| **entry == target).count();
        rule(RULE, entries == 1, entries)?;
    }
    let left = kit.sessions.session_events(0, 10).await?;
    rule("who does not read holds nobody up", left.is_empty(), left)
}
