//! What the host decides: how long things last, who is asked for consent.

mod claims;
mod consent;
mod lifetimes;
mod long_requests;

pub(crate) use claims::{SCOPE_CLAIMS, is_about_users, keep_granted_claims};
pub use consent::{AskOnce, ConsentPolicy, ConsentRule, FirstPartyClients};
pub use lifetimes::Lifetimes;
pub use long_requests::LongRequests;
