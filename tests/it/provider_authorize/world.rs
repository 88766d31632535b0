//! A server, a host in the hand, and browsers with cookies.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use donjon::crypto::{Clock as _, Keyring, OpaqueToken, Redacted, SystemRandom};
use donjon::http::PeerAddr;
use donjon::provider::{
    AccountResolver, AuthMethod, AuthorizationServer, AuthorizationServerBuilder, Client,
    ClientMetadata, ResolverError,
};
use donjon::scope::{
    Account, Authentication, Claims, Context, CurrentAccount, CurrentScope, Method, SessionId,
    UserId,
};
use donjon::store::{IssuerId, ProviderStore, SqlStore, StoredCode};
use donjon::testing::ManualClock;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use time::Duration;
use tower::ServiceExt as _;
use url::Url;
use uuid::Uuid;

use crate::support::database::databases;

pub const ISSUER: &str = "https://op.example";
pub const CALLBACK: &str = "https://client.example/cb?keep=me";
/// RFC 7636, appendix B.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// How the host behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mood {
    #[default]
    Well,
    /// Every question fails.
    Fails,
    /// Every question panics.
    Panics,
    /// Claims are about somebody else.
    MixesUsersUp,
    /// The login page is said to be elsewhere.
    NamesAnotherHost,
}

/// A host that reads what the session layer left in the request.
#[derive(Debug, Default)]
pub struct Host {
    mood: Mutex<Mood>,
    /// What it was told when it was asked where to log in.
    pub asked: Mutex<Vec<Context>>,
}

impl Host {
    /// Puts the host into a mood.
    pub fn feel(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
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
        request: &Parts,
        _: &Context,
    ) -> Result<Option<CurrentAccount>, ResolverError> {
        let scope = request.extensions.get::<CurrentScope>();
        self.answer(scope.and_then(CurrentScope::current_account))
    }

    async fn resolve_account(
        &self,
        subject: &str,
        _: &Context,
    ) -> Result<Option<Account>, ResolverError> {
        self.answer(Some(Account::new(UserId::new(subject)?)))
    }

    async fn build_claims(&self, account: &Account, _: &Context) -> Result<Claims, ResolverError> {
        let subject = match self.mood() {
            Mood::MixesUsersUp => UserId::new("somebody-else")?,
            _ => account.id().clone(),
        };
        let none = serde_json::Map::new();
        self.answer(Claims { subject, id_token: none.clone(), userinfo: none })
    }

    async fn redirect_for_login(
        &self,
        _: &Parts,
        context: &Context,
    ) -> Result<String, ResolverError> {
        self.asked.lock().unwrap().push(context.clone());
        let elsewhere = self.mood() == Mood::NamesAnotherHost;
        self.answer(
            if elsewhere { "https://evil.example/login" } else { "/login?skin=blue" }.into(),
        )
    }
}

/// A server over a database of its own.
pub struct World {
    pub server: AuthorizationServer,
    pub store: SqlStore,
    pub clock: Arc<ManualClock>,
    pub host: Arc<Host>,
}

/// One for all, so that servers over the same store can read each other's keys.
fn keyring() -> Keyring {
    static KEYRING: OnceLock<Keyring> = OnceLock::new();
    KEYRING.get_or_init(|| Keyring::ephemeral(&SystemRandom)).clone()
}

/// Runs a test on every database there is.
pub async fn each_world(test: impl AsyncFn(World)) {
    each_world_with(|builder| builder, test).await;
}

/// The same with a server built differently.
pub async fn each_world_with(
    build: impl Fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    test: impl AsyncFn(World),
) {
    for database in databases().await {
        eprintln!("on {}", database.name);
        let store = database.store().await;
        test(World::new(store, clients(), &build).await).await;
    }
}

impl World {
    pub async fn new(
        store: SqlStore,
        clients: Vec<Client>,
        build: impl Fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let (clock, host) = (Arc::new(ManualClock::default()), Arc::new(Host::default()));
        let builder = AuthorizationServer::builder(ISSUER)
            .resolver(Arc::clone(&host) as Arc<dyn AccountResolver>)
            .store(&store)
            .keyring(keyring())
            .clients(clients)
            .scopes(["api:read", "admin"])
            .clock(Arc::clone(&clock) as Arc<_>);
        let server = build(builder).build().await.unwrap();
        Self { server, store, clock, host }
    }

