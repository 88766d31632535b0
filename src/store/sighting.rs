use time::OffsetDateTime;

use super::Effects;

/// The most networks that a user is known by; beyond them, the one that was left longest ago is
/// forgotten.
pub const KNOWN_NETWORKS: usize = 32;

/// Where a user was seen just now, and what is to be written then: which of it, the store decides by
/// the networks that it knows the user from, and says by the [`Receipt`](super::Receipt) of each.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The network, as text; empty if nobody knows.
    pub network: String,
    /// When.
    pub at: OffsetDateTime,
    /// Written if the user is known from there.
    pub familiar: Box<Effects>,
    /// Written if the user is known from elsewhere, and not from there.
    pub strange: Box<Effects>,
}

impl Sighting {
    /// Says which of the two was written: of a user who is known from there, or is not; `None` if
    /// they were never seen before, or not seen after all.
    pub fn note(&self, is_familiar: Option<bool>) {
        self.familiar.receipt.note(is_familiar == Some(true));
        self.strange.receipt.note(is_familiar == Some(false));
    }
}
