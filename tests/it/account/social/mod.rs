//! Identities at other providers: the store's contract.

mod store;
