//! All that is known of a user, as one document: for its user to read, to keep, and to take along.

mod document;
mod source;

pub(super) use self::document::document;
pub use self::source::{ExportError, ExportSource};
