//! What is done with passwords, for the tests that compare what answers cost.

use super::stored::StoredCost;

/// Tells of one hash that is about to be computed.
pub(super) fn computed(what: &str, cost: StoredCost) {
    tracing::trace!(target: "donjon::password", summary = format!("{what} {cost}").as_str());
}

/// Tells of one password that is about to be rated.
pub(super) fn rated() {
    tracing::trace!(target: "donjon::password", summary = "estimate");
}
