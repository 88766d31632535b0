//! Fuzz targets of what every role reads of a request.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a target panics where something does not hold"
)]

mod accept;
mod bearer;
mod cookie;
mod form;
mod form_json;
mod peer;
mod return_to;

pub use accept::accept;
pub use bearer::bearer;
pub use cookie::cookie;
pub use form::form;
pub use form_json::form_json;
pub use peer::peer;
pub use return_to::return_to;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use crate::fuzzing::Input;

/// One header of this name for each line that can be a header's value.
fn headers(name: &HeaderName, input: Input<'_>) -> HeaderMap {
    let values = input.lines().filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.map(|value| (name.clone(), value)).collect()
}
