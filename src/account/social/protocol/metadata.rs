//! What a provider publishes about itself (OpenID Connect Discovery 1.0, section 3).

use serde::Deserialize;
use url::Url;

use super::limits;
use crate::http::{is_fetchable, is_loopback};
use crate::jose::Algorithm;

/// The metadata of a provider, as far as we need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::account::social) struct Metadata {
    pub(in crate::account::social) issuer: String,
    /// Where browsers are sent: https, or on the browser's own machine, which is for the host to
    /// permit ([`Metadata::is_public`]).
    pub(in crate::account::social) authorization_endpoint: String,
    pub(in crate::account::social) token_endpoint: String,
    pub(in crate::account::social) userinfo_endpoint: Option<String>,
    pub(in crate::account::social) jwks_uri: String,
    /// Where tokens are revoked (RFC 8414, section 2), if that is an https URL of a bearable length.
    pub(in crate::account::social) revocation_endpoint: Option<String>,
    /// Those that it signs ID tokens with, of those that we know: `none` and HMAC are not among
    /// them.
    pub(in crate::account::social) algorithms: Vec<Algorithm>,
    /// Whether a client's secret is taken from the form and not from the header.
    pub(in crate::account::social) secret_in_form: bool,
    /// Whether every answer names its issuer (RFC 9207).
    pub(in crate::account::social) names_issuer: bool,
}

/// Why metadata are of no use: the provider's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::account::social) enum MetadataError {
    #[error("the metadata are longer than {} bytes", limits::DOCUMENT)]
    TooLong,
    #[error("the metadata are no JSON object of the right shape")]
    Malformed,
    #[error("{0} is not an https URL of a bearable length")]
    Endpoint(&'static str),
    #[error("none of the algorithms that ID tokens are signed with is one we accept")]
    Algorithms,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    revocation_endpoint: Option<String>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Reads the document at a provider's `/.well-known/openid-configuration`. Whose it is, the
    /// caller must compare.
    ///
    /// # Errors
    /// [`MetadataError`] names the first fault found.
    pub(in crate::account::social) fn read(json: &[u8]) -> Result<Self, MetadataError> {
        if json.len() > limits::DOCUMENT {
            return Err(MetadataError::TooLong);
        }
        let document: Document =
            serde_json::from_slice(json).map_err(|_| MetadataError::Malformed)?;
        let endpoints = [
            ("token_endpoint", Some(&document.token_endpoint)),
            ("userinfo_endpoint", document.userinfo_endpoint.as_ref()),
            ("jwks_uri", Some(&document.jwks_uri)),
        ];
        let is_long = |url: &String| url.len() > limits::URL;
        let begin = &document.authorization_endpoint;
        if is_long(begin) || !(is_fetchable(begin) || is_local(begin)) {
            return Err(MetadataError::Endpoint("authorization_endpoint"));
        }
        for (name, endpoint) in endpoints {
            if endpoint.is_some_and(|url| is_long(url) || !is_fetchable(url)) {
                return Err(MetadataError::Endpoint(name));
            }
        }
        // RS256 must be there (OpenID Core, section 15.1), and some leave it out.
        let named = document.id_token_signing_alg_values_supported;
        let named = named.unwrap_or_else(|| vec!["RS256".to_owned()]);
        let algorithms: Vec<Algorithm> =
            named.iter().filter_map(|name| name.parse().ok()).collect();
        if algorithms.is_empty() {
            return Err(MetadataError::Algorithms);
        }
        let methods = document.token_endpoint_auth_methods_supported.unwrap_or_default();
        let has = |method: &str| methods.iter().any(|name| name == method);
        Ok(Self {
            issuer: document.issuer,
            authorization_endpoint: document.authorization_endpoint,
            token_endpoint: document.token_endpoint,
            userinfo_endpoint: document.userinfo_endpoint,
            jwks_uri: document.jwks_uri,
            revocation_endpoint: document
                .revocation_endpoint
                .filter(|url| !is_long(url) && is_fetchable(url)),
            algorithms,
            secret_in_form: !has("client_secret_basic") && has("client_secret_post"),
            names_issuer: document.authorization_response_iss_parameter_supported,
        })
    }

    /// Whether browsers are sent to an https address.
    pub(in crate::account::social) fn is_public(&self) -> bool {
        is_fetchable(&self.authorization_endpoint)
    }
}

