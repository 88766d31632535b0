//! A server, a host in the hand, and clients that speak HTTP to it.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use donjon::crypto::{Clock as _, Keyring, RandomExt as _, Redacted, SystemRandom};
use donjon::jose::{Algorithm, JwkSet, SigningKey, Typ, sign_jwt};
use donjon::provider::{
    AccountResolver, AuthMethod, AuthorizationServer, Client, ClientMetadata, GrantType,
    ResolverError,
};
use donjon::scope::{
    Account, Authentication, Claims, Context, CurrentAccount, Method, SessionEnd, SessionId, UserId,
};
use donjon::store::{
    CodeIssue, Device, Effects, Grant, IssuerId, Login, NewCode, NewSession, SqlStore,
};
use donjon::testing::ManualClock;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tower::ServiceExt as _;

use crate::support::database::databases;

pub const ISSUER: &str = "https://op.example";
pub const CALLBACK: &str = "https://client.example/cb";
pub const TOKEN: &str = "/oauth/token";
pub const USERINFO: &str = "/oauth/userinfo";
pub const REVOKE: &str = "/oauth/revoke";
pub const INTROSPECT: &str = "/oauth/introspect";
pub const API: &str = "https://api.example";
// RFC 7636, appendix B.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const SECRET: &str = "s3cret: with+%reserved&=characters";

pub const WEAK_SECRET: &str = "hunter2";

/// How the host behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mood {
    #[default]
    Well,
    Fails,
    Panics,
    /// Claims are about somebody else.
    MixesUsersUp,
    /// The account is gone.
    HasForgotten,
}

/// A host that knows everybody, and says more than it should.
#[derive(Debug, Default)]
pub struct Host(Mutex<Mood>);

impl Host {
    pub fn feel(&self, mood: Mood) {
        *self.0.lock().unwrap() = mood;
    }

    fn mood(&self) -> Mood {
        *self.0.lock().unwrap()
    }

    fn answer<T>(&self, answer: T) -> Result<T, ResolverError> {
        match self.mood() {
            Mood::Fails => Err("the user table is on fire".into()),
            Mood::Panics => panic!("a bug of the host's"),
            _ => Ok(answer),
        }
    }
}

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
        if self.mood() == Mood::HasForgotten {
            return Ok(None);
        }
        self.answer(Some(Account::new(UserId::new(subject)?)))
    }

    async fn build_claims(&self, account: &Account, _: &Context) -> Result<Claims, ResolverError> {
        let subject = match self.mood() {
            Mood::MixesUsersUp => UserId::new("mallory")?,
            _ => account.id().clone(),
        };
        let Value::Object(id_token) = json!({
            "tenant": 7, "email": "alice@example.test",
            "iss": "https://evil.example", "aud": "evil", "exp": 9_999_999_999_i64, "nonce": "evil",
            "auth_time": 1, "at_hash": "evil", "sid": "evil", "azp": "evil", "acr": "evil",
        }) else {
            panic!()
        };
        let Value::Object(userinfo) = json!({
            "sub": "mallory", "name": "Alice", "email": "alice@example.test",
            "email_verified": true, "address": { "country": "NL" }, "phone_number": "+31",
            "birthdate": null, "tenant": 7,
        }) else {
            panic!()
        };
        self.answer(Claims { subject, id_token, userinfo })
    }

    async fn redirect_for_login(&self, _: &Parts, _: &Context) -> Result<String, ResolverError> {
        Ok("/login".into())
    }
}

/// A server over a database of its own.
#[derive(Clone)]
pub struct World {
    pub server: AuthorizationServer,
    pub store: SqlStore,
    pub clock: Arc<ManualClock>,
    pub host: Arc<Host>,
}

/// Runs a test on every database there is.
pub async fn each_world(test: impl AsyncFn(World)) {
    for database in databases().await {
        eprintln!("on {}", database.name);
        let world = World::new(database.store().await).await;
        test(world).await;
    }
}

/// One for all, so that servers over the same store can read each other's keys.
pub fn keyring() -> Keyring {
    static KEYRING: OnceLock<Keyring> = OnceLock::new();
    KEYRING.get_or_init(|| Keyring::ephemeral(&SystemRandom)).clone()
}

/// The key of the client `jwt`.
pub fn client_key() -> SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::ES256).unwrap()).clone()
}

pub fn metadata(id: &str, method: AuthMethod) -> ClientMetadata {
    let mut metadata = ClientMetadata::new(id);
    metadata.redirect_uris = vec![CALLBACK.into()];
    metadata.scope = Some("openid profile email offline_access api:read api:write".into());
    metadata.token_endpoint_auth_method = Some(method);
    if matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost) {
        metadata.client_secret = Some(Redacted(SECRET.into()));
    }
    metadata
}

