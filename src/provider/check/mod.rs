//! The steps of an authorization request, one file each, in the order they are taken.
//!
//! Each is a function of the request, the client and what was loaded: no I/O, no clock. What a
//! step finds out it hands on as a value; a step whose result the rest relies on hands on a proof
//! ([`ProvenRedirectUri`]) that nothing else can make.

mod access_token;
mod client_authentication;
mod client_may_ask;
mod code_challenge;
mod code_verifier;
mod grant_type;
mod hints;
mod id_token_hint;
mod max_age;
mod narrowed;
mod nonce;
mod prompt;
mod redirect_uri;
mod repeated;
mod request_object;
mod resource;
mod response_mode;
mod response_type;
mod scope;
mod state;

pub(super) use access_token::{check_access_token, read_access_token};
pub use client_authentication::AuthenticatedClient;
#[cfg(any(test, fuzzing))]
pub(super) use client_authentication::fuzzing;
pub(super) use client_authentication::{Guesses, check_client};
pub(super) use client_may_ask::check_client_may_ask;
pub(super) use code_challenge::check_code_challenge;
pub use code_verifier::VerifiedPkce;
pub(super) use code_verifier::check_code_verifier;
pub(super) use grant_type::check_grant_type;
pub(super) use hints::check_hints;
pub(super) use id_token_hint::check_id_token_hint;
pub(super) use max_age::check_max_age;
pub(super) use narrowed::{check_narrowed_resource, check_narrowed_scope};
pub(super) use nonce::check_nonce;
pub(super) use prompt::check_prompt;
pub use redirect_uri::ProvenRedirectUri;
pub(super) use redirect_uri::{check_redirect_uri, prove_redirect_uri};
pub(super) use repeated::check_repeated;
pub(super) use request_object::check_request_object;
pub(super) use resource::check_resource;
pub(super) use response_mode::{ResponseMode, check_response_mode};
pub(super) use response_type::check_response_type;
pub(super) use scope::check_scope;
pub(super) use state::{check_state, read_state};

/// Bounds on the parameters of an authorization request, in one place. Lengths are bytes.
mod limits {
    /// `state`: it goes back in a URL.
    pub(super) const STATE: usize = 2048;
    /// `nonce`: it goes into every ID token.
    pub(super) const NONCE: usize = 512;
    /// `scope`.
    pub(super) const SCOPE: usize = 2048;
    /// `login_hint`.
    pub(super) const LOGIN_HINT: usize = 512;
    /// `acr_values` and `ui_locales`, each.
    pub(super) const LIST: usize = 512;
    /// `id_token_hint`.
    pub(super) const ID_TOKEN_HINT: usize = crate::jose::MAX_TOKEN_BYTES;
    /// `resource` parameters.
    pub(super) const RESOURCES: usize = 8;
    /// One `resource`.
    pub(super) const RESOURCE: usize = 512;
}

#[cfg(test)]
mod fixture {
    use crate::crypto::Redacted;
    use crate::http::Form;
    use crate::provider::{Client, ClientMetadata};

    /// A form of these fields.
    pub(super) fn form(fields: &[(&str, &str)]) -> Form {
        Form::parse(serde_urlencoded::to_string(fields).unwrap().as_bytes()).unwrap()
    }

    /// A public client, changed.
    pub(super) fn public(change: impl FnOnce(&mut ClientMetadata)) -> Client {
        let mut metadata = ClientMetadata::new("spa");
        metadata.redirect_uris = vec!["https://client.example/cb".into()];
        metadata.token_endpoint_auth_method = Some(crate::provider::AuthMethod::None);
        metadata.scope = Some("openid email api:read offline_access".into());
        change(&mut metadata);
        Client::new(metadata).unwrap()
    }

    /// A confidential client, changed.
    pub(super) fn confidential(change: impl FnOnce(&mut ClientMetadata)) -> Client {
        public(|metadata| {
            metadata.token_endpoint_auth_method = None;
            metadata.client_secret = Some(Redacted("a secret of some length".into()));
            change(metadata);
        })
    }
}
