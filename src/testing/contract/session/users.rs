//! What the host says of its own users: epochs, and the snapshots that are as of one.

use super::{
    Arc, CALLERS, Checked, NewSession, SessionEnd, Sessions, SystemRandom, epoch, made,
    new_session, race, rule, user,
};
use crate::crypto::RandomExt as _;
use crate::scope::Account;
use crate::store::{Refresh, StoredSession, UserEpoch};
use crate::testing::contract::Violation;

pub(super) async fn each_change_counts(store: &Sessions) -> Checked {
    const RULE: &str = "each change of a user moves their epoch on by one";
    let (owner, bystander) = (user("changes")?, user("stays")?);
    let before = store.user_epoch(&owner).await?;
    rule(RULE, before == Some(UserEpoch(0)), before)?;
    let mut epochs = race(|_| {
        let (store, owner) = (Arc::clone(store), owner.clone());
        async move { store.user_changed(&owner).await }
    })
    .await?;
    epochs.sort_unstable();
    let expected: Vec<_> = (1..).map(UserEpoch).take(CALLERS).collect();
    rule(RULE, epochs == expected, &epochs)?;
    let after = store.user_epoch(&owner).await?;
    rule(RULE, after.as_ref() == expected.last(), after)?;
    let other = store.user_epoch(&bystander).await?;
    rule(RULE, other == Some(UserEpoch(0)), other)
}

pub(super) async fn a_change_outdates(store: &Sessions) -> Checked {
    const RULE: &str = "a session is outdated from its user's change until the host was asked";
    let owner = user("outdated")?;
    let never_asked = made(store, Some("outdated")).await?;
    let seen = load(store, &never_asked).await?;
    rule(RULE, seen.outdated_since() == Some(UserEpoch(0)), &seen)?;

    let asked = as_of(UserEpoch(0), new_session(Some("outdated")));
    let other = as_of(UserEpoch(0), new_session(Some("bystander")));
    for session in [&asked, &other] {
        store.create_session(session).await?;
        let seen = load(store, session).await?;
        rule(RULE, seen.outdated_since().is_none(), &seen)?;
    }
    let changed = store.user_changed(&owner).await?;
    let seen = load(store, &asked).await?;
    rule(RULE, seen.outdated_since() == Some(changed), &seen)?;
    let listed = store.sessions_of(&owner, epoch()).await?;
    let all = listed.iter().all(|listed| listed.outdated_since() == Some(changed));
    rule(RULE, all && listed.len() == 2, &listed)?;
    let seen = load(store, &other).await?;
    rule(RULE, seen.outdated_since().is_none(), &seen)?;

    let account = Account::new(owner).with_email("new@example.test", true);
    let refresh = store.refresh_account(asked.id, &account, changed).await?;
    rule(RULE, refresh == Refresh::Written, refresh)?;
    let after = load(store, &asked).await?;
    rule(RULE, after.outdated_since().is_none(), &after)?;
    let (login, before) = (after.login.as_ref(), asked.login.as_ref());
    let same = login.map(|login| &login.authentication) == before.map(|b| &b.authentication)
        && login.is_some_and(|login| login.account == account)
        && (after.data_id, after.expires_at) == (asked.data_id, asked.expires_at)
        && after.idle_expires_at == asked.idle_expires_at;
    rule("what the host says replaces the account, and nothing else", same, &after)
}

pub(super) async fn the_latest_word_prevails(store: &Sessions) -> Checked {
    const RULE: &str = "what the host said last prevails, whoever writes it first";
    let owner = user("latest")?;
    let session = made(store, Some("latest")).await?;
    let mut last = UserEpoch(0);
    for _ in 0..CALLERS {
        last = store.user_changed(&owner).await?;
    }
    race(|caller| {
        // Late ones are among the first, and early ones among the last.
        let said_at = (1..).step_by(7).map(|at| at % CALLERS + 1).nth(caller).unwrap_or(1);
        let (store, id) = (Arc::clone(store), session.id);
        let account = said(&owner, said_at);
        let epoch = UserEpoch(i64::try_from(said_at).unwrap_or(i64::MAX));
        async move { store.refresh_account(id, &account, epoch).await }
    })
    .await?;
    let seen = load(store, &session).await?;
    let account = seen.login.as_ref().map(|login| &login.account);
    let newest = account == Some(&said(&owner, CALLERS));
    rule(RULE, newest && seen.outdated_since().is_none(), &seen)?;
    let slow = store.refresh_account(session.id, &said(&owner, 1), UserEpoch(1)).await?;
    rule(RULE, slow == Refresh::Late, slow)?;
    let unchanged = load(store, &session).await?;
    rule(RULE, unchanged == seen, &unchanged)?;
    rule(RULE, last == UserEpoch(32), last)
}

