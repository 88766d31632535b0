//! What the ends of sessions do to grants.

mod swept;
mod unapplied;

use time::Duration;

use super::{Checked, Kit, REMEMBERED, any_id, grant, user};
use crate::scope::{Account, Authentication, Method, SessionEnd, SessionId, UserId};
use crate::store::{Device, Effects, Login, NewSession};
use crate::testing::contract::{CALLERS, Violation, epoch, race, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    for end in SessionEnd::ALL {
        ends_what_rests_on_it(kit, end).await?;
    }
    an_end_without_a_session_counts(kit).await?;
    a_later_login_is_spared(kit).await?;
    unapplied::check(kit).await?;
    applied_once(kit).await?;
    swept::check(kit).await
}

async fn logged_in(kit: &Kit, user: &UserId) -> Result<SessionId, Violation> {
    let id = SessionId(any_id());
    let authentication = Authentication {
        ends_at: None,
        at: epoch() - Duration::MINUTE,
        methods: vec![Method::PASSWORD],
        context_class: None,
        session_id: id,
        login_path: None,
        fresh_until: None,
    };
    let session = NewSession {
        along: Effects::none(),
        token: super::any_hash(),
        id,
        login: Some(Login::new(Account::new(user.clone()), authentication)),
        data_id: any_id(),
        device: Device::default(),
        remembered: false,
        created_at: epoch(),
        last_active_at: epoch(),
        idle_expires_at: None,
        expires_at: epoch() + Duration::DAY,
        beside: None,
    };
    kit.sessions.create_session(&session).await?;
    Ok(id)
}

/// Applies all events there are; answers how many were read.
async fn apply(kit: &Kit) -> Result<u32, Violation> {
    let mut all = 0;
    loop {
        let until = epoch() + REMEMBERED;
        let read = kit.store.apply_session_events(&kit.issuer, 7, epoch(), until).await?;
        all += read;
        if read == 0 {
            return Ok(all);
        }
    }
}

async fn ends_what_rests_on_it(kit: &Kit, end: SessionEnd) -> Checked {
    const RULE: &str = "the end of a session ends the grants that rest on it, and no others";
    let owner = user(&format!("ends-{}", end.as_str()))?;
    let (ended, other) = (logged_in(kit, &owner).await?, logged_in(kit, &owner).await?);
    let bystander = user("bystander")?;
    let elsewhere = logged_in(kit, &bystander).await?;
    let offline_too = end.ends_offline_access();
    let mut grants = Vec::new();
    for (subject, session, offline, dies) in [
        (&owner, ended, false, true),
        (&owner, ended, true, offline_too),
        (&owner, other, false, offline_too),
        (&owner, other, true, offline_too),
        (&bystander, elsewhere, false, false),
        (&bystander, elsewhere, true, false),
    ] {
        let (code, token) = kit.redeemed(grant(subject, session, offline)).await?;
        grants.push((code.grant, token, dies));
    }
    kit.sessions.end_session(&owner, ended, end, epoch()).await?;
    apply(kit).await?;
    for (grant, token, dies) in grants {
        let entries = kit.revocations_of(grant.id).await?;
        rule(RULE, entries == usize::from(dies), (end, &grant, entries))?;
        let stored = kit.store.load_refresh(&kit.issuer, &token).await?;
        rule(RULE, stored.is_some_and(|stored| stored.revoked == dies), (end, &grant))?;
        rule(RULE, kit.yields(token, epoch()).await? != dies, (end, &grant))?;
    }
    Ok(())
}

/// A password reset ends offline access even where nobody is logged in any more.
async fn an_end_without_a_session_counts(kit: &Kit) -> Checked {
    const RULE: &str = "an end that reaches offline access needs no session that is alive";
    let owner = user("absent")?;
    let (code, token) = kit.redeemed(grant(&owner, SessionId(any_id()), true)).await?;
    kit.sessions.end_sessions_of(&owner, None, SessionEnd::PasswordReset, epoch()).await?;
    apply(kit).await?;
    rule(RULE, kit.revocations_of(code.grant.id).await? == 1, "the log does not say so")?;
    rule(RULE, !kit.yields(token, epoch()).await?, "its refresh token yields another")
}

/// Whoever logs in again after a password reset gives grants that the reset does not end.
async fn a_later_login_is_spared(kit: &Kit) -> Checked {
    const RULE: &str = "an end spares what rests on a later login";
    let owner = user("returns")?;
    let session = logged_in(kit, &owner).await?;
    let end = SessionEnd::PasswordReset;
    kit.sessions.end_session(&owner, session, end, epoch()).await?;
    let mut later = grant(&owner, SessionId(any_id()), true);
    later.authentication.at = epoch() + Duration::SECOND;
    let (code, token) = kit.redeemed(later).await?;
    apply(kit).await?;
    rule(RULE, kit.revocations_of(code.grant.id).await? == 0, "the log says it is revoked")?;
    rule(RULE, kit.yields(token, epoch()).await?, "its refresh token yields nothing")
}

async fn applied_once(kit: &Kit) -> Checked {
    const RULE: &str = "of nodes that apply the ends of sessions each end is applied by one";
    apply(kit).await?;
    let owner = user("many")?;
    let mut grants = Vec::new();
    for _ in 0..CALLERS {
        let session = logged_in(kit, &owner).await?;
        let (code, _) = kit.redeemed(grant(&owner, session, false)).await?;
        grants.push(code.grant.id);
    }
    kit.sessions.end_sessions_of(&owner, None, SessionEnd::LoggedOut, epoch()).await?;
    let read = race(|_| {
        let kit = kit.clone();
        async move {
            let until = epoch() + REMEMBERED;
            kit.store.apply_session_events(&kit.issuer, 5, epoch(), until).await
        }
    })
    .await?;
    let read: u32 = read.into_iter().sum();
    let left = apply(kit).await?;
    rule(RULE, (read + left) as usize == CALLERS, (read, left))?;
    for grant in grants {
        let entries = kit.revocations_of(grant).await?;
        rule(RULE, entries == 1, entries)?;
    }
    Ok(())
}
