//! What the host decides: how long things last, who is asked for consent.

mod consent;
mod lifetimes;

pub use consent::{AskOnce, ConsentPolicy, ConsentRule, FirstPartyClients};
pub use lifetimes::Lifetimes;
