//! The authorization interaction: what happens between the client's request and our answer.
//!
//! ```text
//!                    log in ◄───┐ nobody, or not fresh
//!                      │        │
//! request ──► resume ◄─┘        │
//!               └─► who is there? ──UserPresent─► agreed? ──ConsentGiven─► code
//!                                                  │    ▲
//!                                                  ▼    │ approve
//!                                             the consent page ──deny──► access_denied
//! ```
//!
//! It is no row in the store. Its id is in the URL; its state is sealed in a cookie of its own,
//! which also binds it to the browser it was begun in. What the state says never changes, except
//! for the number of log-ins asked for; everything else is found out anew at each step: who is
//! logged in, how fresh that is, what they agreed to. The code is derived from the state's secret,
//! so that a double click yields the same code.

mod consent_given;
mod decide;
#[cfg(test)]
mod fixture;
mod keep;
mod request;
mod state;
mod user_present;

pub use consent_given::ConsentGiven;
pub(super) use consent_given::shown_to;
pub(super) use decide::{Next, decide};
pub(super) use keep::{forget, forget_soon, keep, load};
pub(super) use request::AuthorizationRequest;
pub(super) use state::{Interaction, InteractionId};
pub use user_present::UserPresent;
