use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Result;
use crate::crypto::Sealed;

/// Something that must leave the application, to be written with what caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id, by which the receiver can tell a repetition.
    pub id: Uuid,
    /// What kind of thing it is, such as `mail`: which worker takes it.
    pub kind: &'static str,
    /// The message, sealed: it may hold a secret link.
    pub payload: Sealed,
    /// When it was written; it is due at once.
    pub created_at: OffsetDateTime,
}

/// A delivery that this worker has taken and nobody else will before the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: Uuid,
    /// The sealed message.
    pub payload: Sealed,
    /// How many times it was taken, this time included.
    pub attempt: u32,
    /// The same, since it was written or last revived.
    pub attempt_of_round: u32,
    /// When the lease ends, as far as its worker knows: as it was claimed, or last renewed.
    pub due_at: OffsetDateTime,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id.
    pub id: Uuid,
    /// The sealed message.
    pub payload: Sealed,
    /// How many times it was taken.
    pub attempts: u32,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It arrived; the row is removed.
    Delivered,
    /// It did not; try again then.
    Retry {
        /// When it is due again.
        at: OffsetDateTime,
    },
    /// It never will; the row stays for an operator to see, until it is swept, and is not taken
    /// again.
    Dead,
}

/// Transitions of the outbox. Rows enter it only with the transition that caused them.
#[async_trait]
pub trait OutboxStore: std::fmt::Debug + Send + Sync + 'static {
    /// Takes at most `limit` deliveries of a kind that are due, oldest first, each for `lease`:
    /// if the worker dies, they are due again after it. No two workers take the same one.
    async fn claim_deliveries(
        &self,
        kind: &str,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Delivery>>;

    /// Makes a delivery that was claimed its worker's until then: only while this is the latest
    /// attempt, not ended, and still due at [`Delivery::due_at`], so that a renewal that arrives after
    /// the outcome, or after a later renewal, changes nothing; or due then already, so that one whose
    /// answer was lost can be said again. `false` if it is not: somebody else has it, or nobody needs
    /// it any more, and the worker should let it go. Of a worker who renews at the
    /// end of a lease, and others who claim, one gets it.
    async fn renew_delivery(&self, delivery: &Delivery, until: OffsetDateTime) -> Result<bool>;

    /// Notes how an attempt ended. What arrived has arrived; any other outcome counts only while
    /// this is the latest attempt, so that a worker whose lease ran out disturbs nobody.
    async fn finish_delivery(&self, delivery: &Delivery, outcome: DeliveryOutcome) -> Result<()>;

    /// At most `limit` dead letters of a kind, those written last first.
    async fn dead_letters(&self, kind: &str, limit: u32) -> Result<Vec<DeadLetter>>;

    /// Makes at most `limit` dead letters of a kind due now, of those that were written at `since` or
    /// later, the oldest first; their tries are counted anew. Answers how many there were. What is
    /// not dead is left alone.
    async fn revive_dead_letters(
        &self,
        kind: &str,
        since: OffsetDateTime,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u64>;

    /// Removes at most `limit` dead letters that were written before `before`. Answers how many were
    /// removed.
    async fn sweep_dead_letters(&self, before: OffsetDateTime, limit: u32) -> Result<u64>;
}