fn clients() -> Vec<Client> {
    let mut machine = metadata("machine", AuthMethod::ClientSecretBasic);
    machine.grant_types = Some(vec![GrantType::ClientCredentials]);
    let mut jwt = metadata("jwt", AuthMethod::PrivateKeyJwt);
    jwt.jwks = Some(JwkSet::new([client_key().public_jwk().clone()]).unwrap());
    jwt.grant_types = Some(vec![
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
    ]);
    let mut ec = metadata("ec", AuthMethod::None);
    ec.id_token_signed_response_alg = Some(Algorithm::ES256);
    let mut once = metadata("once", AuthMethod::None);
    once.grant_types = Some(vec![GrantType::AuthorizationCode]);
    let mut clients = vec![machine, jwt, ec, once];
    clients.push(metadata("spa", AuthMethod::None));
    clients.push(metadata("other", AuthMethod::None));
    clients.push(metadata("web", AuthMethod::ClientSecretBasic));
    clients.push(metadata("post", AuthMethod::ClientSecretPost));
    // Whose secrets people made up.
    for (id, method) in
        [("weak", AuthMethod::ClientSecretBasic), ("weak-post", AuthMethod::ClientSecretPost)]
    {
        let mut weak = metadata(id, method);
        weak.client_secret = Some(Redacted(WEAK_SECRET.into()));
        clients.push(weak);
    }
    // An API that asks about the tokens it is sent.
    clients.push(metadata(API, AuthMethod::ClientSecretBasic));
    clients.into_iter().map(|metadata| Client::new(metadata).unwrap()).collect()
}

impl World {
    pub async fn new(store: SqlStore) -> Self {
        let (clock, host) = (Arc::new(ManualClock::default()), Arc::new(Host::default()));
        let server = serve(&store, &clock, &host).await;
        Self { server, store, clock, host }
    }

    /// Another process over the same store.
    pub async fn another_node(&self) -> Self {
        Self { server: serve(&self.store, &self.clock, &self.host).await, ..self.clone() }
    }

    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Time goes by; the server keeps up.
    pub async fn wait(&self, time: Duration) {
        self.clock.advance(time);
        self.server.catch_up().await;
    }

    /// A grant of alice's to a client.
    pub fn grant(&self, client: &str, scope: &str) -> Grant {
        Grant {
            id: SystemRandom.uuid_v7(self.now()),
            client_id: client.into(),
            subject: UserId::new("alice").unwrap(),
            scopes: scope.split(' ').map(str::to_owned).collect(),
            resources: Vec::new(),
            authentication: Authentication {
                ends_at: None,
                at: self.now() - Duration::MINUTE,
                methods: vec![Method::PASSWORD],
                context_class: Some("urn:example:gold".into()),
                session_id: SessionId(SystemRandom.uuid_v7(self.now())),
                login_path: None,
                fresh_until: None,
            },
            offline: scope.split(' ').any(|scope| scope == "offline_access"),
            nonce: Some("n-0S6_WzA2Mj".into()),
            auth_time_requested: false,
        }
    }

    /// A code for a grant, as the authorization endpoint would issue it.
    pub async fn code_for(&self, grant: Grant, challenge: Option<&str>) -> String {
        let code = SystemRandom.token();
        let new = NewCode {
            code: code.hash(),
            interaction_id: SystemRandom.token().expose(),
            grant,
            redirect_uri: CALLBACK.into(),
            code_challenge: challenge.map(str::to_owned),
            created_at: self.now(),
            expires_at: self.now() + Duration::MINUTE,
            interaction_expires_at: self.now() + Duration::HOUR,
            consent: None,
        };
        let issue = self.store.issue_code(&IssuerId::new(ISSUER), &new).await.unwrap();
        assert_eq!(issue, CodeIssue::Issued);
        code.expose()
    }

    pub async fn code(&self, client: &str, scope: &str) -> String {
        self.code_for(self.grant(client, scope), Some(CHALLENGE)).await
    }

    /// Logs alice in and answers her session's id.
    pub async fn session(&self) -> SessionId {
        let id = SessionId(SystemRandom.uuid_v7(self.now()));
        let authentication = Authentication {
            ends_at: None,
            at: self.now(),
            methods: vec![],
            context_class: None,
            session_id: id,
            login_path: None,
            fresh_until: None,
        };
        let account = Account::new(UserId::new("alice").unwrap());
        let session = NewSession {
            along: Effects::none(),
            token: SystemRandom.token().hash(),
            id,
            login: Some(Login::new(account, authentication)),
            data_id: SystemRandom.uuid_v7(self.now()),
            device: Device::default(),
            remembered: false,
            created_at: self.now(),
            last_active_at: self.now(),
            idle_expires_at: None,
            expires_at: self.now() + Duration::DAY,
            beside: None,
        };
        self.store.create_session(&session).await.unwrap();
        id
    }

