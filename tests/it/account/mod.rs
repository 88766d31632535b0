//! Accounts: the store's contract, and the flows over HTTP.

mod store;
