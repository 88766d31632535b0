use std::collections::HashSet;
use std::hint::black_box;
use std::sync::{Mutex, PoisonError};

use super::Shared;
use crate::account::password::spelling::{Spellings, spellings};
use crate::account::password::stored::{StoredCost, StoredHash};
use crate::crypto::Redacted;

/// What verifying a password led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the user's, or there is no user.
    Wrong,
    /// It is the user's.
    Right {
        /// The hash it was verified against.
        verified: Redacted<String>,
        /// The hash to store instead, if the stored one was made at another cost, or elsewhere.
        rehashed: Option<Redacted<String>>,
    },
}

/// A password that is the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// The hash it was verified against.
    pub(crate) verified: Redacted<String>,
    /// Whether that is to be replaced.
    pub(crate) outdated: bool,
}

/// The costs of stored hashes that were met although nobody declared them.
#[derive(Debug, Default)]
pub(super) struct Undeclared(Mutex<HashSet<StoredCost>>);

impl Undeclared {
    fn warn_of(&self, cost: StoredCost) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(cost) {
            tracing::warn!(
                %cost,
                "a stored password hash has a cost that is not declared (stored_as): the time of a \
                 login tells who has one"
            );
        }
    }
}

/// Which spelling of a password is the one that was hashed.
#[derive(Clone, Copy)]
struct Found {
    normalized: bool,
    as_typed: bool,
}

impl Found {
    /// Every spelling is tried, even if the first was right: the time tells what was typed, and not
    /// whether it is the password.
    fn by(hash: &StoredHash, spelt: &Spellings<'_>) -> Self {
        let normalized = hash.verify(&spelt.normalized);
        let as_typed = spelt.as_typed.is_some_and(|password| hash.verify(password));
        Self { normalized, as_typed }
    }
}

impl Shared {
    /// Whether the password is the one behind `stored`, and the hash to replace that by.
    pub(super) fn verify(&self, password: &str, stored: Option<Redacted<String>>) -> Verdict {
        let Some(Right { verified, outdated }) = self.look(password, stored) else {
            return Verdict::Wrong;
        };
        let rehashed = if outdated { self.hash(password) } else { None };
        Verdict::Right { verified, rehashed }
    }

    /// One verification of each cost that hashes are stored at, in the same order for everybody: of the
    /// hash itself at its own cost, of nobody's at all others.
    pub(super) fn look(&self, password: &str, stored: Option<Redacted<String>>) -> Option<Right> {
        let known = stored.and_then(|stored| self.read(&stored));
        let spelt = spellings(password);
        let mut found = None;
        for nobody in &self.nobody {
            match known.as_ref().filter(|known| known.cost() == nobody.cost()) {
                Some(known) => found = Some(Found::by(known, &spelt)),
                None => _ = black_box(Found::by(nobody, &spelt)),
            }
        }
        let known = known?;
        let found = found.unwrap_or_else(|| {
            self.undeclared.warn_of(known.cost());
            Found::by(&known, &spelt)
        });
        if !found.normalized && !found.as_typed {
            return None;
        }
        let verified = known.text().clone();
        let outdated = !found.normalized || self.hasher.is_outdated(&verified.0);
        Some(Right { verified, outdated })
    }

    /// The stored hash, if it is one that may be computed.
    pub(super) fn read(&self, stored: &Redacted<String>) -> Option<StoredHash> {
        StoredHash::parse(&stored.0, &self.limits)
            .inspect_err(|error| tracing::warn!(%error, "a stored password hash is useless"))
            .ok()
    }
}
