//! Signing keys.

use std::collections::HashSet;
use std::sync::Arc;

use donjon::crypto::{Keyring, SystemRandom};
use donjon::jose::{Algorithm, JwkSet};
use donjon::provider::{AccountResolver, AuthorizationServer, BuildError, KeyError};
use serde_json::{Value, json};
use time::Duration;

use super::world::{Host, ISSUER, USERINFO, World, each_world, keyring, part};

async fn published(world: &World) -> Vec<Value> {
    let answer = world.get("/oauth/jwks", None).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    JwkSet::from_json(&answer.body).unwrap();
    answer.json["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn both_keys_are_there_from_the_first_start_and_nothing_private_is_published() {
    each_world(async |world| {
        let keys = published(&world).await;
        let algorithms: HashSet<_> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
        assert_eq!(algorithms, HashSet::from(["ES256", "RS256"]));
        let kids: HashSet<_> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(kids.len(), 2);
        for key in &keys {
            assert_eq!(key["use"], "sig");
            for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(key.get(private).is_none(), "{private}");
            }
        }
        let tokens = world.tokens("spa", "openid").await;
        for token in [&tokens.access, tokens.id.as_ref().unwrap()] {
            assert!(kids.contains(part(token, 0)["kid"].as_str().unwrap()));
        }
    })
    .await;
}

#[tokio::test]
async fn a_restarted_server_and_a_second_one_have_the_same_keys() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid").await;
        let other = world.another_node().await;
        assert_eq!(published(&world).await, published(&other).await);
        assert_eq!(other.get(USERINFO, Some(&tokens.access)).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_new_key_is_published_everywhere_before_anybody_signs_with_it() {
    each_world(async |world| {
        let other = world.another_node().await;
        let signers = async |world: &World| {
            let tokens = world.tokens("spa", "openid").await;
            let kid = |token: &str| part(token, 0)["kid"].as_str().unwrap().to_owned();
            [kid(&tokens.access), kid(&tokens.id.unwrap())]
        };
        let old = signers(&world).await;
        world.server.rotate_keys().await.unwrap();
        other.server.catch_up().await;
        let keys = published(&world).await;
        assert_eq!((keys.len(), &keys), (4, &published(&other).await));
        // Whoever fetched the keys just before has them again by then.
        let max_age = Duration::minutes(5);
        for wait in [Duration::ZERO, max_age, Duration::MINUTE - Duration::MICROSECOND] {
            world.wait(wait).await;
            other.server.catch_up().await;
            for node in [&world, &other] {
                assert_eq!(signers(node).await, old);
            }
        }
        world.wait(Duration::MICROSECOND).await;
        other.server.catch_up().await;
        let new = signers(&world).await;
        assert!(new.iter().all(|kid| !old.contains(kid)));
        assert_eq!(signers(&other).await, new);
        assert_eq!(signers(&world.another_node().await).await, new);
        assert_eq!(published(&world).await, keys, "the old ones stay");
    })
    .await;
}

#[tokio::test]
async fn a_key_can_sign_at_once_and_the_old_one_still_verifies_everywhere() {
    each_world(async |world| {
        let other = world.another_node().await;
        let old = world.tokens("spa", "openid").await;
        world.wait(Duration::SECOND).await;
        world.server.rotate_keys_at_once().await.unwrap();
        let new = world.tokens("spa", "openid").await;
        assert_ne!(part(&old.access, 0)["kid"], part(&new.access, 0)["kid"]);
        assert_eq!(published(&world).await.len(), 4);
        other.server.catch_up().await;
        assert_eq!(published(&other).await.len(), 4);
        for world in [&world, &other] {
            for tokens in [&old, &new] {
                assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 200);
            }
        }
    })
    .await;
}

fn builder(world: &World) -> donjon::provider::AuthorizationServerBuilder {
    AuthorizationServer::builder(ISSUER)
        .resolver(Arc::new(Host::default()) as Arc<dyn AccountResolver>)
        .store(&world.store)
}

#[tokio::test]
async fn another_algorithm_comes_on_request() {
    each_world(async |world| {
        let server = builder(&world).keyring(keyring()).signing_algorithm(Algorithm::EdDSA);
        let world = World { server: server.build().await.unwrap(), ..world };
        assert_eq!(published(&world).await.len(), 3);
        let metadata = world.get("/.well-known/openid-configuration", None).await.json;
        let algorithms = &metadata["id_token_signing_alg_values_supported"];
        assert_eq!(algorithms, &json!(["ES256", "RS256", "EdDSA"]));
    })
    .await;
}

#[tokio::test]
async fn a_keyring_that_lacks_the_key_says_so() {
    each_world(async |world| {
        let foreign = Keyring::ephemeral(&SystemRandom);
        let error = builder(&world).keyring(foreign).build().await.unwrap_err();
        assert!(matches!(error, BuildError::Keys(KeyError::Sealed(_))), "{error}");
        assert!(error.to_string().contains("keyring"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_agree_on_the_keys() {
    each_world(async |world| {
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let builder = AuthorizationServer::builder("https://many.example")
                .resolver(Arc::new(Host::default()) as Arc<dyn AccountResolver>)
                .store(&world.store)
                .keyring(keyring());
            nodes.spawn(builder.build());
        }
        let mut sets = HashSet::new();
        for server in nodes.join_all().await {
            let node = World { server: server.unwrap(), ..world.clone() };
            sets.insert(node.get("/oauth/jwks", None).await.body);
        }
        assert_eq!(sets.len(), 1);
    })
    .await;
}
