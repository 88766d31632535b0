use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{IssuerId, ProviderStore, Result, RevocationTarget};

/// Entries read at once.
const PAGE: u32 = 1_000;
/// The age at which this copy of the log is too old to be believed.
const STALE: Duration = Duration::seconds(5);
/// How often entries that are over are forgotten.
const FORGET_EVERY: Duration = Duration::MINUTE;

/// A process's own copy of the log of revoked access tokens, so that a request costs no read.
///
/// Somebody must [follow](RevocationLog::follow) the log at least once a second. A copy that was
/// not brought up to date for five seconds answers nothing.
#[derive(Debug)]
pub struct RevocationLog {
    store: Arc<dyn ProviderStore>,
    issuer: IssuerId,
    copy: RwLock<Copy>,
}

#[derive(Debug, Default)]
struct Copy {
    /// What is revoked, and until when that must be remembered.
    revoked: HashMap<RevocationTarget, OffsetDateTime>,
    /// The last entry read.
    cursor: i64,
    /// When the latest reading that has ended began.
    followed_at: Option<OffsetDateTime>,
    /// Readings that have begun, and the latest of them that has ended.
    begun: u64,
    ended: u64,
    forgot_at: Option<OffsetDateTime>,
}

impl RevocationLog {
    /// A copy that holds nothing and must be brought up to date first.
    pub fn new(store: Arc<dyn ProviderStore>, issuer: IssuerId) -> Self {
        Self { store, issuer, copy: RwLock::default() }
    }

    /// Reads what was written since the last time. `now` is when this began.
    ///
    /// # Errors
    /// When the store cannot be read; the copy is then as old as it was.
    pub async fn follow(&self, now: OffsetDateTime) -> Result<()> {
        let reading = self.write(Copy::begin);
        loop {
            let cursor = self.read(|copy| copy.cursor);
            let entries = self.store.revocations(&self.issuer, cursor, PAGE).await?;
            let more = entries.len() as u64 == u64::from(PAGE);
            self.write(|copy| {
                for entry in entries {
                    copy.cursor = copy.cursor.max(entry.sequence);
                    copy.learn(entry.target, entry.expires_at);
                }
            });
            if !more {
                self.write(|copy| copy.end(reading, now));
                return Ok(());
            }
        }
    }

    /// Takes note of a revocation of this process's own before it comes back through the log.
    pub fn learn(&self, target: RevocationTarget, expires_at: OffsetDateTime) {
        self.write(|copy| copy.learn(target, expires_at));
    }

    /// Whether a token, or the grant it belongs to, is revoked; `None` if this copy is too old to
    /// tell.
    pub fn is_revoked(
        &self,
        grant: Option<Uuid>,
        token_id: &str,
        now: OffsetDateTime,
    ) -> Option<bool> {
        self.read(|copy| {
            let known = |target| copy.revoked.contains_key(&target);
            let revoked = grant.is_some_and(|grant| known(RevocationTarget::Grant(grant)))
                || known(RevocationTarget::Token(token_id.to_owned()));
            match copy.followed_at {
                _ if revoked => Some(true),
                Some(at) if now < at + STALE => Some(false),
                _ => None,
            }
        })
    }

    fn read<T>(&self, with: impl FnOnce(&Copy) -> T) -> T {
        with(&self.copy.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, with: impl FnOnce(&mut Copy) -> T) -> T {
        with(&mut self.copy.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Copy {
    fn learn(&mut self, target: RevocationTarget, expires_at: OffsetDateTime) {
        let known = self.revoked.entry(target).or_insert(expires_at);
        *known = expires_at.max(*known);
    }

    fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    fn end(&mut self, reading: u64, now: OffsetDateTime) {
        // One that began earlier and took longer knows less of what is new. It is told by its
        // number and not by the clock, which may be set back.
        if reading < self.ended {
            return;
        }
        self.ended = reading;
        self.followed_at = Some(now);
        if self.forgot_at.is_none_or(|at| at + FORGET_EVERY <= now) {
            self.revoked.retain(|_, expires_at| now < *expires_at);
            self.forgot_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reading_does_not_make_the_copy_older() {
        let mut copy = Copy::default();
        let noon = OffsetDateTime::UNIX_EPOCH;
        let slow = copy.begin();
        let quick = copy.begin();
        copy.end(quick, noon + Duration::HOUR);
        copy.end(slow, noon);
        assert_eq!(copy.followed_at, Some(noon + Duration::HOUR));

        // A clock that is set back is followed.
        let next = copy.begin();
        copy.end(next, noon);
        assert_eq!(copy.followed_at, Some(noon));
    }
}
