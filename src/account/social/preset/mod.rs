//! What is particular to the providers that everybody knows.

pub(super) mod apple;
pub(super) mod facebook;
pub(super) mod github;