    pub fn browser(&self) -> Browser {
        Browser {
            server: self.server.clone(),
            cookies: BTreeMap::new(),
            scope: CurrentScope::anonymous(),
            peer: None,
        }
    }

    /// A browser in which this user has just logged in.
    pub fn browser_of(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        self.log_in(&mut browser, user);
        browser
    }

    /// Logs a user in, a second from now.
    pub fn log_in(&self, browser: &mut Browser, user: &str) {
        self.clock.advance(Duration::SECOND);
        let account = Account::new(UserId::new(user).unwrap())
            .with_email(format!("{user}@example.test"), true);
        let authentication = Authentication {
            ends_at: None,
            at: self.clock.now(),
            methods: vec![Method::PASSWORD],
            context_class: Some("urn:example:gold".into()),
            session_id: SessionId(Uuid::from_u128(42)),
            login_path: None,
            fresh_until: None,
        };
        browser.scope = CurrentScope::user(account, authentication);
    }

    /// What a code stands for.
    pub async fn code(&self, code: &str) -> Option<StoredCode> {
        let store: Arc<dyn ProviderStore> = (&self.store).into();
        let hash = OpaqueToken::parse(code).unwrap().hash();
        store.load_code(&IssuerId::new(ISSUER), &hash).await.unwrap()
    }
}

/// What the clients are: a public one, and a confidential one without PKCE.
pub fn clients() -> Vec<Client> {
    vec![
        client("spa", |_| {}),
        client("web", |client| {
            client.token_endpoint_auth_method = Some(AuthMethod::ClientSecretBasic);
            client.client_secret = Some(Redacted("a secret of some length".into()));
            client.require_pkce = Some(false);
        }),
    ]
}

pub fn client(id: &str, change: impl FnOnce(&mut ClientMetadata)) -> Client {
    let mut metadata = ClientMetadata::new(id);
    metadata.client_name = Some(format!("The {id} <client>"));
    metadata.redirect_uris = vec![CALLBACK.into(), "http://127.0.0.1/native".into()];
    metadata.token_endpoint_auth_method = Some(AuthMethod::None);
    metadata.scope = Some("openid email profile api:read offline_access".into());
    change(&mut metadata);
    Client::new(metadata).unwrap()
}

/// A good request, with these fields in place of its own; an empty value leaves one out.
pub fn request(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut request = vec![
        ("client_id".to_owned(), "spa".to_owned()),
        ("redirect_uri".to_owned(), CALLBACK.to_owned()),
        ("response_type".to_owned(), "code".to_owned()),
        ("scope".to_owned(), "openid email".to_owned()),
        ("state".to_owned(), "the state".to_owned()),
        ("code_challenge".to_owned(), CHALLENGE.to_owned()),
        ("code_challenge_method".to_owned(), "S256".to_owned()),
    ];
    for (name, value) in fields {
        match request.iter_mut().find(|(own, _)| own == name) {
            Some(field) => field.1 = (*value).to_owned(),
            None => request.push(((*name).to_owned(), (*value).to_owned())),
        }
    }
    request.retain(|(_, value)| !value.is_empty());
    request
}

pub fn encode(fields: &[(String, String)]) -> String {
    serde_urlencoded::to_string(fields).unwrap()
}

/// A browser: cookies, and who is logged in at the host.
#[derive(Clone)]
pub struct Browser {
    server: AuthorizationServer,
    pub cookies: BTreeMap<String, String>,
    pub scope: CurrentScope,
    /// Its address.
    pub peer: Option<IpAddr>,
}

impl Browser {
    /// From now on another process answers.
    pub fn served_by(&mut self, world: &World) {
        self.server = world.server.clone();
    }

    /// Sends an authorization request that differs from a good one in these fields.
    pub async fn authorize(&mut self, fields: &[(&str, &str)]) -> Answer {
        self.get(&format!("/oauth/authorize?{}", encode(&request(fields)))).await
    }

    /// The same, and on to the consent page.
    pub async fn authorize_to_consent(&mut self, fields: &[(&str, &str)]) -> Page {
        let answer = self.authorize(fields).await;
        let path = answer.interaction_path();
        self.consent_page(&path).await
    }

