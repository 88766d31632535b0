//! Storage as a contract of atomic state transitions.