pub(super) async fn one_answer_is_written(store: &Sessions) -> Checked {
    const RULE: &str = "of many answers as of one epoch exactly one is written";
    let owner = user("answers")?;
    let session = made(store, Some("answers")).await?;
    let changed = store.user_changed(&owner).await?;
    let results = race(|caller| {
        let (store, id, account) = (Arc::clone(store), session.id, said(&owner, caller));
        async move { store.refresh_account(id, &account, changed).await }
    })
    .await?;
    let written: Vec<_> =
        (0..CALLERS).filter(|caller| results.get(*caller) == Some(&Refresh::Written)).collect();
    rule(RULE, written.len() == 1, &written)?;
    let seen = load(store, &session).await?;
    let account = seen.login.map(|login| login.account);
    let expected = written.first().map(|caller| said(&owner, *caller));
    rule(RULE, account == expected, &account)
}

pub(super) async fn only_its_own_session(store: &Sessions) -> Checked {
    const RULE: &str = "what the host says of a user is written into a living session of theirs";
    let (owner, stranger) = (user("own")?, user("strange")?);
    let session = made(store, Some("own")).await?;
    let before = load(store, &session).await?;
    let refresh = store.refresh_account(session.id, &said(&stranger, 1), UserEpoch(9)).await?;
    rule(RULE, refresh == Refresh::Late, refresh)?;
    let after = load(store, &session).await?;
    rule(RULE, after == before, &after)?;
    store.end_session(&owner, session.id, SessionEnd::LoggedOut, epoch()).await?;
    let refresh = store.refresh_account(session.id, &said(&owner, 1), UserEpoch(9)).await?;
    rule(RULE, refresh == Refresh::Late, refresh)?;
    let gone = store.load_session(&session.token, epoch()).await?;
    rule(RULE, gone.is_none(), &gone)
}

/// A request that rotates the token knows no more of the user than when it began.
pub(super) async fn a_rotation_makes_nothing_newer(store: &Sessions) -> Checked {
    const RULE: &str = "a session that is written again is as old as what is written";
    let owner = user("rotated")?;
    let before = as_of(UserEpoch(0), new_session(Some("rotated")));
    store.create_session(&before).await?;
    let changed = store.user_changed(&owner).await?;
    store.refresh_account(before.id, &said(&owner, 1), changed).await?;
    let rotated = NewSession { token: SystemRandom.token().hash(), ..before.clone() };
    store.rotate_session(&before.token, &rotated, SessionEnd::Replaced, epoch()).await?;
    let seen = load(store, &rotated).await?;
    rule(RULE, seen.outdated_since() == Some(changed), &seen)?;
    let again = store.refresh_account(before.id, &said(&owner, 2), changed).await?;
    rule(RULE, again == Refresh::Written, again)
}

fn as_of(epoch: UserEpoch, mut session: NewSession) -> NewSession {
    if let Some(login) = &mut session.login {
        login.as_of = Some(epoch);
    }
    session
}

/// What the host says of a user, in so many words.
fn said(user: &crate::scope::UserId, what: usize) -> Account {
    let attributes = [("said".to_owned(), what.into())].into_iter().collect();
    Account::new(user.clone()).with_attributes(attributes)
}

async fn load(store: &Sessions, session: &NewSession) -> Result<StoredSession, Violation> {
    let gone = || Violation { rule: "a live session is found", seen: format!("{session:?}") };
    store.load_session(&session.token, epoch()).await?.ok_or_else(gone)
}
