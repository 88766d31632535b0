//! Sessions: the single source of truth for who is logged in.
