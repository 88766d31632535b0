//! Fuzz targets of what people type and programs present to have an account.

mod api_token;
mod email;
mod organization;
#[cfg(feature = "passkeys")]
mod passkey;
mod typed_code;

pub use super::app::fuzzing::{app_redirect_uri, app_request};
#[cfg(feature = "social")]
pub use super::social::protocol::fuzzing::{social_answer, social_document, social_id_token};
pub use api_token::api_token;
pub use email::email;
pub use organization::organization;
#[cfg(all(test, feature = "passkeys", feature = "testing"))]
pub(crate) use passkey::seeds as passkey_seeds;
#[cfg(feature = "passkeys")]
pub use passkey::{passkey_assertion, passkey_registration};
pub use typed_code::typed_code;
