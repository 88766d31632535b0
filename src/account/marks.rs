use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::cookie::SealedCookie;
use crate::crypto::Random;

/// Things that one browser may be waiting for; beyond it the oldest is forgotten.
const WAITING: usize = 4;

/// A cookie by which a browser is known as the one that began something, such as a registration.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    pub(super) cookie: SealedCookie,
    pub(super) waits_for: Duration,
}

/// Something that was begun.
#[derive(Serialize, Deserialize)]
struct Waiting {
    id: String,
    /// In seconds since 1970.
    until: i64,
}

impl Marks {
    /// Whether the browser behind a request waits for anything.
    pub(super) fn wait(&self, request: &HeaderMap, now: OffsetDateTime) -> bool {
        !self.waiting(request, now).is_empty()
    }

    /// Whether this was begun in the browser behind a request.
    pub(super) fn know(&self, request: &HeaderMap, id: &str, now: OffsetDateTime) -> bool {
        self.waiting(request, now).iter().any(|waiting| waiting.id == id)
    }

    /// The browser behind a request began this.
    pub(super) fn remember(
        &self,
        random: &dyn Random,
        (request, answer): (&HeaderMap, &mut HeaderMap),
        id: &str,
        now: OffsetDateTime,
    ) {
        let mut all = self.waiting(request, now);
        all.retain(|waiting| waiting.id != id);
        let until = (now + self.waits_for).unix_timestamp();
        all.insert(0, Waiting { id: id.to_owned(), until });
        all.truncate(WAITING);
        answer.append(SET_COOKIE, self.cookie.set(random, &all, self.waits_for));
    }

    /// It is done.
    pub(super) fn forget(
        &self,
        random: &dyn Random,
        (request, answer): (&HeaderMap, &mut HeaderMap),
        id: &str,
        now: OffsetDateTime,
    ) {
        let mut all = self.waiting(request, now);
        let before = all.len();
        all.retain(|waiting| waiting.id != id);
        if all.len() < before {
            let cookie = match all.is_empty() {
                true => self.cookie.clear(),
                false => self.cookie.set(random, &all, self.waits_for),
            };
            answer.append(SET_COOKIE, cookie);
        }
    }

    fn waiting(&self, request: &HeaderMap, now: OffsetDateTime) -> Vec<Waiting> {
        let mut all: Vec<Waiting> = self.cookie.read(request).unwrap_or_default();
        all.retain(|waiting| now.unix_timestamp() < waiting.until);
        all
    }
}
