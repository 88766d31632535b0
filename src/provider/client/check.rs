use super::uri::check_redirect_uri;
use super::{AuthMethod, ClientMetadata, GrantType};

/// The most redirect URIs of one client.
const MAX_REDIRECT_URIS: usize = 64;
/// The longest text of one metadata field, in bytes.
pub(super) const MAX_TEXT: usize = 2048;

/// What the metadata come to: method, grant types, scopes.
type Checked = (AuthMethod, Vec<GrantType>, Vec<String>);
/// A field, and what is wrong with it.
pub(super) type FieldFault = (&'static str, &'static str);

/// Checks metadata; names the field that is wrong, and what would be right.
pub(super) fn check_metadata(
    metadata: &ClientMetadata,
    has_secret: bool,
) -> Result<Checked, FieldFault> {
    if !is_client_id(&metadata.client_id) {
        return Err(("client_id", "must be 1 to 255 printable ASCII characters without spaces"));
    }
    let scopes = check_scope(metadata.scope.as_deref().unwrap_or("openid"))?;
    let auth_method = metadata.token_endpoint_auth_method.unwrap_or(AuthMethod::ClientSecretBasic);
    check_secret(auth_method, has_secret)?;
    let grant_types = check_grant_types(metadata, auth_method, &scopes)?;
    check_redirect_uris(metadata, &grant_types)?;
    check_pkce(metadata, auth_method, &scopes)?;
    check_texts(metadata)?;
    Ok((auth_method, grant_types, scopes))
}

pub(super) fn is_client_id(id: &str) -> bool {
    (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// RFC 6749, section 3.3.
fn check_scope(scope: &str) -> Result<Vec<String>, FieldFault> {
    let scopes: Vec<String> = scope.split(' ').map(str::to_owned).collect();
    let token = |scope: &String| {
        !scope.is_empty() && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
    };
    if scope.len() > MAX_TEXT || !scopes.iter().all(token) {
        return Err(("scope", "must be scope tokens, separated by one space each"));
    }
    Ok(scopes)
}

fn check_secret(method: AuthMethod, has_secret: bool) -> Result<(), FieldFault> {
    match (method.uses_secret(), has_secret) {
        (true, false) => Err(("client_secret", "is missing; this authentication method needs one")),
        (false, true) => Err(("client_secret", "must be left out; this method does not use one")),
        _ => Ok(()),
    }
}

fn check_grant_types(
    metadata: &ClientMetadata,
    method: AuthMethod,
    scopes: &[String],
) -> Result<Vec<GrantType>, FieldFault> {
    let offline = scopes.iter().any(|scope| scope == "offline_access");
    let grant_types = match &metadata.grant_types {
        Some(grant_types) => grant_types.clone(),
        None if offline => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        None => vec![GrantType::AuthorizationCode],
    };
    let has = |grant_type| grant_types.contains(&grant_type);
    if grant_types.is_empty() {
        return Err(("grant_types", "must not be empty"));
    }
    if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) {
        return Err(("grant_types", "refresh_token needs authorization_code beside it"));
    }
    if has(GrantType::ClientCredentials) && method == AuthMethod::None {
        return Err(("grant_types", "client_credentials needs a client that authenticates"));
    }
    let code_only = metadata.response_types.as_ref().is_none_or(|types| types == &["code"]);
    if has(GrantType::AuthorizationCode) && !code_only {
        return Err(("response_types", "must be [\"code\"]"));
    }
    Ok(grant_types)
}

fn check_redirect_uris(
    metadata: &ClientMetadata,
    grant_types: &[GrantType],
) -> Result<(), FieldFault> {
    let uris = &metadata.redirect_uris;
    if uris.len() > MAX_REDIRECT_URIS {
        return Err(("redirect_uris", "must be at most 64"));
    }
    if uris.is_empty() && grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(("redirect_uris", "must not be empty for authorization_code"));
    }
    uris.iter()
        .try_for_each(|uri| check_redirect_uri(uri))
        .map_err(|fault| ("redirect_uris", fault))
}

fn check_pkce(
    metadata: &ClientMetadata,
    method: AuthMethod,
    scopes: &[String],
) -> Result<(), FieldFault> {
    let openid = scopes.iter().any(|scope| scope == "openid");
    if metadata.require_pkce == Some(false) && (method == AuthMethod::None || !openid) {
        return Err(("require_pkce", "can be false only for a confidential client with openid"));
    }
    Ok(())
}

