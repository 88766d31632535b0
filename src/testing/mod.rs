//! Fixtures and the store contract kit.
