use serde_json::Value;

use crate::fuzzing::Outcome;
use crate::provider::{AuthMethod, Client, ClientMetadata, GrantType};

/// A client that is registered can do what it is registered for; stored and read again it is the
/// same, and nothing that is stored holds its secret.
pub fn client_metadata(data: &[u8]) -> Outcome {
    let Ok(metadata) = serde_json::from_slice::<ClientMetadata>(data) else {
        return Outcome::Refused;
    };
    let Ok(client) = Client::new(metadata.clone()) else { return Outcome::Refused };
    is_consistent(&client);

    let document = client.to_document().unwrap_or_default();
    assert_eq!(document["metadata"].get("client_secret"), None);
    let Some(again) = Client::from_document(document.clone()) else {
        panic!("what was stored cannot be read: {document}");
    };
    is_consistent(&again);
    let public = ClientMetadata { client_secret: None, ..metadata };
    assert_eq!((client.metadata(), again.metadata()), (&public, &public));
    assert_eq!(client.scopes(), again.scopes());
    assert_eq!(again.to_document().unwrap_or_default(), document);
    Outcome::Accepted
}

fn is_consistent(client: &Client) {
    assert!(client.id().bytes().all(|b| b.is_ascii_graphic()) && !client.id().is_empty());
    assert!(!client.name().is_empty());
    assert!(client.scopes().iter().all(|scope| client.allows_scope(scope)));
    let uses_secret = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost]
        .contains(&client.auth_method());
    assert_eq!(client.secret().is_some(), uses_secret);
    assert_eq!(client.is_public(), client.auth_method() == AuthMethod::None);
    assert!(client.requires_pkce() || !client.is_public());
    let codes = client.allows_grant(GrantType::AuthorizationCode);
    assert!(codes || !client.allows_grant(GrantType::RefreshToken));
    assert!(!codes || !client.redirect_uris().is_empty());
    assert!(!client.is_public() || !client.allows_grant(GrantType::ClientCredentials));
    let metadata = client.metadata();
    assert!(metadata.jwks.is_none() || metadata.jwks_uri.is_none());
    if client.auth_method() == AuthMethod::PrivateKeyJwt {
        assert!(!client.keys().is_empty() || metadata.jwks_uri.is_some());
    }
    let written = serde_json::to_value(metadata).unwrap_or(Value::Null);
    assert!(written.is_object());
}
