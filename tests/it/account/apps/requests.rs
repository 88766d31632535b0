//! Requests that no app of the host's makes.

use donjon::account::AccountLayer;
use donjon::account::token::ApiTokens;
use donjon::crypto::{Keyring, SystemRandom};
use http::Method;

use super::*;
use crate::support::database::Database;

#[tokio::test]
async fn what_is_not_the_object_that_is_asked_for_is_refused_as_json() {
    each_app_world(async |world, _| {
        let good = exchange_of(&"A".repeat(43));
        for field in ["app", "code", "code_verifier", "redirect_uri"] {
            let mut less = good.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(call(&world, EXCHANGE, &less).await.is_refused("invalid_request"), "{field}");
            let mut number = good.clone();
            number[field] = 7.into();
            assert!(call(&world, EXCHANGE, &number).await.is_refused("invalid_request"), "{field}");
            for text in ["", "\u{0}", "a\u{0}b", "é", "' OR 1=1 --", &"x".repeat(4000)] {
                let mut odd = good.clone();
                odd[field] = text.into();
                let told = call(&world, EXCHANGE, &odd).await;
                assert_eq!(told.status, StatusCode::BAD_REQUEST, "{field} {text:?}: {told:?}");
            }
        }
        let mut more = good.clone();
        more["scope"] = "admin".into();
        assert!(call(&world, EXCHANGE, &more).await.is_refused("invalid_request"));
        let twice = good.to_string().replacen('{', "{\"app\":\"acme-desktop\",", 1);
        let told = post(&world, EXCHANGE, twice, "application/json").await;
        assert!(told.is_refused("invalid_request"), "{told:?}");
        for body in ["", "[]", "null", "{", "\"x\"", "{}"] {
            for path in [EXCHANGE, REFRESH, REVOKE] {
                let told = post(&world, path, body, "application/json").await;
                assert!(told.is_refused("invalid_request"), "{path} {body}: {told:?}");
            }
        }
        // An array of what the fields hold is no object.
        for (path, body) in [
            (EXCHANGE, json!([PHONE, "A".repeat(43), VERIFIER, SCHEME])),
            (REFRESH, json!([PHONE, "x"])),
            (REVOKE, json!(["x"])),
        ] {
            let told = call(&world, path, &body).await;
            assert!(told.is_refused("invalid_request"), "{path}: {told:?}");
        }
        for kind in ["application/x-www-form-urlencoded", "text/plain", "application/jsonx"] {
            let told = post(&world, EXCHANGE, good.to_string(), kind).await;
            assert!(told.is_refused("invalid_request"), "{kind}: {told:?}");
        }
        let mut stranger = good.clone();
        stranger["app"] = "unknown".into();
        assert!(call(&world, EXCHANGE, &stranger).await.is_refused("invalid_client"));
        for token in ["", "\u{0}", "acmeapp_refresh_\u{0}", &"x".repeat(5000)] {
            let told = refresh(&world, token).await;
            assert!(told.is_refused("invalid_grant"), "{told:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_endpoints_are_only_posted_to() {
    each_app_world(async |world, _| {
        let mut browser = world.browser();
        for path in [EXCHANGE, REFRESH, REVOKE] {
            for method in [Method::GET, Method::PUT, Method::OPTIONS] {
                let page = browser.request(method.clone(), path, None, None).await;
                assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                assert_eq!(page.headers["allow"], "POST");
                assert!(!page.headers.contains_key("access-control-allow-origin"));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn tokens_that_nobody_could_tell_apart_are_refused_when_building() {
    let store = Database::sqlite().store().await;
    let keyring = Keyring::ephemeral(&SystemRandom);
    for (prefix, fits) in [("acme", false), ("acme_app", false), ("acmeapp", true)] {
        let tokens = ApiTokens::new(&store, "acme".parse().unwrap());
        let apps = AppSessions::new(&store, prefix.parse().unwrap());
        let built = AccountLayer::builder(&store, &keyring, "https://app.example")
            .api_tokens(&tokens)
            .apps(&apps)
            .build();
        assert_eq!(built.is_ok(), fits, "{prefix}");
        if let Err(error) = built {
            assert!(error.to_string().contains(prefix), "{error}");
        }
    }
}
