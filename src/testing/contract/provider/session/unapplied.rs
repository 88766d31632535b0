//! What the end of a session does before anybody has applied it to the grants that rest on it.

use time::Duration;

use super::{apply, logged_in};
use crate::scope::{SessionEnd, SessionId};
use crate::store::{CodeRedemption, RefreshRotation, RotateRefresh};
use crate::testing::contract::provider::{
    Checked, GRACE, Kit, any_id, grant, redeem, rotation, user,
};
use crate::testing::contract::{CALLERS, Violation, epoch, race, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    no_code_after_the_end(kit).await?;
    no_refresh_after_the_end(kit).await?;
    no_refresh_after_an_end_without_a_session(kit).await?;
    no_grace_after_the_end(kit).await?;
    the_end_races_refreshing(kit).await
}

/// An end, whether the grant outlives its session, and whether it outlives this end.
const ENDS: [(SessionEnd, bool, bool); 4] = [
    (SessionEnd::LoggedOut, false, false),
    (SessionEnd::LoggedOut, true, true),
    (SessionEnd::PasswordChanged, true, true),
    (SessionEnd::PasswordReset, true, false),
];

async fn no_code_after_the_end(kit: &Kit) -> Checked {
    const RULE: &str = "a code is not redeemed once its login has ended, applied or not";
    let owner = user("leaves")?;
    for (end, offline, lives) in ENDS {
        let session = logged_in(kit, &owner).await?;
        let code = kit.issued(grant(&owner, session, offline)).await?;
        kit.sessions.end_session(&owner, session, end, epoch()).await?;
        let redemption = kit.store.redeem_code(&kit.issuer, &redeem(&code, epoch())).await?;
        let redeemed = redemption == CodeRedemption::Redeemed;
        rule(RULE, redeemed == lives, (end, offline, redemption))?;
    }
    apply(kit).await.map(drop)
}

const REFRESH: &str = "a refresh token is not rotated once its login has ended, applied or not";

async fn no_refresh_after_the_end(kit: &Kit) -> Checked {
    let owner = user("stays-away")?;
    for (end, offline, lives) in ENDS {
        let session = logged_in(kit, &owner).await?;
        let (code, token) = kit.redeemed(grant(&owner, session, offline)).await?;
        kit.sessions.end_session(&owner, session, end, epoch()).await?;
        let (rotation, _) = kit.rotate(token, epoch()).await?;
        let expected = if lives { RefreshRotation::Rotated } else { RefreshRotation::Unknown };
        rule(REFRESH, rotation == expected, (end, offline, rotation))?;
        let entries = kit.revocations_of(code.grant.id).await?;
        rule("to look at an end is not to apply it", entries == 0, (end, offline, entries))?;
    }
    apply(kit).await.map(drop)
}

/// A password reset counts where nobody is logged in, and spares who logs in afterwards.
async fn no_refresh_after_an_end_without_a_session(kit: &Kit) -> Checked {
    let owner = user("nobody-there")?;
    let (_, token) = kit.redeemed(grant(&owner, SessionId(any_id()), true)).await?;
    let mut later = grant(&owner, SessionId(any_id()), true);
    later.authentication.at = epoch() + Duration::SECOND;
    let (_, fresh) = kit.redeemed(later).await?;
    kit.sessions.end_sessions_of(&owner, None, SessionEnd::PasswordReset, epoch()).await?;
    let (rotation, _) = kit.rotate(token, epoch()).await?;
    rule(REFRESH, rotation == RefreshRotation::Unknown, rotation)?;
    let alive = kit.yields(fresh, epoch() + Duration::SECOND).await?;
    rule("an end spares what rests on a later login", alive, "it is not rotated")?;
    apply(kit).await.map(drop)
}

async fn no_grace_after_the_end(kit: &Kit) -> Checked {
    let owner = user("comes-again")?;
    let (_, token) = kit.redeemed(grant(&owner, SessionId(any_id()), true)).await?;
    let (_, first) = kit.rotate(token, epoch()).await?;
    kit.sessions.end_sessions_of(&owner, None, SessionEnd::PasswordReset, epoch()).await?;
    for token in [token, first.successor.token] {
        for at in [epoch(), epoch() + GRACE] {
            let (rotation, _) = kit.rotate(token, at).await?;
            rule(REFRESH, rotation == RefreshRotation::Unknown, rotation)?;
        }
    }
    apply(kit).await.map(drop)
}

/// A reset and rotations at once: whatever a rotation gave out meanwhile, nothing is left alive
/// once the reset is through, before it is applied and after.
async fn the_end_races_refreshing(kit: &Kit) -> Checked {
    const RULE: &str = "no token outlives its login, not even one issued meanwhile";
    let mut families = Vec::new();
    for family in 0..CALLERS / 2 {
        let owner = user(&format!("races-{family}"))?;
        let (_, token) = kit.redeemed(grant(&owner, SessionId(any_id()), true)).await?;
        families.push((owner, rotation(token, epoch())));
    }
    race(|caller| {
        let (kit, family) = (kit.clone(), families.get(caller / 2).cloned());
        async move {
            let Some((owner, rotate)) = family else { return Ok(()) };
            if caller % 2 == 0 {
                return kit.store.rotate_refresh(&kit.issuer, &rotate).await.map(drop);
            }
            let end = SessionEnd::PasswordReset;
            kit.sessions.end_sessions_of(&owner, None, end, epoch()).await.map(drop)
        }
    })
    .await?;
    let nothing_yields = async || {
        for (_, RotateRefresh { presented, successor, .. }) in &families {
            for token in [*presented, successor.token] {
                rule(RULE, !kit.yields(token, epoch()).await?, "it yields another")?;
            }
        }
        Ok::<(), Violation>(())
    };
    nothing_yields().await?;
    apply(kit).await?;
    nothing_yields().await
}
