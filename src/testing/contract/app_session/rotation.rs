//! Refresh tokens: rotation, grace, reuse.

use time::Duration;

use super::{
    ABSOLUTE, CALLERS, Checked, GRACE, IDLE, Kit, at, epoch, race, refresh, rotation, rule,
};
use crate::scope::SessionEnd;
use crate::store::{AppRotation, Effects};

const ENDED: &str = "a reused refresh token of an app ends its session for good";

pub(super) async fn check(kit: &Kit) -> Checked {
    a_rotation_prolongs_its_session(kit).await?;
    rotated_once(kit).await?;
    reuse_ends_the_session(kit).await?;
    any_old_token_ends_the_session(kit).await?;
    grace_ends_with_its_window(kit).await?;
    grace_ends_with_the_successors_use(kit).await?;
    another_app_changes_nothing(kit).await?;
    over_in_time(kit).await?;
    no_token_outlives_its_session(kit).await?;
    reuse_races_use(kit).await
}

async fn a_rotation_prolongs_its_session(kit: &Kit) -> Checked {
    const RULE: &str = "a rotation prolongs its session, and brings an access token";
    let user = kit.user().await?;
    let session = kit.begun(&user).await?;
    let later = epoch() + Duration::HOUR;
    let rotate = rotation(session.refresh, later);
    let seen = kit.rotate(&rotate).await?;
    let expires_at = epoch() + ABSOLUTE;
    rule(RULE, seen == AppRotation::Rotated { expires_at }, seen)?;
    let found = kit.store.find_app_session(&rotate.access.token, later).await?;
    rule(RULE, found.as_ref().is_some_and(|found| found.session == session.id), found)?;
    let all = kit.sessions.sessions_of(&user.id, later).await?;
    let own = all.iter().find(|it| it.id == session.id);
    let prolonged = own.is_some_and(|own| {
        own.last_active_at == later && own.idle_expires_at == Some(later + IDLE)
    });
    rule(RULE, prolonged, own)
}

async fn rotated_once(kit: &Kit) -> Checked {
    const RULE: &str = "of many rotations of one refresh token of an app exactly one wins";
    let user = kit.user().await?;
    let session = kit.begun(&user).await?;
    let attempts: Vec<_> = (0..CALLERS).map(|_| rotation(session.refresh, epoch())).collect();
    let results = race(|caller| {
        let (kit, attempt) = (kit.clone(), attempts.get(caller).cloned());
        async move {
            let Some(attempt) = attempt else { return Ok(AppRotation::Unknown) };
            kit.store.rotate_app_session(&attempt, &Effects::none()).await
        }
    })
    .await?;
    let expires_at = epoch() + ABSOLUTE;
    let won = AppRotation::Rotated { expires_at };
    let winners: Vec<_> = results
        .iter()
        .zip(&attempts)
        .filter(|(result, _)| **result == won)
        .map(|(_, attempt)| attempt)
        .collect();
    let [winner] = winners.as_slice() else { return rule(RULE, false, &results) };
    let successor_sealed = winner.successor_sealed.clone();
    let repeated = AppRotation::Repeated { successor_sealed, expires_at };
    let same = results.iter().filter(|result| **result == repeated).count();
    rule("who repeats an app's rotation in time gets the same", same == CALLERS - 1, &results)?;
    for attempt in &attempts {
        let opens = kit.opens(&attempt.access.token, at(1)).await?;
        rule("each who rotates in time gets an access token of their own", opens, opens)?;
    }
    let alive = kit.yields(winner.next(), at(1)).await?;
    rule("the successor of an app's rotation is good", alive, alive)?;
    for attempt in attempts.iter().filter(|attempt| attempt.next() != winner.next()) {
        let kept = kit.yields(attempt.next(), at(1)).await?;
        rule("a rotation that lost leaves no refresh token", !kept, kept)?;
    }
    Ok(())
}

