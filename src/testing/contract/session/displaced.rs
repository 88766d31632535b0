//! Of a user's sessions only so many live beside a new one.

use std::sync::Arc;

use time::Duration;

use super::super::{CALLERS, epoch, race, rule};
use super::{Checked, Sessions, alive, ends_of, made, new_session, user};
use crate::scope::SessionEnd;
use crate::store::{NewSession, Rotation};

/// A session of `owner` beside which so many others live.
fn beside(owner: &str, others: u32) -> NewSession {
    NewSession { beside: Some(others), ..new_session(Some(owner)) }
}

pub(super) async fn of_the_others_so_many_stay(store: &Sessions) -> Checked {
    const RULE: &str = "those of a user's sessions that are too many end, unused longest first";
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(made(store, Some("displaced")).await?);
    }
    let foreign = made(store, Some("few")).await?;
    // The first one is used after all others, and one is over and counts no more.
    let later = epoch() + Duration::minutes(5);
    for session in sessions.iter().rev() {
        let is_first = sessions.first().is_some_and(|first| first.id == session.id);
        let at = if is_first { later } else { epoch() + Duration::MINUTE };
        store.touch_session(session.id, at, Some(at + Duration::HOUR)).await?;
    }
    let over =
        NewSession { expires_at: later - Duration::MICROSECOND, ..new_session(Some("displaced")) };
    store.create_session(&over).await?;
    let opened = NewSession { created_at: later, last_active_at: later, ..beside("displaced", 3) };
    store.create_session(&opened).await?;
    let mut living = Vec::new();
    for session in &sessions {
        let lives = alive(store, &session.token, later).await?;
        let events = ends_of(store, session).await?;
        let expected: &[_] = if lives { &[] } else { &[SessionEnd::Displaced] };
        rule("a session that is displaced is noted once", events == expected, &events)?;
        living.push(lives);
    }
    rule(RULE, living.iter().filter(|lives| **lives).count() == 3, &living)?;
    rule(RULE, living.first() == Some(&true), "the one that was used last")?;
    rule(RULE, alive(store, &foreign.token, later).await?, "another user's")?;
    let events = ends_of(store, &over).await?;
    rule(RULE, events.is_empty(), &events)?;
    // A visitor who logs in is one more, and of a rotation that is lost nothing is left.
    let visitor = made(store, None).await?;
    let next = NewSession { created_at: later, last_active_at: later, ..beside("displaced", 1) };
    let lost = new_session(None).token;
    let end = SessionEnd::Replaced;
    let rotation = store.rotate_session(&lost, &next, end, later).await?;
    rule(RULE, rotation == Rotation::Lost, rotation)?;
    let owner = user("displaced")?;
    let left = store.sessions_of(&owner, later).await?;
    rule("a rotation that is lost ends nothing", left.len() == 4, &left)?;
    store.rotate_session(&visitor.token, &next, end, later).await?;
    let left = store.sessions_of(&owner, later).await?;
    let stays = left.iter().any(|session| session.id == next.id);
    rule("a rotation displaces as a new session does", stays && left.len() == 2, &left)
}

/// As when a thief logs in at many places at once: nobody's list is longer than it may be.
pub(super) async fn whoever_is_last_leaves_no_more(store: &Sessions) -> Checked {
    const RULE: &str = "of sessions that are opened at once no more stay than may";
    const OTHERS: u32 = 4;
    for _ in 0..=OTHERS {
        made(store, Some("thief")).await?;
    }
    let opened: Vec<_> = (0..CALLERS).map(|_| beside("thief", OTHERS)).collect();
    race(|caller| {
        let (store, session) = (Arc::clone(store), opened.get(caller).cloned());
        async move {
            match session {
                Some(session) => store.create_session(&session).await,
                None => Ok(()),
            }
        }
    })
    .await?;
    let left = store.sessions_of(&user("thief")?, epoch()).await?;
    rule(RULE, left.len() == OTHERS as usize + 1, &left)?;
    for session in &opened {
        let lives = alive(store, &session.token, epoch()).await?;
        let events = ends_of(store, session).await?;
        let expected: &[_] = if lives { &[] } else { &[SessionEnd::Displaced] };
        rule(RULE, events == expected, &events)?;
    }
    Ok(())
}
