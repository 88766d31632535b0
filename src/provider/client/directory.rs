use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use super::check::is_client_id;
use super::{Client, ClientError};
use crate::jose::Algorithm;
use crate::provider::ProviderError;
use crate::store::{IssuerId, ProviderStore};

/// How long a client that was read is taken as it is: a change is seen by every node within it.
const FRESH: Duration = Duration::SECOND;
/// Clients kept in memory; beyond it all are read again.
const CAPACITY: usize = 10_000;

/// The clients: those of the host's configuration, which never change while the process lives, and
/// those in the store.
#[derive(Debug)]
pub(crate) struct Clients {
    configured: HashMap<String, Arc<Client>>,
    /// What the server can sign ID tokens with.
    algorithms: Vec<Algorithm>,
    read: Mutex<HashMap<String, (OffsetDateTime, Arc<Client>)>>,
}

impl Clients {
    pub(crate) fn new(
        configured: impl IntoIterator<Item = Client>,
        algorithms: Vec<Algorithm>,
    ) -> Result<Self, ClientError> {
        let mut clients = HashMap::new();
        for client in configured {
            client.check_algorithm(&algorithms)?;
            let id = client.id().to_owned();
            if clients.insert(id.clone(), Arc::new(client)).is_some() {
                return Err(ClientError::Duplicate(id));
            }
        }
        Ok(Self { configured: clients, algorithms, read: Mutex::default() })
    }

    /// The client with this id, if there is one: of the configuration first.
    pub(crate) async fn find(
        &self,
        store: &dyn ProviderStore,
        issuer: &IssuerId,
        client_id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Arc<Client>>, ProviderError> {
        if let Some(client) = self.configured.get(client_id) {
            return Ok(Some(Arc::clone(client)));
        }
        if !is_client_id(client_id) {
            return Ok(None);
        }
        if let Some(client) = self.fresh(client_id, now) {
            return Ok(Some(client));
        }
        let Some(stored) = store.client(issuer, client_id).await? else { return Ok(None) };
        let client = Client::from_document(stored.document).ok_or_else(|| {
            tracing::error!(client_id, "the stored client cannot be read");
            ProviderError::StoreCorrupt
        })?;
        let client = Arc::new(client);
        self.keep(Arc::clone(&client), now);
        Ok(Some(client))
    }

    /// Whether the host's configuration has a client with this id.
    pub(crate) fn is_configured(&self, client_id: &str) -> bool {
        self.configured.contains_key(client_id)
    }

    /// What the server can sign ID tokens with.
    pub(crate) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Forgets what was read of a client that has just been changed.
    pub(crate) fn forget(&self, client_id: &str) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).remove(client_id);
    }

    fn fresh(&self, client_id: &str, now: OffsetDateTime) -> Option<Arc<Client>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, client) = read.get(client_id)?;
        (*at <= now && now < *at + FRESH).then(|| Arc::clone(client))
    }

    fn keep(&self, client: Arc<Client>, now: OffsetDateTime) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.len() >= CAPACITY {
            read.clear();
        }
        read.insert(client.id().to_owned(), (now, client));
    }
}
