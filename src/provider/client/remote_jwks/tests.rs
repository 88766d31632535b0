//! Against a real TLS server on this machine.

use std::sync::Mutex;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::*;
use crate::http::test_server::{Server, ok};
use crate::http::{REMOTE_LAST_GOOD, REMOTE_PAUSE};
use crate::jose::{Algorithm, ClaimRules, SigningKey, Typ, TypRule, VerifyRules, sign_jwt, verify};

/// A clock in the hand.
#[derive(Debug)]
struct Hand(Mutex<OffsetDateTime>);

impl Clock for Hand {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

struct World {
    server: Server,
    clock: Arc<Hand>,
    jwks: RemoteJwks,
}

impl World {
    async fn new(keys: &[&SigningKey]) -> Self {
        let server = Server::start(set(keys)).await;
        let egress = Egress::builder()
            .danger_allow(["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()])
            .extra_roots(server.certificate.as_bytes())
            .unwrap()
            .build();
        let start = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let clock = Arc::new(Hand(Mutex::new(start)));
        let jwks = RemoteJwks::new(egress, Arc::clone(&clock) as Arc<dyn Clock>);
        Self { server, clock, jwks }
    }

    fn wait(&self, time: Duration) {
        *self.clock.0.lock().unwrap() += time;
    }

    /// Whether a token of this key is verified.
    async fn accepts(&self, key: &SigningKey) -> Result<(), RemoteJwksError> {
        let now = self.clock.now();
        let token = sign_jwt(key, Typ::JWT, &json!({ "exp": now.unix_timestamp() + 60 })).unwrap();
        let uri = format!("https://localhost:{}/jwks", self.server.port);
        let rules =
            VerifyRules::new(&[Algorithm::ES256], TypRule::Exactly(Typ::JWT), ClaimRules::new());
        let attempt = |keys: &[VerifyingKey]| verify::<Value>(&token, keys, &rules, now).map(drop);
        self.jwks.verify(&uri, attempt).await
    }
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::ES256).unwrap()
}

fn set(keys: &[&SigningKey]) -> String {
    let keys = keys.iter().map(|key| key.verifying_key().jwk().clone());
    ok(&serde_json::to_string(&JwkSet::new(keys).unwrap()).unwrap())
}

const GONE: &str = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn keys_are_fetched_once_while_they_are_fresh() {
    let key = key();
    let world = World::new(&[&key]).await;
    for _ in 0..5 {
        world.accepts(&key).await.unwrap();
        world.wait(Duration::MINUTE);
    }
    assert_eq!(world.server.requests(), 1);
    world.wait(FRESH);
    world.accepts(&key).await.unwrap();
    assert_eq!(world.server.requests(), 2);
}

#[tokio::test]
async fn a_client_rotates_its_keys_whenever_it_likes() {
    let (old, new) = (key(), key());
    let world = World::new(&[&old]).await;
    world.accepts(&old).await.unwrap();
    world.wait(REMOTE_PAUSE);
    world.server.answer(set(&[&new]));
    world.accepts(&new).await.unwrap();
    assert_eq!(world.server.requests(), 2);
    // The old key is gone with the set that held it.
    world.wait(REMOTE_PAUSE);
    let refused = world.accepts(&old).await.unwrap_err();
    assert!(matches!(refused, RemoteJwksError::Signature(JwsError::UnknownKey)), "{refused}");
}

#[tokio::test]
async fn unknown_keys_do_not_flood_the_client() {
    let (known, stranger) = (key(), key());
    let world = World::new(&[&known]).await;
    world.accepts(&known).await.unwrap();
    for _ in 0..20 {
        assert!(world.accepts(&stranger).await.is_err());
        world.wait(Duration::SECOND);
    }
    // One fetch at first, and one each ten seconds.
    assert_eq!(world.server.requests(), 2);
    world.accepts(&known).await.unwrap();
}

#[tokio::test]
async fn many_requests_at_once_fetch_once() {
    let key = key();
    let world = World::new(&[&key]).await;
    let all = futures_util::future::join_all((0..32).map(|_| world.accepts(&key))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test]
async fn the_last_good_keys_serve_while_fetching_fails_but_not_for_ever() {
    let (known, stranger) = (key(), key());
    let world = World::new(&[&known]).await;
    world.accepts(&known).await.unwrap();
    for broken in
        [GONE.to_owned(), ok("nonsense"), ok("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}")]
    {
        world.server.answer(broken);
        world.wait(FRESH);
        world.accepts(&known).await.unwrap();
        assert!(world.accepts(&stranger).await.is_err());
    }
    assert!(world.server.requests() >= 4);
    world.wait(REMOTE_LAST_GOOD);
    let refused = world.accepts(&known).await.unwrap_err();
    assert!(matches!(refused, RemoteJwksError::Keys(RemoteError::Read(_))), "{refused}");
}

#[tokio::test]
async fn without_any_keys_nothing_is_verified() {
    let key = key();
    let world = World::new(&[&key]).await;
    world.server.answer(GONE);
    assert!(matches!(world.accepts(&key).await, Err(RemoteJwksError::Keys(RemoteError::Fetch(_)))));
    assert!(matches!(world.accepts(&key).await, Err(RemoteJwksError::Keys(RemoteError::Pause))));
    assert_eq!(world.server.requests(), 1);
    world.wait(REMOTE_PAUSE);
    world.server.answer(set(&[&key]));
    world.accepts(&key).await.unwrap();
}
