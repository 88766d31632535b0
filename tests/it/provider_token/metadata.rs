//! What the server says of itself, and to scripts of other sites.

use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use super::world::{ISSUER, each_world};

#[tokio::test]
async fn both_documents_say_the_same_and_it_is_true() {
    each_world(async |world| {
        let openid = world.get("/.well-known/openid-configuration", None).await;
        let oauth = world.get("/.well-known/oauth-authorization-server", None).await;
        assert_eq!(openid.json, oauth.json);
        assert_eq!(openid.header("content-type"), "application/json");
        assert_eq!(openid.header("cache-control"), "public, max-age=300");
        let metadata = openid.json.as_object().unwrap();
        assert_eq!(metadata["issuer"], ISSUER);
        for (name, url) in
            metadata.iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
        {
            let path = url.as_str().unwrap().strip_prefix(ISSUER).unwrap();
            let answer = world.get(path, None).await;
            assert_ne!(answer.status, 404, "{name} is published and not mounted");
        }
        for (name, values) in [
            ("response_types_supported", json!(["code"])),
            ("subject_types_supported", json!(["public"])),
            ("code_challenge_methods_supported", json!(["S256"])),
            ("id_token_signing_alg_values_supported", json!(["ES256", "RS256"])),
            (
                "token_endpoint_auth_methods_supported",
                json!(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
            ),
            (
                "introspection_endpoint_auth_methods_supported",
                json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]),
            ),
            (
                "grant_types_supported",
                json!(["authorization_code", "refresh_token", "client_credentials"]),
            ),
        ] {
            assert_eq!(metadata[name], values, "{name}");
        }
        let scopes = metadata["scopes_supported"].as_array().unwrap();
        assert!(scopes.contains(&json!("openid")) && scopes.contains(&json!("api:read")));
        let none = Value::String("none".into());
        for (name, algorithms) in metadata.iter().filter(|(name, _)| name.contains("_alg_")) {
            assert!(!algorithms.as_array().unwrap().contains(&none), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn scripts_of_other_sites_may_call_what_browsers_need_and_no_more() {
    each_world(async |world| {
        for (path, open) in [
            ("/.well-known/openid-configuration", true),
            ("/.well-known/oauth-authorization-server", true),
            ("/oauth/jwks", true),
            ("/oauth/token", true),
            ("/oauth/userinfo", true),
            ("/oauth/revoke", false),
            ("/oauth/introspect", false),
            ("/oauth/authorize", false),
        ] {
            let preflight = Request::builder()
                .method(Method::OPTIONS)
                .uri(path)
                .header("origin", "https://spa.example")
                .header("access-control-request-method", "POST")
                .body(Full::default());
            let answer = world.send(preflight.unwrap()).await;
            assert_eq!(answer.status.as_u16(), if open { 204 } else { 405 }, "{path}");
            let origin = answer.header("access-control-allow-origin");
            assert_eq!(origin, if open { "*" } else { "" }, "{path}");
            // With "*" a browser sends no cookies, and no header may say otherwise.
            assert_eq!(answer.header("access-control-allow-credentials"), "");
            if open {
                let headers = answer.header("access-control-allow-headers");
                assert_eq!(headers, "authorization, content-type");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn other_paths_are_not_ours() {
    each_world(async |world| {
        for path in ["/", "/oauth", "/oauth/token/", "/oauth/Token", "/.well-known/", "/jwks"] {
            assert_eq!(world.get(path, None).await.status, 404, "{path}");
        }
    })
    .await;
}