/// Whether a URL is plain HTTP to the machine of whoever opens it.
fn is_local(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && url.scheme() == "http" && url.host().is_some_and(|host| is_loopback(&host))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Value {
        json!({
            "issuer": "https://op.example",
            "authorization_endpoint": "https://op.example/authorize",
            "token_endpoint": "https://op.example/token",
            "userinfo_endpoint": "https://op.example/me",
            "jwks_uri": "https://op.example/jwks",
            "revocation_endpoint": "https://op.example/revoke",
            "id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "ES256", "XS1"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn read(document: &Value) -> Result<Metadata, MetadataError> {
        Metadata::read(document.to_string().as_bytes())
    }

    #[test]
    fn metadata_say_where_to_go_and_whom_to_believe() {
        let metadata = read(&document()).unwrap();
        assert_eq!(metadata.algorithms, [Algorithm::RS256, Algorithm::ES256]);
        assert!(metadata.secret_in_form && metadata.names_issuer);
        let mut plain = document();
        for optional in [
            "userinfo_endpoint",
            "id_token_signing_alg_values_supported",
            "token_endpoint_auth_methods_supported",
            "authorization_response_iss_parameter_supported",
        ] {
            plain.as_object_mut().unwrap().remove(optional);
        }
        let metadata = read(&plain).unwrap();
        assert_eq!(metadata.algorithms, [Algorithm::RS256]);
        assert!(!metadata.secret_in_form && !metadata.names_issuer);
    }

    /// Nobody is kept from logging in by it.
    #[test]
    fn tokens_are_sent_to_be_revoked_over_https_or_not_at_all() {
        let endpoint = read(&document()).unwrap().revocation_endpoint;
        assert_eq!(endpoint.as_deref(), Some("https://op.example/revoke"));
        for odd in [Value::Null, json!("http://op.example/revoke"), json!("/revoke")] {
            let mut document = document();
            document["revocation_endpoint"] = odd;
            assert_eq!(read(&document).unwrap().revocation_endpoint, None);
        }
    }

    #[test]
    fn only_pages_may_be_on_the_browsers_own_machine() {
        let local = json!("http://127.0.0.1:3003/authorize");
        let mut here = document();
        here["authorization_endpoint"] = local.clone();
        assert!(!read(&here).unwrap().is_public() && read(&document()).unwrap().is_public());
        for name in ["token_endpoint", "userinfo_endpoint", "jwks_uri"] {
            let mut document = document();
            document[name] = local.clone();
            assert_eq!(read(&document), Err(MetadataError::Endpoint(name)), "{name}");
        }
        for odd in ["http://127.0.0.1.evil.example/", "http://a@127.0.0.1/", "ftp://127.0.0.1/"] {
            let mut document = document();
            document["authorization_endpoint"] = json!(odd);
            let refused = Err(MetadataError::Endpoint("authorization_endpoint"));
            assert_eq!(read(&document), refused, "{odd}");
        }
    }

    #[test]
    fn metadata_that_lead_astray_are_refused() {
        for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
            let long = format!("https://op.example/{}", "a".repeat(limits::URL));
            for evil in ["http://op.example/", "javascript:alert(1)", "/local", "", &long] {
                let mut document = document();
                document[name] = json!(evil);
                assert_eq!(read(&document), Err(MetadataError::Endpoint(name)), "{name} {evil}");
            }
        }
        for (name, value, expected) in [
            ("issuer", Value::Null, MetadataError::Malformed),
            ("token_endpoint", json!(["https://op.example/"]), MetadataError::Malformed),
            (
                "id_token_signing_alg_values_supported",
                json!(["none", "HS256"]),
                MetadataError::Algorithms,
            ),
            ("padding", json!("a".repeat(limits::DOCUMENT)), MetadataError::TooLong),
        ] {
            let mut document = document();
            document[name] = value;
            assert_eq!(read(&document), Err(expected), "{name}");
        }
        for bad in ["", "[]", "{}", "{\"issuer\":\"a\",\"issuer\":\"b\"}"] {
            assert_eq!(Metadata::read(bad.as_bytes()), Err(MetadataError::Malformed), "{bad}");
        }
    }
}
