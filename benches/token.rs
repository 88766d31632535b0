//! `/oauth/token` in process: the whole service from request to response, over a durable SQLite
//! file and over PostgreSQL (left out, loudly, where no server is).
//!
//! What is measured is throughput: 16 callers at once on two workers, as the time for one request.
//! There is no socket, and the host's resolver answers from memory. What differs:
//!
//! * `client_credentials`: the secret, and one ES256 signature; no store call.
//! * `code`: one read, one ES256 signature, one committed transition. Codes are issued beforehand.
//! * `code_openid`: the same with an RS256 ID token, which is most of its time.
//! * `refresh`: one read, one ES256 signature, one committed transition; each caller follows its
//!   own chain of rotations.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot start may stop")]
#![expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
#![expect(dead_code, unreachable_pub, reason = "the tests' helpers are for more than this")]

#[path = "../tests/it/support/database.rs"]
mod database;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use donjon::crypto::{Keyring, RandomExt as _, Redacted, SystemRandom};
use donjon::provider::{
    AccountResolver, AuthMethod, AuthorizationServer, Client, ClientMetadata, GrantType,
    ResolverError,
};
use donjon::scope::{Account, Authentication, Claims, Context, CurrentAccount, SessionId, UserId};
use donjon::store::{Grant, IssuerId, NewCode, SqlStore};
use http::Request;
use http::request::Parts;
use http_body_util::{BodyExt as _, Full};
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

const ISSUER: &str = "https://op.example";
const CALLBACK: &str = "https://client.example/cb";
const CALLERS: usize = 16;
// RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

struct Host;

#[async_trait]
impl AccountResolver for Host {
    async fn resolve_current_account(
        &self,
        _: &Parts,
        _: &Context,
    ) -> Result<Option<CurrentAccount>, ResolverError> {
        Ok(None)
    }

    async fn resolve_account(
        &self,
        subject: &str,
        _: &Context,
    ) -> Result<Option<Account>, ResolverError> {
        Ok(Some(Account::new(UserId::new(subject)?)))
    }

    async fn build_claims(&self, account: &Account, _: &Context) -> Result<Claims, ResolverError> {
        let subject = account.id().clone();
        Ok(Claims { subject, id_token: Default::default(), userinfo: Default::default() })
    }

    async fn redirect_for_login(&self, _: &Parts, _: &Context) -> Result<String, ResolverError> {
        Ok("/login".into())
    }
}

fn clients() -> Vec<Client> {
    let mut spa = ClientMetadata::new("spa");
    spa.redirect_uris = vec![CALLBACK.into()];
    spa.scope = Some("openid offline_access api:read".into());
    spa.token_endpoint_auth_method = Some(AuthMethod::None);
    let mut machine = ClientMetadata::new("machine");
    machine.client_secret = Some(Redacted("a secret of a machine".into()));
    machine.token_endpoint_auth_method = Some(AuthMethod::ClientSecretPost);
    machine.grant_types = Some(vec![GrantType::ClientCredentials]);
    machine.scope = Some("api:read".into());
    [spa, machine].map(|metadata| Client::new(metadata).unwrap()).into()
}

#[derive(Clone)]
struct World {
    server: AuthorizationServer,
    store: SqlStore,
}

impl World {
    async fn new(store: SqlStore) -> Self {
        let server = AuthorizationServer::builder(ISSUER)
            .resolver(Arc::new(Host))
            .store(&store)
            .keyring(Keyring::ephemeral(&SystemRandom))
            .clients(clients())
            .build()
            .await
            .unwrap();
        Self { server, store }
    }

