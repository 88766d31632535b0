use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionStore};
use uuid::Uuid;

use time::OffsetDateTime;

/// The id under which the host's data of a session is kept.
pub(super) fn record_id(data_id: Uuid) -> Id {
    Id(data_id.as_u128() as i128)
}

/// The host's data of one session, lazily loaded. `exists` is `false` for a session that is not
/// stored yet, whose data is known to be empty.
pub(super) fn data_session(
    store: Arc<dyn SessionStore>,
    data_id: Uuid,
    exists: bool,
    expires_at: OffsetDateTime,
) -> tower_sessions::Session {
    let known = if exists { UNKNOWN } else { ABSENT };
    let store = SessionData { store, expires_at, known: AtomicU8::new(known) };
    let expiry = Expiry::AtDateTime(expires_at);
    tower_sessions::Session::new(Some(record_id(data_id)), Arc::new(store), Some(expiry))
}

const UNKNOWN: u8 = 0;
const ABSENT: u8 = 1;
const PRESENT: u8 = 2;

/// The host's store, seen from one session that has an id before it has data: what is not there
/// yet is empty, and the first save creates it.
struct SessionData {
    store: Arc<dyn SessionStore>,
    expires_at: OffsetDateTime,
    known: AtomicU8,
}

impl SessionData {
    async fn look_up(&self, id: &Id) -> Result<Option<Record>> {
        let record = match self.known.load(Ordering::Acquire) {
            ABSENT => None,
            _ => self.store.load(id).await?,
        };
        let known = if record.is_some() { PRESENT } else { ABSENT };
        self.known.store(known, Ordering::Release);
        Ok(record)
    }
}

impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionData").finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for SessionData {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.store.create(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        if self.known.load(Ordering::Acquire) == UNKNOWN {
            self.look_up(&record.id).await?;
        }
        if self.known.load(Ordering::Acquire) == PRESENT {
            return self.store.save(record).await;
        }
        let mut created = record.clone();
        self.store.create(&mut created).await?;
        if created.id != record.id {
            self.store.delete(&created.id).await?;
            return Err(Error::Backend("the data of another session has this id".into()));
        }
        self.known.store(PRESENT, Ordering::Release);
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.look_up(id).await?;
        Ok(Some(found.unwrap_or_else(|| Record {
            id: *id,
            data: Default::default(),
            expiry_date: self.expires_at,
        })))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.store.delete(id).await?;
        self.known.store(ABSENT, Ordering::Release);
        Ok(())
    }
}
