//! Fuzz targets of what providers say.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a target panics where something does not hold"
)]

mod social_answer;
mod social_document;
mod social_id_token;

pub use social_answer::social_answer;
pub use social_document::social_document;
pub use social_id_token::social_id_token;
