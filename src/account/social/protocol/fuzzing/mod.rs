//! Fuzz targets of what providers say.

mod social_answer;
mod social_document;
mod social_id_token;

pub use social_answer::social_answer;
pub use social_document::social_document;
pub use social_id_token::social_id_token;
