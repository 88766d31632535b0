use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionStore as HostStore};
use uuid::Uuid;

use super::config::Config;
use crate::crypto::{Random, RandomExt as _};
use crate::store::{DataChange, SessionData, SessionStore};

/// Where the host's data is kept.
#[derive(Clone, Debug)]
pub(super) enum DataStore {
    /// Beside the session, with which it ends. What one request changed is merged key by key.
    Own(Arc<dyn SessionStore>),
    /// In a store of the host's choice, by whole records: the last writer wins.
    Foreign(Arc<dyn HostStore>),
}

/// The host's data of the session of one request: what `tower_sessions` takes for its store.
///
/// It knows by itself under which key the data is, so that nothing the host does with the id of a
/// [`tower_sessions::Session`] leads anywhere else.
pub(super) struct HostData {
    store: DataStore,
    random: Arc<dyn Random>,
    place: Mutex<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    /// `None` as long as a visitor has stored nothing.
    data_id: Option<Uuid>,
    expires_at: OffsetDateTime,
    known: Known,
}

/// What is known of what is stored.
#[derive(Clone, Debug)]
enum Known {
    /// There is no session to keep data for; whether something waits for one.
    NoSession { waiting: bool },
    /// Nobody has looked.
    Nothing,
    /// Nothing is there.
    Absent,
    /// This is there, until then.
    Present(SessionData, OffsetDateTime),
}

impl HostData {
    /// The data of a stored session.
    pub(super) fn of_session(config: &Config, data_id: Uuid, expires_at: OffsetDateTime) -> Self {
        Self::new(config, Place { data_id: Some(data_id), expires_at, known: Known::Nothing })
    }

    /// The data of a visitor, who has no session.
    pub(super) fn of_visitor(config: &Config, expires_at: OffsetDateTime) -> Self {
        let known = Known::NoSession { waiting: false };
        Self::new(config, Place { data_id: None, expires_at, known })
    }

    fn new(config: &Config, place: Place) -> Self {
        let (store, random) = (config.data.clone(), Arc::clone(&config.random));
        Self { store, random, place: Mutex::new(place) }
    }

    /// What the host sees.
    pub(super) fn session(self: &Arc<Self>) -> tower_sessions::Session {
        let Place { data_id, expires_at, .. } = *self.place();
        let store = Arc::new(Handle(Arc::clone(self)));
        tower_sessions::Session::new(
            data_id.map(record_id),
            store,
            Some(Expiry::AtDateTime(expires_at)),
        )
    }

    /// The key the data is under, or will be.
    pub(super) fn data_id(&self) -> Option<Uuid> {
        self.place().data_id
    }

    /// Whether the host has put something in that no session is there for.
    pub(super) fn waits_for_session(&self) -> bool {
        matches!(self.place().known, Known::NoSession { waiting: true })
    }

    /// The session of this data was written, or prolonged. Answers whether the data has to follow.
    pub(super) fn keep(&self, data_id: Uuid, expires_at: OffsetDateTime) -> bool {
        let mut place = self.place();
        (place.data_id, place.expires_at) = (Some(data_id), expires_at);
        if matches!(place.known, Known::NoSession { .. }) {
            place.known = Known::Absent;
        }
        let foreign = matches!(self.store, DataStore::Foreign(_));
        foreign && !matches!(place.known, Known::Absent)
    }

    /// Leaves the data where it is, for the session that is set aside, and goes on as a visitor.
    #[cfg(feature = "accounts")]
    pub(super) fn leave_behind(&self) {
        let mut place = self.place();
        (place.data_id, place.known) = (None, Known::NoSession { waiting: false });
    }

    /// Goes on with the data of a session that was set aside.
    #[cfg(feature = "accounts")]
    pub(super) fn go_on(&self, data_id: Uuid, expires_at: OffsetDateTime) {
        *self.place() = Place { data_id: Some(data_id), expires_at, known: Known::Nothing };
    }

    /// Leaves the data behind, and goes on as a visitor.
    pub(super) async fn begin_anew(&self) {
        let left = {
            let mut place = self.place();
            let known = Known::NoSession { waiting: false };
            let new = Place { data_id: None, known, expires_at: place.expires_at };
            std::mem::replace(&mut *place, new)
        };
        if let DataStore::Foreign(store) = &self.store
            && let (Some(data_id), Known::Nothing | Known::Present(..)) = (left.data_id, left.known)
            && let Err(error) = store.delete(&record_id(data_id)).await
        {
            // It is out of reach, and expires.
            tracing::warn!(%error, "the data of an ended session was not deleted");
        }
    }

    async fn load(&self) -> Result<SessionData> {
        let place = self.place().clone();
        let Some(data_id) = place.session() else { return Ok(SessionData::new()) };
        let known = self.look_up(data_id, place.expires_at).await?;
        let data = match &known {
            Known::Present(data, _) => data.clone(),
            _ => SessionData::new(),
        };
        self.learn(data_id, known);
        Ok(data)
    }

