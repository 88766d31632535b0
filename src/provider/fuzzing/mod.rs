//! Fuzz targets of what clients, and browsers in their name, ask of the provider.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a target panics where something does not hold"
)]

mod client_metadata;
mod pkce;
mod redirect_uri;

pub use super::check::fuzzing::client_authentication;
pub use super::endpoint::fuzzing::authorize;
pub use client_metadata::client_metadata;
pub use pkce::pkce;
pub use redirect_uri::redirect_uri;

use std::sync::LazyLock;

use super::{AuthMethod, Client, ClientMetadata, GrantType};
use crate::crypto::Redacted;

/// A client that keeps no secret.
pub(super) static PUBLIC: LazyLock<Client> = LazyLock::new(|| {
    client(ClientMetadata {
        redirect_uris: vec![
            "https://client.example/cb".into(),
            "https://client.example/cb?a=1&".into(),
            "http://127.0.0.1/cb".into(),
            "com.example.app:/cb".into(),
        ],
        scope: Some("openid email offline_access api:read".into()),
        token_endpoint_auth_method: Some(AuthMethod::None),
        ..ClientMetadata::new("spa")
    })
});

/// A client that keeps one, may do without PKCE, and may not refresh.
pub(super) static CONFIDENTIAL: LazyLock<Client> = LazyLock::new(|| {
    client(ClientMetadata {
        client_secret: Some(Redacted("a secret".into())),
        redirect_uris: vec!["https://client.example/cb".into()],
        scope: Some("openid email offline_access".into()),
        grant_types: Some(vec![GrantType::AuthorizationCode]),
        require_pkce: Some(false),
        ..ClientMetadata::new("web")
    })
});

#[expect(clippy::expect_used, reason = "the clients are written above")]
fn client(metadata: ClientMetadata) -> Client {
    Client::new(metadata).expect("a good client")
}
