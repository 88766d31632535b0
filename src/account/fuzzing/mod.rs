//! Fuzz targets of what people type and programs present to have an account.

mod api_token;
mod email;
mod organization;
mod typed_code;

pub use api_token::api_token;
pub use email::email;
pub use organization::organization;
pub use typed_code::typed_code;
