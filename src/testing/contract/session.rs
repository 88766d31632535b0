mod data;
mod displaced;
mod users;

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::{CALLERS, Violation, epoch, race, rule};
use crate::crypto::{RandomExt as _, SystemRandom, TokenHash};
use crate::scope::{
    Account, Authentication, Method, OrganizationId, SessionEnd, SessionEvent, SessionId, UserId,
};
use crate::store::{
    Device, Effects, Login, NewSession, OthersEnd, Rotation, SESSION_EVENTS_KEPT, SessionStore,
};

type Checked = Result<(), Violation>;
type Sessions = Arc<dyn SessionStore>;

/// Proves the contract of [`SessionStore`].
///
/// # Errors
/// The first [`Violation`].
pub async fn sessions(store: Sessions) -> Checked {
    found_until_over(&store).await?;
    never_revived(&store).await?;
    rotates_once(&store).await?;
    rotation_replaces(&store).await?;
    ends_are_noted(&store).await?;
    ending_spares_the_exception(&store).await?;
    of_sessions_that_end_each_other_one_is_left(&store).await?;
    many_may_end_the_same(&store).await?;
    displaced::of_the_others_so_many_stay(&store).await?;
    displaced::whoever_is_last_leaves_no_more(&store).await?;
    data::merges(&store).await?;
    data::holds_any_text(&store).await?;
    data::goes_with_its_session(&store).await?;
    users::each_change_counts(&store).await?;
    users::a_change_outdates(&store).await?;
    users::the_latest_word_prevails(&store).await?;
    users::one_answer_is_written(&store).await?;
    users::only_its_own_session(&store).await?;
    users::a_rotation_makes_nothing_newer(&store).await?;
    ends_for_good_are_noted(&store).await?;
    sweeping_notes_expiry(&store).await?;
    no_event_is_skipped(&store).await?;
    events_stay_for_a_while(&store).await
}

pub(super) fn new_session(user: Option<&str>) -> NewSession {
    let now = epoch();
    let id = SessionId(SystemRandom.uuid_v7(now));
    let login = user.and_then(|user| UserId::new(user).ok()).map(|user| Login {
        account: Account::new(user).with_email("a@example.test", true),
        as_of: None,
        authentication: Authentication {
            ends_at: None,
            at: now,
            methods: vec![Method::PASSWORD],
            context_class: None,
            session_id: id,
            login_path: None,
            fresh_until: None,
        },
        organization: Some(OrganizationId(SystemRandom.uuid_v7(now))),
        impersonator: UserId::new("administrator").ok(),
    });
    NewSession {
        along: Effects::none(),
        token: SystemRandom.token().hash(),
        id,
        login,
        data_id: SystemRandom.uuid_v7(now),
        device: Device { address: Some([192, 0, 2, 1].into()), user_agent: Some("kit".into()) },
        remembered: false,
        created_at: now,
        last_active_at: now,
        idle_expires_at: Some(now + Duration::minutes(30)),
        expires_at: now + Duration::hours(24),
        beside: None,
    }
}

async fn made(store: &Sessions, user: Option<&str>) -> Result<NewSession, Violation> {
    let session = new_session(user);
    store.create_session(&session).await?;
    Ok(session)
}

async fn alive(store: &Sessions, token: &TokenHash, at: OffsetDateTime) -> Result<bool, Violation> {
    Ok(store.load_session(token, at).await?.is_some())
}

async fn found_until_over(store: &Sessions) -> Checked {
    const RULE: &str = "a session is found by its token until it is idle or old for too long";
    let session = made(store, Some("found")).await?;
    let loaded = store.load_session(&session.token, epoch()).await?;
    let whole = loaded.as_ref().is_some_and(|loaded| {
        loaded.id == session.id
            && loaded.login == session.login
            && loaded.membership.is_none()
            && loaded.data_id == session.data_id
            && loaded.device == session.device
            && loaded.expires_at == session.expires_at
            && loaded.idle_expires_at == session.idle_expires_at
    });
    rule(RULE, whole, &loaded)?;
    let idle = epoch() + Duration::minutes(30);
    rule(RULE, alive(store, &session.token, idle - Duration::MICROSECOND).await?, "gone early")?;
    rule(RULE, !alive(store, &session.token, idle).await?, "alive when idle")?;
    let old = NewSession { idle_expires_at: None, ..new_session(Some("found")) };
    store.create_session(&old).await?;
    let end = old.expires_at;
    rule(RULE, alive(store, &old.token, end - Duration::MICROSECOND).await?, "gone early")?;
    rule(RULE, !alive(store, &old.token, end).await?, "alive when old")?;
    let unknown = SystemRandom.token().hash();
    rule(RULE, !alive(store, &unknown, epoch()).await?, "an unknown token opens a session")
}

