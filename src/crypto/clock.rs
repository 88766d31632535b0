use std::fmt::Debug;

use time::OffsetDateTime;

/// Where the time comes from.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present moment in UTC, cut to whole microseconds: the precision of the store.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        now.replace_microsecond(now.microsecond()).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_has_the_precision_of_the_store() {
        assert_eq!(SystemClock.now().nanosecond() % 1_000, 0);
    }
}
