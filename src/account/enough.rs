//! What this process has seen to be over a limit. The store counts; but who is over is refused without
//! it, so that a flood of what opens nothing costs no write each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::OffsetDateTime;

/// The most keys that are kept in mind; the store knows the others.
const MOST: usize = 10_000;

/// Keys that are over a limit, and until when. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Enough(Arc<Mutex<HashMap<String, OffsetDateTime>>>);

impl Enough {
    /// Until when this key is over its limit, as far as this process knows.
    pub(super) fn until(&self, key: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).copied().filter(|until| now < *until)
    }

    /// Keeps in mind what the store has said.
    pub(super) fn learn(&self, key: &str, until: OffsetDateTime, now: OffsetDateTime) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, until| now < *until);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key.to_owned(), until);
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn who_is_over_a_limit_is_so_until_it_ends() {
        let enough = Enough::default();
        let end = NOW + Duration::MINUTE;
        assert_eq!(enough.until("here", NOW), None);
        enough.clone().learn("here", end, NOW);
        assert_eq!(enough.until("here", NOW), Some(end));
        assert_eq!(enough.until("there", NOW), None);
        assert_eq!(enough.until("here", end), None);
    }

    #[test]
    fn nobody_fills_the_memory() {
        let enough = Enough::default();
        for key in 0..MOST + 5 {
            enough.learn(&key.to_string(), NOW + Duration::MINUTE, NOW);
        }
        assert!(enough.0.lock().unwrap().len() <= MOST);
    }
}
