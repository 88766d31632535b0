//! A client that publishes its keys: fetched through the guarded client, by way of the token
//! endpoint.

use std::sync::{Arc, Mutex};

use donjon::crypto::Clock as _;
use donjon::http::Egress;
use donjon::jose::{Algorithm, JwkSet, SigningKey, Typ, sign_jwt};
use donjon::provider::{AuthMethod, AuthorizationServerBuilder, Client, GrantType};
use http::StatusCode;
use rustls_pki_types::PrivateKeyDer;
use serde_json::json;
use time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::provider_authorize::world::{Answer, ISSUER, World, client};
use crate::support::database::databases;

/// A client's web server, with its keys at any path.
struct Publisher {
    port: u16,
    certificate: String,
    keys: Arc<Mutex<String>>,
}

impl Publisher {
    async fn start(key: &SigningKey) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let private = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], private)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let keys = Arc::new(Mutex::new(set(key)));
        let published = Arc::clone(&keys);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut tls) = acceptor.accept(stream).await else { continue };
                let _ = tls.read(&mut [0; 4096]).await;
                let body = published.lock().unwrap().clone();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = tls.write_all(format!("{head}{body}").as_bytes()).await;
                let _ = tls.shutdown().await;
            }
        });
        Self { port, certificate: made.cert.pem(), keys }
    }

    fn client(&self) -> Client {
        client("machine", |client| {
            client.token_endpoint_auth_method = Some(AuthMethod::PrivateKeyJwt);
            client.grant_types = Some(vec![GrantType::ClientCredentials]);
            client.scope = Some("api:read".into());
            client.jwks_uri = Some(format!("https://localhost:{}/jwks.json", self.port));
        })
    }

    /// A server that may reach this machine, and trusts the publisher's certificate.
    fn reachable(&self, builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
        let here = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
        let egress = Egress::builder().danger_allow(here);
        builder.egress(egress.extra_roots(self.certificate.as_bytes()).unwrap().build())
    }
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::ES256).unwrap()
}

fn set(key: &SigningKey) -> String {
    serde_json::to_string(&JwkSet::new([key.public_jwk().clone()]).unwrap()).unwrap()
}

/// Asks for a token with an assertion signed by this key.
async fn ask(world: &World, key: &SigningKey, jti: &str) -> Answer {
    let now = world.clock.now().unix_timestamp();
    let claims = json!({
        "iss": "machine", "sub": "machine", "aud": ISSUER, "exp": now + 60, "iat": now, "jti": jti,
    });
    let assertion = sign_jwt(key, Typ::JWT, &claims).unwrap();
    let form = serde_urlencoded::to_string([
        ("grant_type", "client_credentials"),
        ("scope", "api:read"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ]);
    world.browser().post("/oauth/token", &form.unwrap(), "https://machine.example").await
}

#[tokio::test]
async fn a_client_authenticates_with_the_keys_it_publishes_and_rotates_them() {
    for database in databases().await {
        let (old, new) = (key(), key());
        let publisher = Publisher::start(&old).await;
        let build = |builder| publisher.reachable(builder);
        let world = World::new(database.store().await, vec![publisher.client()], build).await;

        assert_eq!(ask(&world, &old, "1").await.status, StatusCode::OK);
        let replayed = ask(&world, &old, "1").await;
        assert_eq!(replayed.status, StatusCode::UNAUTHORIZED, "{}", replayed.body);
        assert_eq!(ask(&world, &new, "2").await.status, StatusCode::UNAUTHORIZED);

        *publisher.keys.lock().unwrap() = set(&new);
        world.clock.advance(Duration::seconds(11));
        assert_eq!(ask(&world, &new, "3").await.status, StatusCode::OK);
        assert_eq!(ask(&world, &old, "4").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn keys_on_the_inside_are_not_fetched_unless_the_host_says_so() {
    let key = key();
    let publisher = Publisher::start(&key).await;
    let store = databases().await.remove(0);
    let guarded = |builder: AuthorizationServerBuilder| {
        let egress = Egress::builder().extra_roots(publisher.certificate.as_bytes()).unwrap();
        builder.egress(egress.build())
    };
    let world = World::new(store.store().await, vec![publisher.client()], guarded).await;
    let refused = ask(&world, &key, "1").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.body.contains("invalid_client") && !refused.body.contains("localhost"));
}
