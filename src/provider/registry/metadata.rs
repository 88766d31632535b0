use serde_json::{Map, Value, json};

use super::Registry;
use crate::provider::check::ResponseMode;
use crate::provider::client::{AuthMethod, GrantType};
use crate::provider::issuer::Issuer;

/// What the server says of itself (OpenID Connect Discovery, section 3; RFC 8414, section 2):
/// only what is mounted, and only what the code enumerates.
pub(crate) fn metadata(
    issuer: &Issuer,
    registry: &Registry,
    scopes: &[String],
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
    say("grant_types_supported", json!(GrantType::ALL.map(GrantType::as_str)));
    say("subject_types_supported", json!(["public"]));
    say("code_challenge_methods_supported", json!(["S256"]));
    say("token_endpoint_auth_methods_supported", json!(AuthMethod::ALL.map(AuthMethod::as_str)));
    members
}
