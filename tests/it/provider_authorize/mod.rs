//! The authorization endpoint and what follows it, over HTTP, on every database.

mod anything;
mod consent;
mod interaction;
mod login;
mod long_requests;
mod nodes;
mod property;
mod request;
pub mod world;
