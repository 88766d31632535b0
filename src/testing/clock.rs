use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

use crate::crypto::Clock;

/// A clock in the hand: it stands still until it is moved.
///
/// ```
/// use donjon::crypto::Clock as _;
/// use donjon::testing::ManualClock;
/// use time::Duration;
///
/// let clock = ManualClock::default();
/// let before = clock.now();
/// clock.advance(Duration::minutes(31));
/// assert_eq!(clock.now() - before, Duration::minutes(31));
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: OffsetDateTime) -> Self {
        Self(AtomicI64::new(micros(start.unix_timestamp_nanos() / 1_000)))
    }

    /// Moves the clock forward, or back.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(micros(by.whole_microseconds()), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// A clock that shows the first moment of 2026.
    fn default() -> Self {
        Self(AtomicI64::new(1_767_225_600_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::microseconds(self.0.load(Ordering::SeqCst))
    }
}

fn micros(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
