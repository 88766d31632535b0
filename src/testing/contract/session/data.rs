//! The host's data of a session.

use serde_json::{Value, json};

use super::{
    Arc, CALLERS, Checked, Duration, NewSession, SessionEnd, Sessions, SystemRandom, epoch, made,
    new_session, race, rule, user,
};
use crate::crypto::RandomExt as _;
use crate::store::{DataChange, SessionData};
use crate::testing::contract::Violation;

fn setting(key: impl Into<String>, value: impl Into<Value>) -> DataChange {
    DataChange { set: [(key.into(), value.into())].into(), ..DataChange::default() }
}

/// A session with some data.
async fn kept(store: &Sessions, user: &str) -> Result<NewSession, Violation> {
    let session = made(store, Some(user)).await?;
    store.change_session_data(session.data_id, &setting("kept", user)).await?;
    Ok(session)
}

pub(super) async fn merges(store: &Sessions) -> Checked {
    const RULE: &str = "changes of different keys do not undo each other";
    let session = made(store, None).await?;
    let load = async || store.load_session_data(session.data_id).await;
    let empty = load().await?;
    rule("a new session has no data", empty.is_none(), &empty)?;
    race(|caller| {
        let (store, id) = (Arc::clone(store), session.data_id);
        async move { store.change_session_data(id, &setting(caller.to_string(), caller)).await }
    })
    .await?;
    let data = load().await?.unwrap_or_default();
    let expected: SessionData =
        (0..CALLERS).map(|caller| (caller.to_string(), json!(caller))).collect();
    rule(RULE, data == expected, &data)?;

    let change = DataChange { removed: vec!["0".into(), "none".into()], ..setting("1", "new") };
    store.change_session_data(session.data_id, &change).await?;
    let data = load().await?.unwrap_or_default();
    rule("a change is applied", data == change.apply(expected), &data)?;

    let whole = DataChange { replaces: true, ..setting("only", Value::Null) };
    store.change_session_data(session.data_id, &whole).await?;
    let data = load().await?.unwrap_or_default();
    rule("data can be replaced", data == whole.set, &data)
}

pub(super) async fn holds_any_text(store: &Sessions) -> Checked {
    const RULE: &str = "the host's data holds any text, and any number";
    let session = made(store, None).await?;
    let odd = "\0 \u{1}\u{1f}\u{7f} \" \\ \\u0000 \\\\u0000 / \u{d7ff}\u{fffd}\u{1f600}";
    let value = json!({
        odd: [odd, "", null, true],
        "numbers": [u64::MAX, i64::MIN, 0.1, 1e300],
        "deep": { "\0": { "\0": "\0" } },
    });
    let data: SessionData =
        ["\0", "", odd, "plain"].map(|key| (key.to_owned(), value.clone())).into();
    for (key, value) in &data {
        store.change_session_data(session.data_id, &setting(key, value.clone())).await?;
    }
    let load = async || store.load_session_data(session.data_id).await;
    let stored = load().await?.unwrap_or_default();
    rule(RULE, stored == data, &stored)?;
    let change = DataChange { removed: vec!["\0".into(), "plain".into()], ..setting(odd, "\0") };
    store.change_session_data(session.data_id, &change).await?;
    let stored = load().await?.unwrap_or_default();
    rule(RULE, stored == change.apply(data), &stored)
}

pub(super) async fn goes_with_its_session(store: &Sessions) -> Checked {
    const RULE: &str = "the host's data goes with its session";
    let gone = async |session: &NewSession, how: &str| {
        let left = store.load_session_data(session.data_id).await?;
        rule(RULE, left.is_none(), (how, &left))
    };
    let owner = user("keeper")?;
    let end = SessionEnd::LoggedOut;

    let ended = kept(store, "keeper").await?;
    let listed = kept(store, "keeper").await?;
    store.end_session(&owner, ended.id, end, epoch()).await?;
    gone(&ended, "ended").await?;
    store.end_sessions_of(&owner, None, end, epoch()).await?;
    gone(&listed, "ended with all others").await?;

    let first = kept(store, "keeper").await?;
    let same = NewSession { data_id: first.data_id, ..new_session(Some("keeper")) };
    store.rotate_session(&first.token, &same, end, epoch()).await?;
    let stays = store.load_session_data(first.data_id).await?;
    rule("data stays when only the token changes", stays.is_some(), &stays)?;
    let other = new_session(Some("other"));
    store.rotate_session(&same.token, &other, end, epoch()).await?;
    gone(&first, "replaced").await?;
    let loaded = store.load_session(&other.token, epoch()).await?;
    let data_id = loaded.map(|loaded| loaded.data_id);
    rule("the new session has data of its own", data_id == Some(other.data_id), data_id)?;

    let visitor = made(store, None).await?;
    store.change_session_data(visitor.data_id, &setting("cart", 1)).await?;
    store.discard_session(&visitor.token).await?;
    gone(&visitor, "discarded").await?;

    let over = kept(store, "keeper").await?;
    while store.sweep_sessions(epoch() + Duration::hours(25), 100).await? > 0 {}
    gone(&over, "swept").await?;

    store.change_session_data(over.data_id, &setting("late", 1)).await?;
    gone(&over, "written late").await?;
    let nobody = NewSession { data_id: SystemRandom.uuid_v7(epoch()), ..over };
    store.change_session_data(nobody.data_id, &setting("never", 1)).await?;
    gone(&nobody, "written for nobody").await
}
