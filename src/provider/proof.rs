//! The evidence that an authorization, and the tokens that come of it, rest on.
//!
//! Each is made in one place only, by the check it is named after, and each step asks for the one
//! before it: [`ProvenRedirectUri`] before anything is redirected, [`UserPresent`] before the user
//! is asked, [`ConsentGiven`] before a code is issued.
//! At the token endpoint a code is exchanged for an [`AuthenticatedClient`] with a [`VerifiedPkce`].
//! Leaving a step out does not compile:
//!
//! ```
//! use donjon::provider::proof::ConsentGiven;
//!
//! fn issue_code(_: ConsentGiven) {}
//! fn after_the_question(consent: ConsentGiven) {
//!     issue_code(consent)
//! }
//! ```
//!
//! ```compile_fail,E0308
//! use donjon::provider::proof::{ConsentGiven, UserPresent};
//!
//! fn issue_code(_: ConsentGiven) {}
//! fn without_the_question(user: UserPresent) {
//!     issue_code(user)
//! }
//! ```

pub use super::check::{AuthenticatedClient, ProvenRedirectUri, VerifiedPkce};
pub use super::interaction::{ConsentGiven, UserPresent};