async fn never_revived(store: &Sessions) -> Checked {
    const RULE: &str = "a session that is over is never revived";
    let session = made(store, Some("revived")).await?;
    let active = epoch() + Duration::minutes(20);
    let extended = Some(active + Duration::minutes(30));
    store.touch_session(session.id, active, extended).await?;
    let loaded = store.load_session(&session.token, active + Duration::minutes(29)).await?;
    let touched = loaded.as_ref().is_some_and(|loaded| loaded.last_active_at == active);
    rule("activity keeps a session alive", touched, &loaded)?;

    let late = active + Duration::minutes(30);
    store.touch_session(session.id, late, Some(late + Duration::minutes(30))).await?;
    rule(RULE, !alive(store, &session.token, late).await?, "activity revived it")?;
    let next = new_session(Some("revived"));
    let rotation = store.rotate_session(&session.token, &next, SessionEnd::Replaced, late).await?;
    rule(RULE, rotation == Rotation::Lost, rotation)?;
    rule(RULE, !alive(store, &next.token, epoch()).await?, "rotation revived it")
}

async fn rotates_once(store: &Sessions) -> Checked {
    const RULE: &str = "of many rotations of one session exactly one wins";
    let session = made(store, None).await?;
    let nexts: Vec<_> = (0..CALLERS).map(|_| new_session(Some("rotates"))).collect();
    let results = race(|caller| {
        let (store, current) = (Arc::clone(store), session.token);
        let next = nexts.get(caller).cloned();
        async move {
            let Some(next) = next else { return Ok(false) };
            let end = SessionEnd::Replaced;
            let rotation = store.rotate_session(&current, &next, end, epoch()).await?;
            Ok(rotation == Rotation::Rotated)
        }
    })
    .await?;
    let winners = results.iter().filter(|won| **won).count();
    rule(RULE, winners == 1, winners)?;
    let mut living = 0;
    for next in &nexts {
        living += usize::from(alive(store, &next.token, epoch()).await?);
    }
    rule(RULE, living == 1, living)?;
    rule(RULE, !alive(store, &session.token, epoch()).await?, "the old token still opens it")
}

async fn rotation_replaces(store: &Sessions) -> Checked {
    const RULE: &str = "a login that is replaced has ended, and only then";
    let first = made(store, Some("replaced")).await?;
    let same = NewSession { token: SystemRandom.token().hash(), ..first.clone() };
    store.rotate_session(&first.token, &same, SessionEnd::Replaced, epoch()).await?;
    let events = ends_of(store, &first).await?;
    rule(RULE, events.is_empty(), &events)?;
    let other = new_session(Some("replacer"));
    store.rotate_session(&same.token, &other, SessionEnd::Replaced, epoch()).await?;
    let events = ends_of(store, &first).await?;
    rule(RULE, events == [SessionEnd::Replaced], &events)
}

async fn ends_are_noted(store: &Sessions) -> Checked {
    const RULE: &str = "the end of a login is noted once, with its reason";
    let session = made(store, Some("ends")).await?;
    let owner = user("ends")?;
    let stranger = user("stranger")?;
    let end = SessionEnd::Revoked;
    let foreign = store.end_session(&stranger, session.id, end, epoch()).await?;
    rule("nobody ends another's session", !foreign, foreign)?;
    let results = race(|_| {
        let (store, owner, id) = (Arc::clone(store), owner.clone(), session.id);
        async move { store.end_session(&owner, id, end, epoch()).await }
    })
    .await?;
    let winners = results.iter().filter(|won| **won).count();
    rule(RULE, winners == 1, winners)?;
    let events = ends_of(store, &session).await?;
    rule(RULE, events == [end], &events)?;
    rule(RULE, !alive(store, &session.token, epoch()).await?, "it is still alive")
}