    async fn post(&self, fields: &[(&str, &str)]) -> serde_json::Value {
        let request = Request::post("/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::<bytes::Bytes>::from(serde_urlencoded::to_string(fields).unwrap()))
            .unwrap();
        let Ok(response) = self.server.clone().oneshot(request).await;
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{body:?}");
        serde_json::from_slice(&body).unwrap()
    }

    async fn refresh_token(&self, fields: &[(&str, &str)]) -> String {
        let tokens = self.post(fields).await;
        tokens.get("refresh_token").and_then(|token| token.as_str()).unwrap().to_owned()
    }

    async fn code(&self, scope: &str) -> String {
        let (code, now) = (SystemRandom.token(), OffsetDateTime::now_utc());
        let end = now + time::Duration::HOUR;
        let new = NewCode {
            code: code.hash(),
            interaction_id: SystemRandom.token().expose(),
            grant: Grant {
                id: SystemRandom.uuid_v7(now),
                client_id: "spa".into(),
                subject: UserId::new("alice").unwrap(),
                scopes: scope.split(' ').map(str::to_owned).collect(),
                resources: Vec::new(),
                authentication: Authentication {
                    ends_at: None,
                    at: now,
                    methods: vec![],
                    context_class: None,
                    session_id: SessionId(SystemRandom.uuid_v7(now)),
                    login_path: None,
                    fresh_until: None,
                },
                offline: true,
                nonce: None,
                auth_time_requested: false,
            },
            redirect_uri: CALLBACK.into(),
            code_challenge: Some(CHALLENGE.into()),
            created_at: now,
            expires_at: end,
            interaction_expires_at: end,
            consent: None,
        };
        self.store.issue_code(&IssuerId::new(ISSUER), &new).await.unwrap();
        code.expose()
    }

    async fn exchange(&self, code: &str) -> String {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.refresh_token(&fields).await
    }

    async fn client_credentials(&self) {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", "machine"),
            ("client_secret", "a secret of a machine"),
        ];
        self.post(&fields).await;
    }

    async fn refresh(&self, token: &str) -> String {
        let fields =
            [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", token)];
        self.refresh_token(&fields).await
    }
}

/// The time that `callers` take together, each with its own share of the work.
async fn timed<W, F, S>(shares: Vec<S>, work: W) -> Duration
where
    W: Fn(S) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let begin = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for share in shares {
        callers.spawn(work(share));
    }
    callers.join_all().await;
    begin.elapsed()
}

/// How many of `requests` each caller makes.
fn shares(requests: u64) -> Vec<u64> {
    let callers = CALLERS as u64;
    (0..callers).map(|caller| (requests + caller) / callers).collect()
}

fn exchange_codes(c: &mut Criterion, runtime: &Runtime, world: &World, name: &str, scope: &str) {
    c.bench_function(name, |b| {
        b.iter_custom(|requests| {
            runtime.block_on(async {
                let mut codes: Vec<Vec<String>> = Vec::new();
                for share in shares(requests) {
                    let mut own = Vec::new();
                    for _ in 0..share {
                        own.push(world.code(scope).await);
                    }
                    codes.push(own);
                }
                timed(codes, |codes| {
                    let world = world.clone();
                    async move {
                        for code in codes {
                            world.exchange(&code).await;
                        }
                    }
                })
                .await
            })
        });
    });
}

fn refresh(c: &mut Criterion, runtime: &Runtime, world: &World, name: &str) {
    c.bench_function(name, |b| {
        b.iter_custom(|requests| {
            runtime.block_on(async {
                let mut chains = Vec::new();
                for share in shares(requests) {
                    let code = world.code("offline_access api:read").await;
                    chains.push((share, world.exchange(&code).await));
                }
                timed(chains, |(share, mut token)| {
                    let world = world.clone();
                    async move {
                        for _ in 0..share {
                            token = world.refresh(&token).await;
                        }
                    }
                })
                .await
            })
        });
    });
}

fn client_credentials(c: &mut Criterion, runtime: &Runtime, world: &World, name: &str) {
    c.bench_function(name, |b| {
        b.iter_custom(|requests| {
            runtime.block_on(timed(shares(requests), |share| {
                let world = world.clone();
                async move {
                    for _ in 0..share {
                        world.client_credentials().await;
                    }
                }
            }))
        });
    });
}

fn token(c: &mut Criterion) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut databases = runtime.block_on(database::databases());
    // In the tests SQLite is a file that is never synced; here it is one that is.
    let file = format!("sqlite://{}", directory.path().join("bench.db").display());
    for database in databases.iter_mut().filter(|database| database.name == "sqlite") {
        database.url.clone_from(&file);
    }
    for database in &databases {
        let world = runtime.block_on(async { World::new(database.store().await).await });
        let name = |what: &str| format!("token/{}/{what}", database.name);
        client_credentials(c, &runtime, &world, &name("client_credentials"));
        exchange_codes(c, &runtime, &world, &name("code"), "offline_access api:read");
        let openid = "openid offline_access api:read";
        exchange_codes(c, &runtime, &world, &name("code_openid"), openid);
        refresh(c, &runtime, &world, &name("refresh"));
        runtime.block_on(world.server.shut_down());
    }
}

criterion_group!(benches, token);
criterion_main!(benches);
