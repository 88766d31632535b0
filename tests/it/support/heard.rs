//! What a host hears of the audit log by `tracing`.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use donjon::store::{AuditFilter, SqlStore};
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Hears what is announced in this thread, for as long as it is held.
pub struct Ears {
    heard: Arc<Mutex<Vec<Announced>>>,
    _guard: DefaultGuard,
}

/// An entry, as it was announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    pub id: String,
    pub action: String,
}

impl Ears {
    pub fn open() -> Self {
        let heard = Arc::<Mutex<Vec<Announced>>>::default();
        let targets = Targets::new().with_target("donjon::audit", tracing::Level::TRACE);
        let hearing = Hearing(heard.clone()).with_filter(targets);
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(hearing));
        Self { heard, _guard: guard }
    }

    /// How often this was announced.
    pub fn count(&self, action: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|heard| heard.action == action).count()
    }

    /// What was written was announced, once, and nothing else.
    pub async fn have_heard_all(&self, store: &SqlStore) {
        let written = store.audit_entries(&AuditFilter::default(), 1_000).await.unwrap();
        let mut written: Vec<_> = written
            .into_iter()
            .map(|entry| (entry.id.to_string(), entry.action.to_string()))
            .collect();
        let heard = self.heard.lock().unwrap();
        let mut heard: Vec<_> =
            heard.iter().map(|heard| (heard.id.clone(), heard.action.clone())).collect();
        written.sort();
        heard.sort();
        assert_eq!(heard, written);
    }
}

struct Hearing(Arc<Mutex<Vec<Announced>>>);

impl<S: Subscriber> Layer<S> for Hearing {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut announced = Announced::default();
        event.record(&mut announced);
        self.0.lock().unwrap().push(announced);
    }
}

impl Visit for Announced {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "id" => self.id = format!("{value:?}"),
            "action" => self.action = format!("{value:?}"),
            _ => {}
        }
    }
}
