use serde_json::{Map, Value, json};

use super::Registry;
use crate::jose::Algorithm;
use crate::provider::check::ResponseMode;
use crate::provider::client::{AuthMethod, GrantType};
use crate::provider::issuer::Issuer;
use crate::provider::policy::SCOPE_CLAIMS;

/// What the server says of itself (OpenID Connect Discovery, section 3; RFC 8414, section 2):
/// only what is mounted, and only what the code enumerates.
pub(crate) fn metadata(
    issuer: &Issuer,
    registry: &Registry,
    scopes: &[String],
    algorithms: &[Algorithm],
) -> Map<String, Value> {
    let mut members = Map::new();
    let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
    say("issuer", issuer.as_str().into());
    for route in registry.routes() {
        if let Some(name) = route.metadata {
            say(name, issuer.url(&route.path).into());
        }
    }
    say("scopes_supported", json!(scopes));
    say("response_types_supported", json!(["code"]));
    say("response_modes_supported", json!(ResponseMode::ALL.map(ResponseMode::as_str)));
    say("prompt_values_supported", json!(["none", "login", "consent", "select_account"]));
    say("authorization_response_iss_parameter_supported", true.into());
    say("claims_parameter_supported", false.into());
    say("request_parameter_supported", false.into());
    say("request_uri_parameter_supported", false.into());
    say("id_token_signing_alg_values_supported", json!(algorithms));
    say("claims_supported", claims_supported());
    say("grant_types_supported", json!(GrantType::ALL.map(GrantType::as_str)));
    say("subject_types_supported", json!(["public"]));
    say("code_challenge_methods_supported", json!(["S256"]));
    for endpoint in ["token", "revocation", "introspection"] {
        // A public client has nothing to ask about tokens with.
        let may = |method: &AuthMethod| endpoint != "introspection" || *method != AuthMethod::None;
        let methods: Vec<_> = AuthMethod::ALL.into_iter().filter(may).collect();
        say(&format!("{endpoint}_endpoint_auth_methods_supported"), json!(methods));
        let algorithms = json!(Algorithm::ALL);
        say(&format!("{endpoint}_endpoint_auth_signing_alg_values_supported"), algorithms);
    }
    members
}

/// What an ID token or the userinfo endpoint may say, if the host knows it.
fn claims_supported() -> Value {
    let own =
        ["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid", "nonce", "at_hash"];
    let users = SCOPE_CLAIMS.iter().flat_map(|(_, claims)| claims.iter().copied());
    own.into_iter().chain(users).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::provider::Endpoint;

    #[test]
    fn what_is_published_is_what_is_mounted() {
        let issuer = Issuer::parse("https://op.example/t").unwrap();
        let moved = HashMap::from([(Endpoint::Token, "/elsewhere/token".to_owned())]);
        let registry = Registry::new(&issuer, &moved).unwrap();
        let metadata = metadata(&issuer, &registry, &[], &[]);
        let published: HashSet<&str> = metadata
            .iter()
            .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
            .filter_map(|(_, url)| url.as_str()?.strip_prefix("https://op.example"))
            .collect();
        let mounted: HashSet<&str> = registry
            .routes()
            .iter()
            .filter(|route| route.metadata.is_some())
            .map(|route| route.path.as_str())
            .collect();
        assert_eq!(published, mounted);
        assert!(published.contains("/elsewhere/token") && published.contains("/t/oauth/jwks"));
        for path in published {
            assert!(registry.find(path).is_some(), "{path}");
        }
    }
}
