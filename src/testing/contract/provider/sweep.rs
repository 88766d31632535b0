//! Sweeping.

use time::{Duration, OffsetDateTime};

use super::{Checked, Kit, any_grant, new_code, redeem};
use crate::store::{CodeIssue, CodeRedemption};
use crate::testing::contract::{Violation, epoch, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    what_lives_stays(kit).await?;
    what_is_over_goes(kit).await
}

async fn sweep(kit: &Kit, now: OffsetDateTime) -> Result<(), Violation> {
    while kit.store.sweep_provider(now, 100).await? > 0 {}
    Ok(())
}

async fn what_lives_stays(kit: &Kit) -> Checked {
    const RULE: &str = "sweeping takes nothing that lives";
    let unredeemed = kit.issued(any_grant()?).await?;
    let (code, token) = kit.redeemed(any_grant()?).await?;
    sweep(kit, unredeemed.expires_at).await?;
    let mut second = new_code(any_grant()?);
    second.interaction_id = unredeemed.interaction_id;
    let again = kit.store.issue_code(&kit.issuer, &second).await?;
    let refused = again == CodeIssue::AlreadyIssued { redeemed: false };
    rule("an interaction yields one code, even one that expired", refused, again)?;

    let late = epoch() + Duration::hours(23);
    sweep(kit, late).await?;
    let replay = kit.store.redeem_code(&kit.issuer, &redeem(&code, late)).await?;
    rule(RULE, replay == CodeRedemption::Replayed, "a replay is not recognised any more")?;
    let stored = kit.store.load_refresh(&kit.issuer, &token).await?;
    rule(RULE, stored.is_some(), stored)
}

async fn what_is_over_goes(kit: &Kit) -> Checked {
    const RULE: &str = "sweeping takes what is over, in bounds";
    let mut families = Vec::new();
    for _ in 0..3 {
        families.push(kit.redeemed(any_grant()?).await?);
    }
    let over = epoch() + Duration::days(3);
    let first = kit.store.sweep_provider(over, 1).await?;
    rule(RULE, (1..=7).contains(&first), first)?;
    sweep(kit, over).await?;
    for (code, token) in families {
        let code = kit.store.load_code(&kit.issuer, &code.code).await?;
        rule(RULE, code.is_none(), code)?;
        let token = kit.store.load_refresh(&kit.issuer, &token).await?;
        rule(RULE, token.is_none(), token)?;
    }
    let log = kit.revoked().await?;
    rule(RULE, log.is_empty(), log.len())
}