async fn reuse_ends_the_session(kit: &Kit) -> Checked {
    let user = kit.user().await?;
    let session = kit.begun(&user).await?;
    let (first, later) = (rotation(session.refresh, epoch()), epoch() + Duration::minutes(10));
    kit.rotate(&first).await?;
    let second = rotation(first.next(), later);
    kit.rotate(&second).await?;
    let (name, denied) = kit.along();
    let theft = rotation(session.refresh, later);
    let reused = kit.store.rotate_app_session(&theft, &denied).await?;
    rule(ENDED, reused == AppRotation::Reused, reused)?;
    let wrote = kit.wrote(&name, &user.id).await?;
    rule("reuse is told of, and names its user", wrote == 1, wrote)?;
    for token in [session.refresh, first.next(), second.next(), theft.next()] {
        let seen = kit.rotate(&rotation(token, later)).await?;
        rule(ENDED, seen == AppRotation::Unknown, seen)?;
    }
    for access in [session.access, second.access.token, theft.access.token] {
        rule(ENDED, !kit.opens(&access, later).await?, "an access token works")?;
    }
    let ends = kit.ends(session.id).await?;
    rule("the end of an app's session is told of", ends == [SessionEnd::Revoked], ends)
}

/// What was stolen long ago, and rotated away since, is known by its family.
async fn any_old_token_ends_the_session(kit: &Kit) -> Checked {
    for age in [2, 3, 7] {
        let user = kit.user().await?;
        let (session, (name, denied)) = (kit.begun(&user).await?, kit.along());
        let last = kit.rotate_often(session.refresh, age).await?;
        // Long after any grace window.
        let later = epoch() + Duration::HOUR;
        let theft = rotation(session.refresh, later);
        let seen = kit.store.rotate_app_session(&theft, &denied).await?;
        rule(ENDED, seen == AppRotation::Reused, (age, seen))?;
        let wrote = kit.wrote(&name, &user.id).await?;
        rule("reuse is told of, and names its user", wrote == 1, (age, wrote))?;
        rule(ENDED, !kit.yields(last, later).await?, (age, "the last one lives"))?;
        let seen = kit.rotate(&theft).await?;
        rule(ENDED, seen == AppRotation::Unknown, (age, seen))?;
    }
    Ok(())
}

async fn grace_ends_with_its_window(kit: &Kit) -> Checked {
    const RULE: &str = "the grace window of an app's rotation is as long as it says";
    let session = kit.begun(&kit.user().await?).await?;
    let first = rotation(session.refresh, epoch());
    kit.rotate(&first).await?;
    let last = epoch() + GRACE - Duration::MICROSECOND;
    let repeated = kit.rotate(&rotation(session.refresh, last)).await?;
    let (successor_sealed, expires_at) = (first.successor_sealed.clone(), epoch() + ABSOLUTE);
    let expected = AppRotation::Repeated { successor_sealed, expires_at };
    rule(RULE, repeated == expected, repeated)?;
    let reused = kit.rotate(&rotation(session.refresh, epoch() + GRACE)).await?;
    rule(RULE, reused == AppRotation::Reused, reused)?;
    let alive = kit.yields(first.next(), epoch() + GRACE).await?;
    rule(ENDED, !alive, "the successor lives")
}

async fn grace_ends_with_the_successors_use(kit: &Kit) -> Checked {
    const RULE: &str = "the grace window of an app's rotation closes when the successor is used";
    let session = kit.begun(&kit.user().await?).await?;
    let first = rotation(session.refresh, epoch());
    kit.rotate(&first).await?;
    let second = rotation(first.next(), epoch());
    kit.rotate(&second).await?;
    let reused = kit.rotate(&rotation(session.refresh, at(1))).await?;
    rule(RULE, reused == AppRotation::Reused, reused)?;
    let alive = kit.yields(second.next(), at(1)).await?;
    rule(ENDED, !alive, "the grandchild lives")
}

async fn another_app_changes_nothing(kit: &Kit) -> Checked {
    const RULE: &str = "a refresh token of another app is unknown, and stays good";
    let session = kit.begun(&kit.user().await?).await?;
    let theft = |now| {
        let mut theft = rotation(session.refresh, now);
        theft.app = "thief".to_owned();
        theft
    };
    let later = epoch() + Duration::HOUR;
    for now in [epoch(), later] {
        let stolen = kit.rotate(&theft(now)).await?;
        rule(RULE, stolen == AppRotation::Unknown, stolen)?;
    }
    rule(RULE, kit.yields(session.refresh, later).await?, "the owner cannot use it")?;
    let stolen = kit.rotate(&theft(later + Duration::HOUR)).await?;
    rule(RULE, stolen == AppRotation::Unknown, stolen)?;
    let alive = kit.ends(session.id).await?.is_empty();
    rule(RULE, alive, "a stranger ended the session")
}

