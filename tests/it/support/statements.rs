//! The statements a piece of work sends to the database, counted where the driver sends them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::{Event, Instrument as _, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

const DRIVER: &str = "sqlx::query";
/// Each hash that is computed, with its algorithm and parameters, and each rating of a password stands in
/// the list too; `transitions` does not count it.
const PASSWORDS: &str = "donjon::password";
const COUNTED: &str = "donjon-counted";

/// What was sent, in order.
static SENT: Mutex<Option<HashMap<u64, Vec<String>>>> = Mutex::new(None);

/// Runs `work` and tells which statements it sent; what others send meanwhile does not count.
/// What it spawns counts only if it is spawned with the span of its parent, as the writer of
/// SQLite is.
pub async fn counted<F: Future>(work: F) -> (F::Output, Statements) {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| {
        let targets = Targets::new()
            .with_target(DRIVER, tracing::Level::TRACE)
            .with_target(PASSWORDS, tracing::Level::TRACE)
            .with_target(COUNTED, tracing::Level::TRACE);
        let subscriber = tracing_subscriber::registry().with(Counter.with_filter(targets));
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    let span = tracing::trace_span!(target: COUNTED, "counted");
    let key = span.id().unwrap().into_u64();
    sent(|sent| sent.insert(key, Vec::new()));
    let output = work.instrument(span.clone()).await;
    let statements = sent(|sent| sent.remove(&key)).unwrap();
    (output, Statements(statements))
}

fn sent<T>(with: impl FnOnce(&mut HashMap<u64, Vec<String>>) -> T) -> T {
    with(SENT.lock().unwrap().get_or_insert_default())
}

/// The statements that were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements(pub Vec<String>);

impl Statements {
    /// The hashes that were computed, such as `verify $2b$12`, in order.
    #[cfg(feature = "accounts")]
    pub fn hashes(&self) -> Vec<&str> {
        let is_hash = |step: &&str| step.starts_with("hash $") || step.starts_with("verify $");
        self.0.iter().map(String::as_str).filter(is_hash).collect()
    }

    /// Statements that read and stand alone.
    pub fn reads(&self) -> usize {
        self.units().filter(|unit| *unit == Unit::Read).count()
    }

    /// Transactions: those that were begun and committed, and writing statements that are one by
    /// themselves.
    pub fn transitions(&self) -> usize {
        self.units().filter(|unit| *unit == Unit::Transition).count()
    }

    fn units(&self) -> impl Iterator<Item = Unit> {
        let mut inside = false;
        self.0.iter().filter_map(move |statement| {
            let verb = statement.split_whitespace().next().unwrap_or_default();
            match verb.to_ascii_uppercase().as_str() {
                "BEGIN" => {
                    inside = true;
                    None
                }
                "COMMIT" => {
                    inside = false;
                    Some(Unit::Transition)
                }
                "ROLLBACK" if statement.eq_ignore_ascii_case("rollback") => {
                    inside = false;
                    None
                }
                _ if inside => None,
                "HASH" | "VERIFY" | "ESTIMATE" => None,
                "SELECT" => Some(Unit::Read),
                _ => Some(Unit::Transition),
            }
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Read,
    Transition,
}

struct Counter;

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(mut scope) = context.event_scope(event) else { return };
        let Some(span) = scope.find(|span| span.metadata().target() == COUNTED) else { return };
        let mut statement = Statement::default();
        event.record(&mut statement);
        sent(|sent| sent.get_mut(&span.id().into_u64()).map(|list| list.push(statement.text())));
    }
}

/// The driver gives the first words, and the whole only where that is more.
#[derive(Default)]
struct Statement {
    summary: String,
    whole: String,
}

impl Statement {
    fn text(self) -> String {
        let whole = self.whole.trim();
        if whole.is_empty() { self.summary } else { whole.to_owned() }
    }
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.to_owned(),
            "db.statement" => self.whole = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

#[cfg(test)]
mod tests {
    use donjon::scope::UserId;
    use time::OffsetDateTime;

    use super::*;
    use crate::support::database::databases;

    #[tokio::test]
    async fn reads_and_transitions_are_told_apart_on_each_database() {
        for database in databases().await {
            let store = database.store().await;
            let user = UserId::new("nobody").unwrap();
            let now = OffsetDateTime::UNIX_EPOCH;
            // The first write opens the connection.
            store.sweep_sessions(now, 1).await.unwrap();

            let (_, read) = counted(store.sessions_of(&user, now)).await;
            assert_eq!((read.reads(), read.transitions()), (1, 0), "{}: {read:?}", database.name);
            let (_, write) = counted(store.sweep_sessions(now, 1)).await;
            assert_eq!(
                (write.reads(), write.transitions()),
                (0, 1),
                "{}: {write:?}",
                database.name
            );
        }
    }

    #[tokio::test]
    async fn what_others_send_does_not_count() {
        let store = crate::support::database::Database::sqlite().store().await;
        let now = OffsetDateTime::UNIX_EPOCH;
        let ((), other) = counted(async {}).await;
        let (_, seen) = counted(async {
            let ours = store.sweep_sessions(now, 1);
            let (_, theirs) = tokio::join!(ours, counted(store.session_events(0, 1)));
            assert_eq!(theirs.1.reads(), 1);
        })
        .await;
        assert_eq!(other, Statements(Vec::new()));
        assert_eq!(seen.reads(), 0, "{seen:?}");
    }

    /// Who looks for hashes in the list finds them there, by what they cost.
    #[cfg(feature = "accounts")]
    #[tokio::test]
    async fn a_hash_stands_in_the_list_by_its_algorithm_and_parameters() {
        use std::sync::Arc;

        use donjon::account::password::{HashCost, PasswordPool, PoolSize, StoredCost};
        use donjon::crypto::{Redacted, SystemRandom};

        let cost = HashCost { memory: 64, passes: 1, lanes: 1 };
        let bcrypt = StoredCost::Bcrypt { cost: 4 };
        let pool = PasswordPool::new(cost, PoolSize::default(), Arc::new(SystemRandom)).unwrap();
        let pool = pool.stored_as([bcrypt]).unwrap();
        let secret = |text: &str| Redacted(text.to_owned());
        let (hash, made) = counted(pool.hash(secret("correct horse"))).await;
        assert_eq!(made.0, ["hash $argon2id$v=19$m=64,t=1,p=1"]);
        for stored in [None, Some(hash.unwrap())] {
            let (_, seen) = counted(pool.verify(secret("wrong"), stored)).await;
            assert_eq!(seen.0, ["verify $argon2id$v=19$m=64,t=1,p=1", "verify $2b$04"]);
            assert_eq!(seen.hashes(), seen.0);
            assert_eq!((seen.reads(), seen.transitions()), (0, 0));
        }
        let (_, rated) = counted(pool.estimate(&secret("correct horse"), &[])).await;
        assert_eq!(
            (rated.0.as_slice(), rated.hashes().len()),
            (["estimate".to_owned()].as_slice(), 0)
        );
    }
}
