//! Organizations: what they are called in URLs, and which addresses belong to them.

mod domain;
mod fold;
mod slug;

pub use domain::{EmailDomain, InvalidEmailDomain};
pub use slug::{InvalidSlug, Slug, SlugRules};