async fn ending_spares_the_exception(store: &Sessions) -> Checked {
    const RULE: &str = "ending a user's sessions ends all but the exception, and nobody else's";
    let owner = user("many")?;
    let (kept, ended) = (made(store, Some("many")).await?, made(store, Some("many")).await?);
    let foreign = made(store, Some("few")).await?;
    let end = SessionEnd::PasswordChanged;
    let count = store.end_sessions_of(&owner, Some(kept.id), end, epoch()).await?;
    rule(RULE, count == 1, count)?;
    for (session, expected) in [(&kept, true), (&ended, false), (&foreign, true)] {
        rule(RULE, alive(store, &session.token, epoch()).await? == expected, session)?;
    }
    let listed = store.sessions_of(&owner, epoch()).await?;
    rule("a user's live sessions are listed", listed.len() == 1, &listed)?;
    let events = ends_of(store, &ended).await?;
    rule(RULE, events == [end], &events)?;
    let count = store.end_sessions_of(&owner, None, end, epoch()).await?;
    rule(RULE, count == 1, count)
}

/// As when a thief and the owner both log out all others.
async fn of_sessions_that_end_each_other_one_is_left(store: &Sessions) -> Checked {
    const RULE: &str = "of sessions that end each other one is left";
    let (owner, end) = (user("duel")?, SessionEnd::Revoked);
    let foreign = made(store, Some("few")).await?;
    let mut sessions = Vec::new();
    for _ in 0..CALLERS {
        sessions.push(made(store, Some("duel")).await?);
    }
    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    let ends = race(|caller| {
        let (store, owner) = (Arc::clone(store), owner.clone());
        let kept = ids.get(caller).copied().unwrap_or(foreign.id);
        let none = Effects::none();
        async move { store.end_other_sessions(&owner, kept, end, &none, epoch()).await }
    })
    .await?;
    let done = OthersEnd::Done { ended: CALLERS as u64 - 1, device_epoch: None };
    let winners: Vec<_> =
        ends.iter().zip(&sessions).filter(|(told, _)| **told == done).map(|won| won.1).collect();
    let late = ends.iter().filter(|told| **told == OthersEnd::Gone).count();
    rule(RULE, (winners.len(), late) == (1, CALLERS - 1), &ends)?;
    for session in &sessions {
        let won = winners.iter().any(|winner| winner.id == session.id);
        rule(RULE, alive(store, &session.token, epoch()).await? == won, session)?;
        let events = ends_of(store, session).await?;
        rule(RULE, events.len() == usize::from(!won), &events)?;
    }
    // Nor does one that is idle for too long, or somebody else's.
    let late = epoch() + Duration::minutes(30);
    for (kept, now) in winners.iter().map(|won| (won.id, late)).chain([(foreign.id, epoch())]) {
        let none = Effects::none();
        let told = store.end_other_sessions(&owner, kept, end, &none, now).await?;
        rule(RULE, told == OthersEnd::Gone, told)?;
    }
    rule(RULE, alive(store, &foreign.token, epoch()).await?, "another's session ended")
}

async fn many_may_end_the_same(store: &Sessions) -> Checked {
    const RULE: &str = "whoever ends the same sessions at once, each ends once";
    let owner = user("crowd")?;
    let mut sessions = Vec::new();
    for _ in 0..CALLERS {
        sessions.push(made(store, Some("crowd")).await?);
    }
    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    let counts = race(|caller| {
        let (store, owner, one) = (Arc::clone(store), owner.clone(), ids.get(caller).copied());
        async move {
            let end = SessionEnd::Revoked;
            match one.filter(|_| caller % 2 == 0) {
                Some(id) => Ok(u64::from(store.end_session(&owner, id, end, epoch()).await?)),
                None => store.end_sessions_of(&owner, None, end, epoch()).await,
            }
        }
    })
    .await?;
    let ended: u64 = counts.iter().sum();
    rule(RULE, ended == sessions.len() as u64, ended)?;
    for session in &sessions {
        let events = ends_of(store, session).await?;
        rule(RULE, events == [SessionEnd::Revoked], &events)?;
    }
    Ok(())
}

/// A password reset must reach the grants of sessions that are long over.
async fn ends_for_good_are_noted(store: &Sessions) -> Checked {
    const RULE: &str = "an end that reaches offline access is noted without a session too";
    for (owner, end, expected) in [
        ("nowhere", SessionEnd::PasswordReset, &[SessionEnd::PasswordReset][..]),
        ("everywhere", SessionEnd::SignedOutEverywhere, &[SessionEnd::SignedOutEverywhere]),
        ("elsewhere", SessionEnd::Revoked, &[]),
    ] {
        let owner = user(owner)?;
        let count = store.end_sessions_of(&owner, None, end, epoch()).await?;
        rule(RULE, count == 0, count)?;
        let events = events(store).await?;
        let noted = events.iter().filter(|e| e.user_id == owner && e.session_id.is_none());
        let noted: Vec<_> = noted.map(|event| event.end).collect();
        rule(RULE, noted == expected, &noted)?;
    }
    Ok(())
}