    pub async fn end_session(&self, id: SessionId, end: SessionEnd) {
        let alice = UserId::new("alice").unwrap();
        assert!(self.store.end_session(&alice, id, end, self.now()).await.unwrap());
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let Ok(response) = self.server.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body, json }
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Full::default()).unwrap()).await
    }

    /// Posts a form, with the header that authenticates the client.
    pub async fn post(&self, path: &str, basic: Option<&str>, fields: &[(&str, &str)]) -> Answer {
        let mut request =
            Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(client) = basic {
            request = request.header(AUTHORIZATION, self::basic(client, SECRET));
        }
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.send(request.body(Full::from(body)).unwrap()).await
    }

    /// Exchanges a code as the client it belongs to would.
    pub async fn exchange(&self, client: &str, code: &str) -> Answer {
        self.exchange_with(client, code, &[]).await
    }

    /// The same, with other fields in place of the right ones; an empty one is left out.
    pub async fn exchange_with(&self, client: &str, code: &str, other: &[(&str, &str)]) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post(TOKEN, None, &replaced(&fields, other)).await
    }

    pub async fn refresh(&self, client: &str, token: &str) -> Answer {
        self.refresh_with(client, token, &[]).await
    }

    pub async fn refresh_with(&self, client: &str, token: &str, other: &[(&str, &str)]) -> Answer {
        let fields =
            [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        self.post(TOKEN, None, &replaced(&fields, other)).await
    }

    /// Tokens of alice's for a client.
    pub async fn tokens(&self, client: &str, scope: &str) -> Tokens {
        let answer = self.exchange(client, &self.code(client, scope).await).await;
        answer.tokens()
    }
}

fn replaced<'a>(
    fields: &[(&'a str, &'a str)],
    other: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| !other.iter().any(|(other, _)| other == name));
    kept.chain(other).filter(|(_, value)| !value.is_empty()).copied().collect()
}

async fn serve(
    store: &SqlStore,
    clock: &Arc<ManualClock>,
    host: &Arc<Host>,
) -> AuthorizationServer {
    AuthorizationServer::builder(ISSUER)
        .resolver(Arc::clone(host) as Arc<dyn AccountResolver>)
        .store(store)
        .keyring(keyring())
        .clients(clients())
        .scopes(["api:read", "api:write"])
        .clock(Arc::clone(clock) as Arc<_>)
        .build()
        .await
        .unwrap()
}

/// RFC 6749, section 2.3.1: both are form-encoded before they are joined.
pub fn basic(client: &str, secret: &str) -> String {
    let encode =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(client), encode(secret))))
}

/// An assertion of the client `jwt`, changed.
pub fn assertion(world: &World, jti: &str, change: impl FnOnce(&mut Value)) -> String {
    let now = world.now().unix_timestamp();
    let mut claims = json!({
        "iss": "jwt", "sub": "jwt", "aud": ISSUER, "jti": jti, "iat": now, "exp": now + 60,
    });
    change(&mut claims);
    sign_jwt(&client_key(), Typ::JWT, &claims).unwrap()
}

pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub json: Value,
}

#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub id: Option<String>,
}

impl Tokens {
    pub fn refresh(&self) -> &str {
        self.refresh.as_deref().unwrap()
    }
}

impl Answer {
    pub fn tokens(&self) -> Tokens {
        assert_eq!(self.status, StatusCode::OK, "{}", self.json);
        let text = |name: &str| self.json[name].as_str().map(str::to_owned);
        Tokens {
            access: text("access_token").unwrap(),
            refresh: text("refresh_token"),
            id: text("id_token"),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is an error of RFC 6749, section 5.2, with this status and code.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str) {
        let seen = (self.status.as_u16(), self.json["error"].as_str().unwrap_or_default());
        assert_eq!(seen, (status, code), "{}", self.json);
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.json.as_object().unwrap().len(), 2, "{}", self.json);
        if code == "invalid_client" {
            assert!(self.header("www-authenticate").starts_with("Basic realm="));
        }
    }
}

/// The claims of a token, not verified.
pub fn peek(token: &str) -> Value {
    part(token, 1)
}

/// One part of a token.
pub fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
