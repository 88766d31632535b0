//! Wrong secrets of a client, from one network: so many, and what comes after them is not looked at.
//!
//! That is for secrets that somebody could guess: those shorter than what the store takes, which
//! hosts may write into their configuration. They are counted in the store, so that every process
//! knows of the wrong ones that any has seen, but only when one is wrong: a client that has the right
//! secret costs nothing. What this process has seen, or was told by the store, it keeps in mind.
//! So each process looks at no more wrong secrets in a window than the limit, however many come
//! at once, and all together soon stop.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use crate::store::{LimitCount, RateLimit};

/// The most pairs of a client and a network that are kept in mind; the store knows the others.
const MOST: usize = 10_000;

/// A client and a network.
pub(crate) type Pair = (String, String);

/// The wrong secrets that this process knows of.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Mutex<HashMap<Pair, LimitCount>>);

/// What became of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Right,
    Wrong,
    /// There were too many wrong ones until then; this one was not looked at.
    Blocked {
        until: OffsetDateTime,
    },
}

impl Guesses {
    /// Looks at a secret, unless there were too many wrong ones, and keeps in mind if it is wrong.
    pub(super) fn look(
        &self,
        pair: &Pair,
        limit: RateLimit,
        now: OffsetDateTime,
        is_right: impl FnOnce() -> bool,
    ) -> Look {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = known.get(pair).filter(|seen| now < seen.until).copied();
        if let Some(seen) = seen.filter(|seen| seen.times >= limit.times) {
            return Look::Blocked { until: seen.until };
        }
        if is_right() {
            return Look::Right;
        }
        if known.len() >= MOST {
            known.retain(|_, seen| now < seen.until);
        }
        if known.len() >= MOST {
            known.clear();
        }
        let seen = seen.unwrap_or(LimitCount { times: 0, until: now + limit.window });
        known.insert(pair.clone(), LimitCount { times: seen.times.saturating_add(1), ..seen });
        Look::Wrong
    }

    /// Keeps in mind what the store has counted.
    pub(super) fn learn(&self, pair: &Pair, count: LimitCount) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = known.get_mut(pair) {
            seen.times = seen.times.max(count.times);
            seen.until = count.until;
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const LIMIT: RateLimit = RateLimit { times: 3, window: Duration::MINUTE };

    fn pair(network: &str) -> Pair {
        ("client".to_owned(), network.to_owned())
    }

    #[test]
    fn so_many_wrong_ones_are_looked_at_and_then_not_even_the_right_one() {
        let guesses = Guesses::default();
        let (here, end) = (pair("here"), NOW + Duration::MINUTE);
        let look = |pair: &Pair, now, right| guesses.look(pair, LIMIT, now, || right);
        assert_eq!(look(&here, NOW, true), Look::Right);
        for _ in 0..3 {
            assert_eq!(look(&here, NOW, false), Look::Wrong);
        }
        assert_eq!(look(&here, NOW, true), Look::Blocked { until: end });
        assert_eq!(look(&pair("there"), NOW, true), Look::Right);
        assert_eq!(look(&here, end, true), Look::Right);
        assert_eq!(look(&here, end, false), Look::Wrong);
        assert_eq!(look(&here, end, true), Look::Right);
    }

    #[test]
    fn what_other_processes_saw_counts_too() {
        let guesses = Guesses::default();
        let here = pair("here");
        assert_eq!(guesses.look(&here, LIMIT, NOW, || false), Look::Wrong);
        let until = NOW + Duration::seconds(7);
        guesses.learn(&here, LimitCount { times: 5, until });
        assert_eq!(guesses.look(&here, LIMIT, NOW, || true), Look::Blocked { until });
    }

    #[test]
    fn nobody_fills_the_memory() {
        let guesses = Guesses::default();
        for network in 0..MOST + 5 {
            guesses.look(&pair(&network.to_string()), LIMIT, NOW, || false);
        }
        assert!(guesses.0.lock().unwrap().len() <= MOST);
    }
}