async fn sweeping_notes_expiry(store: &Sessions) -> Checked {
    const RULE: &str = "sweeping removes what is over, in bounds, and notes it";
    let sessions = [made(store, Some("swept")).await?, made(store, Some("swept")).await?];
    let visitor = made(store, None).await?;
    let before = store.sweep_sessions(epoch(), 1_000).await?;
    rule(RULE, before == 0, before)?;
    let late = epoch() + Duration::hours(25);
    let first = store.sweep_sessions(late, 1).await?;
    rule(RULE, first == 1, first)?;
    while store.sweep_sessions(late, 100).await? > 0 {}
    for session in &sessions {
        let events = ends_of(store, session).await?;
        rule(RULE, events == [SessionEnd::Expired], &events)?;
    }
    let events = ends_of(store, &visitor).await?;
    rule("a visitor's session ends without an event", events.is_empty(), &events)
}

/// A cursor that reads while others write sees every event.
async fn no_event_is_skipped(store: &Sessions) -> Checked {
    const RULE: &str = "a cursor that follows the log skips no event";
    let mut sessions = Vec::new();
    for _ in 0..CALLERS * 4 {
        sessions.push(made(store, Some("logged")).await?);
    }
    let mut cursor = 0;
    while let Some(last) = store.session_events(cursor, 100).await?.last() {
        cursor = last.sequence;
    }
    let owner = user("logged")?;
    let mut writers = tokio::task::JoinSet::new();
    for session in &sessions {
        let (store, owner, id) = (Arc::clone(store), owner.clone(), session.id);
        writers.spawn(async move {
            store.end_session(&owner, id, SessionEnd::LoggedOut, epoch()).await
        });
    }
    let mut seen = std::collections::HashSet::new();
    loop {
        let finished = writers.is_empty();
        for event in store.session_events(cursor, 3).await? {
            cursor = event.sequence;
            seen.extend(event.session_id);
        }
        while writers.try_join_next().is_some() {}
        if finished && store.session_events(cursor, 1).await?.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let missing = sessions.iter().filter(|session| !seen.contains(&session.id)).count();
    rule(RULE, missing == 0, format!("{missing} of {} events skipped", sessions.len()))
}

/// The log of a store that no authorization server reads.
async fn events_stay_for_a_while(store: &Sessions) -> Checked {
    const RULE: &str = "an event of the log stays for a week, and then goes, in bounds";
    let before = events(store).await?.len() as u64;
    let young = epoch() + SESSION_EVENTS_KEPT - Duration::MICROSECOND;
    let swept = store.sweep_session_events(young, 1_000).await?;
    rule(RULE, swept == 0, swept)?;
    // The youngest are of the sweep of sessions, a day later.
    let old = epoch() + Duration::hours(25) + SESSION_EVENTS_KEPT;
    let first = store.sweep_session_events(old, 1).await?;
    rule(RULE, first == 1, first)?;
    let mut all = first;
    while let more @ 1.. = store.sweep_session_events(old, 50).await? {
        rule(RULE, more <= 50, more)?;
        all += more;
    }
    let left = events(store).await?;
    rule(RULE, all == before && left.is_empty(), (all, before, &left))?;
    let session = made(store, Some("after")).await?;
    store.end_session(&user("after")?, session.id, SessionEnd::LoggedOut, old).await?;
    let events = ends_of(store, &session).await?;
    rule("an event after a sweep is read like any other", events.len() == 1, &events)
}

fn user(name: &str) -> Result<UserId, Violation> {
    UserId::new(name).map_err(|error| Violation { rule: "ids are ids", seen: error.to_string() })
}

async fn ends_of(store: &Sessions, session: &NewSession) -> Result<Vec<SessionEnd>, Violation> {
    let events = events(store).await?;
    Ok(events.iter().filter(|e| e.session_id == Some(session.id)).map(|e| e.end).collect())
}

async fn events(store: &Sessions) -> Result<Vec<SessionEvent>, Violation> {
    let mut events: Vec<SessionEvent> = Vec::new();
    loop {
        let after = events.last().map_or(0, |last| last.sequence);
        let more = store.session_events(after, 50).await?;
        if more.is_empty() {
            return Ok(events);
        }
        events.extend(more);
    }
}