    async fn look_up(&self, data_id: Uuid, expires_at: OffsetDateTime) -> Result<Known> {
        let found = match &self.store {
            DataStore::Own(store) => {
                let data = store.load_session_data(data_id).await.map_err(backend)?;
                data.map(|data| (data, expires_at))
            }
            DataStore::Foreign(store) => {
                let record = store.load(&record_id(data_id)).await?;
                record.map(|record| (record.data, record.expiry_date))
            }
        };
        Ok(found.map_or(Known::Absent, |(data, until)| Known::Present(data, until)))
    }

    async fn save(&self, data: &SessionData) -> Result<()> {
        let mut place = self.place().clone();
        let Some(data_id) = place.session() else { return Ok(()) };
        let known = match &self.store {
            DataStore::Own(store) => {
                if let Some(change) = change(&place.known, data) {
                    store.change_session_data(data_id, &change).await.map_err(backend)?;
                }
                Known::Present(data.clone(), place.expires_at)
            }
            DataStore::Foreign(store) => {
                if matches!(place.known, Known::Nothing) {
                    place.known = self.look_up(data_id, place.expires_at).await?;
                }
                save_record(store.as_ref(), data_id, &place, data).await?
            }
        };
        self.learn(data_id, known);
        Ok(())
    }

    /// A visitor's data waits for a session, under a key that nobody has.
    fn wait(&self, data: &SessionData) {
        let mut place = self.place();
        if let Known::NoSession { waiting } = &mut place.known {
            *waiting = !data.is_empty();
            place.data_id.get_or_insert_with(|| Uuid::from_bytes(self.random.bytes()));
        }
    }

    /// Unless the request has gone on with other data meanwhile.
    fn learn(&self, data_id: Uuid, known: Known) {
        let mut place = self.place();
        if place.session() == Some(data_id) {
            place.known = known;
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The key of the data of a session that is there.
    fn session(&self) -> Option<Uuid> {
        self.data_id.filter(|_| !matches!(self.known, Known::NoSession { .. }))
    }
}

/// What has to be done to what is stored; `None` for nothing.
fn change(known: &Known, data: &SessionData) -> Option<DataChange> {
    let before = match known {
        Known::Nothing => {
            return Some(DataChange { replaces: true, removed: Vec::new(), set: data.clone() });
        }
        Known::Present(before, _) => Some(before),
        Known::Absent | Known::NoSession { .. } => None,
    };
    let gone =
        before.into_iter().flat_map(SessionData::keys).filter(|key| !data.contains_key(*key));
    let removed: Vec<_> = gone.cloned().collect();
    let set: SessionData = data
        .iter()
        .filter(|(key, value)| before.and_then(|before| before.get(*key)) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let changes = !removed.is_empty() || !set.is_empty();
    changes.then_some(DataChange { replaces: false, removed, set })
}

async fn save_record(
    store: &dyn HostStore,
    data_id: Uuid,
    place: &Place,
    data: &SessionData,
) -> Result<Known> {
    let id = record_id(data_id);
    let mut record = Record { id, data: data.clone(), expiry_date: place.expires_at };
    match &place.known {
        Known::Present(before, until) if before == data && *until == place.expires_at => {}
        Known::Present(..) => store.save(&record).await?,
        _ if data.is_empty() => return Ok(Known::Absent),
        _ => {
            store.create(&mut record).await?;
            if record.id != id {
                store.delete(&record.id).await?;
                return Err(Error::Backend("other data has the id of this session's".into()));
            }
        }
    }
    Ok(Known::Present(record.data, place.expires_at))
}

fn record_id(data_id: Uuid) -> Id {
    Id(data_id.as_u128().cast_signed())
}

fn backend(error: crate::store::StoreError) -> Error {
    Error::Backend(error.to_string())
}

/// [`HostData`] as a store of `tower_sessions`, whose ids it does not need.
#[derive(Clone)]
struct Handle(Arc<HostData>);

#[async_trait]
impl HostStore for Handle {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.0.wait(&record.data);
        record.id = self.0.data_id().map_or(record.id, record_id);
        self.0.save(&record.data).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.0.wait(&record.data);
        self.0.save(&record.data).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let data = self.0.load().await?;
        Ok(Some(Record { id: *id, data, expiry_date: self.0.place().expires_at }))
    }

    async fn delete(&self, _: &Id) -> Result<()> {
        self.0.save(&SessionData::new()).await
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionData([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data(pairs: &[(&str, i64)]) -> SessionData {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect()
    }

    #[test]
    fn only_what_differs_is_written() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let before = data(&[("same", 1), ("other", 1), ("gone", 1)]);
        let known = Known::Present(before.clone(), now);
        assert_eq!(change(&known, &before), None);
        let after = data(&[("same", 1), ("other", 2), ("new", 1)]);
        let change = change(&known, &after).unwrap();
        assert_eq!(change.removed, ["gone"]);
        assert_eq!(change.set, data(&[("other", 2), ("new", 1)]));
        assert_eq!(change.apply(before), after);
    }

    #[test]
    fn what_nobody_looked_at_is_replaced_and_what_is_not_there_is_not_emptied() {
        let change_of = |known| change(&known, &SessionData::new());
        assert!(change_of(Known::Nothing).unwrap().replaces);
        assert_eq!(change_of(Known::Absent), None);
    }
}
