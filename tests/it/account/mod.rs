//! Accounts: the store's contract, the flows over HTTP, the mails.

mod attacks;
mod delivery;
mod enumeration;
mod store;
mod trips;
mod world;