    /// Opens the consent page of an interaction.
    pub async fn consent_page(&mut self, path: &str) -> Page {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let mark = answer.body.split("name=\"shown_to\" value=\"").nth(1).unwrap();
        let shown_to = mark.split('"').next().unwrap().to_owned();
        Page { path: path.to_owned(), shown_to, answer }
    }

    /// Presses a button of a consent page.
    pub async fn press(&mut self, page: &Page, decision: &str) -> Answer {
        self.post(&page.path, &page.form(decision), ISSUER).await
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    /// Posts a form from a page of this origin.
    pub async fn post(&mut self, path: &str, form: &str, origin: &str) -> Answer {
        let request = Request::post(path)
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request, form.to_owned()).await
    }

    async fn send(&mut self, request: http::request::Builder, body: String) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header("host", "op.example").header("accept", "text/html");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let mut request = request.body(Full::new(Bytes::from(body))).unwrap();
        request.extensions_mut().insert(self.scope.clone());
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(PeerAddr(peer));
        }
        let Ok(response) = self.server.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap());
        }
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    fn keep(&mut self, cookie: &str) {
        for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        assert!(name.starts_with("__Host-donjon-interaction-"), "{cookie}");
        if cookie.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// A consent page.
pub struct Page {
    pub path: String,
    pub shown_to: String,
    pub answer: Answer,
}

impl Page {
    pub fn form(&self, decision: &str) -> String {
        format!("shown_to={}&decision={decision}", self.shown_to)
    }
}

/// A response, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        let location = self.headers.get("location").map(|value| value.to_str().unwrap());
        location.unwrap_or_else(|| panic!("no redirect but {}: {}", self.status, self.body))
    }

    /// Where the interaction goes on.
    pub fn interaction_path(&self) -> String {
        let location = self.location();
        assert!(location.starts_with("/oauth/interactions/"), "{location}");
        location.to_owned()
    }

    /// Where the host is told to send the user after the login.
    pub fn return_to(&self) -> String {
        let url = Url::parse("https://op.example").unwrap().join(self.location()).unwrap();
        assert!(url.path() == "/login", "{url}");
        let field = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1;
        assert_eq!(field("skin"), "blue");
        let return_to = field("return_to").into_owned();
        assert_eq!(return_to, format!("/oauth/interactions/{}", field("interaction_id")));
        return_to
    }

    /// The fields sent to the client, in a redirect to its own URI that keeps its query.
    pub fn at_client(&self) -> BTreeMap<String, String> {
        let location = self.location();
        let rest = location.strip_prefix(CALLBACK).and_then(|rest| rest.strip_prefix('&'));
        let fields = rest.unwrap_or_else(|| panic!("not at the client: {location}"));
        assert_eq!(self.status, StatusCode::SEE_OTHER);
        assert_eq!(self.headers["cache-control"], "no-store");
        let fields: Vec<(String, String)> = serde_urlencoded::from_str(fields).unwrap();
        let map: BTreeMap<String, String> = fields.iter().cloned().collect();
        assert_eq!(map.len(), fields.len(), "a field is repeated: {fields:?}");
        assert_eq!(map["iss"], ISSUER, "RFC 9207");
        map
    }

    /// The code sent to the client with nothing but `state` and `iss`.
    pub fn code(&self) -> String {
        let fields = self.at_client();
        assert_eq!(fields["state"], "the state");
        assert_eq!(fields.len(), 3, "{fields:?}");
        fields["code"].clone()
    }

    /// The error sent to the client.
    pub fn error(&self) -> String {
        let fields = self.at_client();
        assert!(!fields.contains_key("code") && !fields["error_description"].is_empty());
        fields["error"].clone()
    }

    /// The error shown on a page, without any redirect.
    pub fn page_error(&self) -> String {
        assert!(!self.headers.contains_key("location"), "{}", self.location());
        assert!(self.status.is_client_error() || self.status.is_server_error(), "{}", self.status);
        let text = |id: &str| {
            let inside = self.body.split(&format!("id=\"{id}\">")).nth(1);
            inside.unwrap_or_else(|| panic!("{}", self.body)).split('<').next().unwrap().to_owned()
        };
        assert!(text("error-description").len() > 10);
        text("error")
    }
}
