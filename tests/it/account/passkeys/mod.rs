//! Passkeys: the store's contract, registering them, logging in with them.

mod store;
