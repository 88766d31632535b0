//! Organizations: the store's contract, the pages, invitations.

pub mod store;