async fn over_in_time(kit: &Kit) -> Checked {
    const RULE: &str =
        "a refresh token of an app works while its session is used, and not for ever";
    let user = kit.user().await?;
    let session = kit.begun(&user).await?;
    let idle = kit.rotate(&rotation(session.refresh, epoch() + IDLE)).await?;
    rule(RULE, idle == AppRotation::Unknown, idle)?;
    let (mut token, mut now) = (session.refresh, epoch());
    for _ in 0..3 {
        now = now + IDLE - Duration::MICROSECOND;
        let rotate = rotation(token, now);
        let seen = kit.rotate(&rotate).await?;
        rule(RULE, matches!(seen, AppRotation::Rotated { .. }), (now, seen))?;
        token = rotate.next();
    }
    let over = kit.rotate(&rotation(token, epoch() + ABSOLUTE)).await?;
    rule(RULE, over == AppRotation::Unknown, over)?;
    let unknown = kit.rotate(&rotation(refresh(), epoch())).await?;
    let name = "a refresh token of an app that was never issued is unknown";
    rule(name, unknown == AppRotation::Unknown, unknown)
}

/// A revocation and a rotation at once: whichever comes first, nothing is left alive.
async fn no_token_outlives_its_session(kit: &Kit) -> Checked {
    const RULE: &str = "no token of an app outlives its session, not even one issued meanwhile";
    let user = kit.user().await?;
    let mut all = Vec::new();
    for _ in 0..CALLERS / 2 {
        let session = kit.begun(&user).await?;
        all.push((session, rotation(session.refresh, epoch())));
    }
    race(|caller| {
        let (kit, it, user) = (kit.clone(), all.get(caller / 2).cloned(), user.id.clone());
        async move {
            let Some((session, rotate)) = it else { return Ok(()) };
            match caller % 4 {
                0 | 2 => drop(kit.store.rotate_app_session(&rotate, &Effects::none()).await?),
                1 => {
                    let none = Effects::none();
                    kit.store.revoke_app_session(&session.access, None, &none, epoch()).await?;
                }
                _ => {
                    let (id, end) = (session.id, SessionEnd::Revoked);
                    kit.sessions.end_session(&user, id, end, epoch()).await?;
                }
            }
            Ok(())
        }
    })
    .await?;
    for (session, rotate) in all {
        for token in [rotate.presented, rotate.next()] {
            rule(RULE, !kit.yields(token, epoch()).await?, "it yields another")?;
        }
        for access in [session.access, rotate.access.token] {
            rule(RULE, !kit.opens(&access, epoch()).await?, "it opens something")?;
        }
    }
    Ok(())
}

/// The thief reuses an old token while the owner uses the new one: the session ends, with whatever
/// the owner was given.
async fn reuse_races_use(kit: &Kit) -> Checked {
    const RULE: &str = "no token of an app outlives its session, not even one issued meanwhile";
    let user = kit.user().await?;
    let mut all = Vec::new();
    for _ in 0..CALLERS / 2 {
        let session = kit.begun(&user).await?;
        let first = rotation(session.refresh, epoch());
        kit.rotate(&first).await?;
        let later = epoch() + Duration::HOUR;
        all.push([rotation(session.refresh, later), rotation(first.next(), later)]);
    }
    race(|caller| {
        let (kit, it) = (kit.clone(), all.get(caller / 2).cloned());
        async move {
            let attempt = it.and_then(|it| it.into_iter().nth(caller % 2));
            let Some(attempt) = attempt else { return Ok(()) };
            kit.store.rotate_app_session(&attempt, &Effects::none()).await.map(drop)
        }
    })
    .await?;
    for attempt in all.iter().flatten() {
        let alive = kit.yields(attempt.next(), epoch() + Duration::HOUR).await?;
        rule(RULE, !alive, "a token given out in the race yields another")?;
    }
    Ok(())
}