fn check_texts(metadata: &ClientMetadata) -> Result<(), FieldFault> {
    let unfit = |text: &str| text.len() > MAX_TEXT || text.chars().any(char::is_control);
    if metadata.client_name.as_deref().is_some_and(|name| name.is_empty() || unfit(name)) {
        return Err(("client_name", "must have 1 to 2048 bytes, none of them a control character"));
    }
    if metadata.contacts.len() > 16 || metadata.contacts.iter().any(|contact| unfit(contact)) {
        let right = "must be at most 16, of at most 2048 bytes each, without control characters";
        return Err(("contacts", right));
    }
    for (field, uri) in [
        ("client_uri", &metadata.client_uri),
        ("logo_uri", &metadata.logo_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ] {
        // They become links on our pages: nothing but the web.
        let web = |uri: &String| {
            !unfit(uri)
                && url::Url::parse(uri).is_ok_and(|u| matches!(u.scheme(), "https" | "http"))
        };
        if !uri.as_ref().is_none_or(web) {
            return Err((field, "must be an http or https URL"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Redacted;
    use crate::provider::{Client, ClientError};

    fn faulty(change: impl FnOnce(&mut ClientMetadata)) -> &'static str {
        let mut metadata = ClientMetadata::new("web");
        metadata.client_secret = Some(Redacted("secret".into()));
        metadata.redirect_uris = vec!["https://client.example/cb".into()];
        change(&mut metadata);
        match Client::new(metadata) {
            Ok(_) => "nothing",
            Err(ClientError::Invalid { field, .. }) => field,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn what_is_left_out_has_the_registered_defaults() {
        let mut metadata = ClientMetadata::new("web");
        metadata.client_secret = Some(Redacted("secret".into()));
        metadata.redirect_uris = vec!["https://client.example/cb".into()];
        let client = Client::new(metadata.clone()).unwrap();
        assert_eq!(client.auth_method(), AuthMethod::ClientSecretBasic);
        assert_eq!(client.scopes(), ["openid"]);
        assert!(client.allows_grant(GrantType::AuthorizationCode) && client.requires_pkce());
        assert!(!client.allows_grant(GrantType::RefreshToken) && !client.is_public());
        metadata.scope = Some("openid offline_access".into());
        assert!(Client::new(metadata).unwrap().allows_grant(GrantType::RefreshToken));
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        assert_eq!(faulty(|_| {}), "nothing");
        let ids = ["", "a b", "é", "a\n", &"x".repeat(256)];
        for id in ids {
            assert_eq!(faulty(|m| m.client_id = id.into()), "client_id");
        }
        for scope in ["", " openid", "openid  read", "open\"id", "opénid"] {
            assert_eq!(faulty(|m| m.scope = Some(scope.into())), "scope", "{scope:?}");
        }
        assert_eq!(faulty(|m| m.client_secret = None), "client_secret");
        assert_eq!(faulty(|m| m.client_secret = Some(Redacted(String::new()))), "client_secret");
        let public = Some(AuthMethod::None);
        assert_eq!(faulty(|m| m.token_endpoint_auth_method = public), "client_secret");
        assert_eq!(faulty(|m| m.redirect_uris.clear()), "redirect_uris");
        assert_eq!(faulty(|m| m.redirect_uris.push("http://x.example".into())), "redirect_uris");
        assert_eq!(faulty(|m| m.grant_types = Some(vec![])), "grant_types");
        let lone = Some(vec![GrantType::RefreshToken]);
        assert_eq!(faulty(|m| m.grant_types = lone), "grant_types");
        assert_eq!(faulty(|m| m.response_types = Some(vec!["token".into()])), "response_types");
        assert_eq!(faulty(|m| m.client_name = Some(String::new())), "client_name");
        assert_eq!(faulty(|m| m.client_name = Some("Bank\0".into())), "client_name");
        assert_eq!(faulty(|m| m.contacts = vec!["a\r\nb".into()]), "contacts");
        let broken = Some("https://client.example/\n".to_owned());
        assert_eq!(faulty(|m| m.tos_uri = broken), "tos_uri");
        let script = Some("javascript:alert(1)".to_owned());
        assert_eq!(faulty(|m| m.logo_uri = script), "logo_uri");
    }

    #[test]
    fn a_public_client_has_neither_credentials_of_its_own_nor_a_way_round_pkce() {
        let public = |m: &mut ClientMetadata| {
            m.client_secret = None;
            m.token_endpoint_auth_method = Some(AuthMethod::None);
        };
        let credentials = faulty(|m| {
            public(m);
            m.grant_types = Some(vec![GrantType::ClientCredentials]);
        });
        assert_eq!(credentials, "grant_types");
        let pkce = faulty(|m| {
            public(m);
            m.require_pkce = Some(false);
        });
        assert_eq!(pkce, "require_pkce");
        assert_eq!(faulty(|m| m.require_pkce = Some(false)), "nothing");
        let plain_oauth = faulty(|m| {
            m.require_pkce = Some(false);
            m.scope = Some("read".into());
        });
        assert_eq!(plain_oauth, "require_pkce");
    }

    #[test]
    fn an_unknown_field_is_an_error_that_names_it() {
        let json = r#"{ "client_id": "c", "redirect_uri": "https://client.example/cb" }"#;
        let error = serde_json::from_str::<ClientMetadata>(json).unwrap_err();
        assert!(error.to_string().contains("redirect_uri"), "{error}");
    }

    #[test]
    fn a_secret_is_neither_printed_nor_stored() {
        let mut metadata = ClientMetadata::new("web");
        metadata.client_secret = Some(Redacted("hunter2".into()));
        metadata.redirect_uris = vec!["https://client.example/cb".into()];
        assert!(!format!("{metadata:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&metadata).unwrap().contains("hunter2"));
        let client = Client::new(metadata).unwrap();
        let document = client.to_document().unwrap();
        assert!(!format!("{client:?} {document}").contains("hunter2"));
        let read = Client::from_document(document).unwrap();
        assert!(read.secret().unwrap().matches("hunter2"));
        assert!(!read.secret().unwrap().matches("hunter3"));
    }
}
