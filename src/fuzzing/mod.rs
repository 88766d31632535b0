//! The fuzz targets: what must hold whatever comes from outside.
//!
//! Each target is a function of bytes that panics when something does not hold. It stands beside
//! what it attacks (`http/fuzzing/`, `jose/fuzzing/`, …), so that nothing is made public for it.
//! `cargo fuzz` builds the crate with `cfg(fuzzing)` and feeds the targets through `fuzz/`; the
//! tests feed them the seeds of `fuzz/seeds/`, and mutants of those, with any compiler. No other
//! build has this module.

mod input;
#[cfg(test)]
mod replay;
mod sealed;

pub(crate) use input::Input;

#[cfg(feature = "accounts")]
pub use crate::account::fuzzing::{
    api_token, app_redirect_uri, app_request, email, organization, typed_code,
};
#[cfg(feature = "passkeys")]
pub use crate::account::fuzzing::{passkey_assertion, passkey_registration};
#[cfg(feature = "social")]
pub use crate::account::fuzzing::{social_answer, social_document, social_id_token};
#[cfg(feature = "smtp")]
pub use crate::delivery::fuzzing::smtp_reply;
pub use crate::http::fuzzing::{accept, bearer, cookie, form, form_json, peer, return_to};
#[cfg(any(feature = "provider", feature = "resource", feature = "social"))]
pub use crate::jose::fuzzing::{jwk, jws, jwt_claims, jwt_forged, strict_json};
#[cfg(feature = "provider")]
pub use crate::provider::fuzzing::{
    authorize, client_authentication, client_metadata, pkce, redirect_uri,
};
#[cfg(feature = "saml")]
pub use crate::saml::fuzzing::{
    idp_metadata, saml_assertion, saml_forged, saml_response, xml_parse_c14n,
};
pub use crate::session::fuzzing::session_cookie;
pub use sealed::sealed;

/// What became of the input of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was taken for good, and everything that must then hold does.
    Accepted,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// [`Outcome::Accepted`] if so, else [`Outcome::Refused`].
    pub(crate) fn accepted(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }
}
