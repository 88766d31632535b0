use time::Duration;

use crate::store::DeletionStrategy;

/// How accounts end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionPolicy {
    /// How long a user may think better of it; 14 days. Zero for not at all: then the account is
    /// deleted at once.
    pub grace: Duration,
    /// How long after a deletion that was cancelled none can be asked for; 24 hours.
    pub cooldown: Duration,
    /// What stays of the account; nothing.
    pub strategy: DeletionStrategy,
}

impl Default for DeletionPolicy {
    fn default() -> Self {
        Self {
            grace: Duration::days(14),
            cooldown: Duration::hours(24),
            strategy: DeletionStrategy::Hard,
        }
    }
}
