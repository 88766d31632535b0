//! What both backends' provider shares: the statements that read alike, how their rows are read,
//! and the judgements of the transitions.

mod judge;
mod row;
pub(super) mod statement;

use time::Duration;

pub(super) use judge::{
    CodeState, CodeStateRow, RefreshState, RefreshStateRow, judge_code, judge_refresh,
};
pub(super) use row::{
    CodeRow, ConsentRow, KeyRow, RefreshRow, RevocationRow, code, consent, interaction,
    interaction_save, key, refresh, revocation,
};

use crate::crypto::TokenHash;

/// How long a sealed successor stays at most: longer than any grace window.
pub(super) const SEALED_FOR: Duration = Duration::HOUR;

/// What a set of resources is known by.
pub(super) fn resources_hash(resources: &[String]) -> TokenHash {
    // No resource holds a line feed: it is a URI.
    TokenHash::of(resources.join("\n").as_bytes())
}
