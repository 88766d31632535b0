//! An application that does with its session what the path says.

use std::convert::Infallible;
use std::sync::Arc;

use donjon::crypto::{Clock as _, Keyring, SystemRandom};
use donjon::http::{Body, PeerAddr};
use donjon::scope::{Account, Actor, CurrentScope, Method, SessionId, UserId};
use donjon::session::{Proof, Session, SessionLayer};
use donjon::store::SqlStore;
use donjon::testing::ManualClock;
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response, StatusCode};
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _};

use crate::support::database::Database;

/// An application with a session layer, in front of handlers that do what the path says.
pub struct App {
    pub service: BoxCloneSyncService<Request<Body>, Response<String>, Infallible>,
    pub store: SqlStore,
    pub clock: Arc<ManualClock>,
    pub keyring: Keyring,
}

impl App {
    pub async fn new(database: &Database) -> Self {
        let (store, clock) = (database.store().await, Arc::new(ManualClock::default()));
        let keyring = Keyring::ephemeral(&SystemRandom);
        Self::over(store, clock, keyring)
    }

    pub fn over(store: SqlStore, clock: Arc<ManualClock>, keyring: Keyring) -> Self {
        Self::serving(store, clock, keyring, handle)
    }

    /// The same sessions, in front of another handler.
    pub fn beside<H, F>(&self, handler: H) -> Self
    where
        H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        Self::serving(self.store.clone(), self.clock.clone(), self.keyring.clone(), handler)
    }

    /// The same over the same store, by another layer.
    pub fn with(&self, change: impl FnOnce(SessionLayer) -> SessionLayer) -> Self {
        let (store, clock, keyring) =
            (self.store.clone(), self.clock.clone(), self.keyring.clone());
        let layer = SessionLayer::new(&store, &keyring).clock(clock.clone());
        Self::layered(change(layer), handle, store, clock, keyring)
    }

    fn serving<H, F>(store: SqlStore, clock: Arc<ManualClock>, keyring: Keyring, handler: H) -> Self
    where
        H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        let layer = SessionLayer::new(&store, &keyring).clock(clock.clone());
        Self::layered(layer, handler, store, clock, keyring)
    }

    pub fn layered<H, F>(
        layer: SessionLayer,
        handler: H,
        store: SqlStore,
        clock: Arc<ManualClock>,
        keyring: Keyring,
    ) -> Self
    where
        H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        let layer = layer.base_url("http://127.0.0.1:3000").unwrap().without_sweeper();
        let service = layer.layer(tower::service_fn(handler)).and_then(async |response| {
            let (parts, body) = Response::into_parts(response);
            let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
            Ok(Response::from_parts(parts, String::from_utf8(bytes.to_vec()).unwrap()))
        });
        Self { service: BoxCloneSyncService::new(service), store, clock, keyring }
    }

    /// What a script or a program gets.
    pub async fn get(&self, path: &str, cookie: &str) -> Response<String> {
        self.ask(Request::get(path), cookie).await
    }

    /// What a browser gets that goes to a page.
    pub async fn page(&self, path: &str, cookie: &str) -> Response<String> {
        self.ask(Request::get(path).header("accept", "text/html"), cookie).await
    }

    /// The same for a cookie header that is no text.
    pub async fn get_raw(&self, path: &str, cookie: &[u8]) -> Response<String> {
        self.ask(Request::get(path), cookie).await
    }

    async fn ask(
        &self,
        request: http::request::Builder,
        cookie: impl AsRef<[u8]>,
    ) -> Response<String> {
        let cookie = cookie.as_ref();
        let mut request = request.header("user-agent", "Browser/1");
        if !cookie.is_empty() {
            request = request.header(COOKIE, cookie);
        }
        let peer = PeerAddr([192, 0, 2, 7].into());
        let request = request.extension(peer).body(Body::empty()).unwrap();
        self.service.clone().oneshot(request).await.unwrap()
    }

    /// The cookie of a fresh login.
    pub async fn login(&self, user: &str) -> String {
        cookie(&self.get(&format!("/login/{user}"), "").await)
    }

    pub async fn who(&self, cookie: &str) -> String {
        self.get("/who", cookie).await.into_body()
    }
}

pub fn now(app: &App) -> time::OffsetDateTime {
    app.clock.now()
}

/// What a browser would send back.
pub fn cookie(response: &Response<String>) -> String {
    let set = response.headers()[SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

pub async fn handle(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let session = request.extensions().get::<Session>().unwrap().clone();
    let data = request.extensions().get::<tower_sessions::Session>().unwrap().clone();
    let mut steps = path.trim_start_matches('/').split('/');
    let answer = match (steps.next().unwrap(), steps.next()) {
        ("who", _) => {
            let scope = request.extensions().get::<CurrentScope>().unwrap();
            scope.account().map_or("nobody".into(), |account| account.id().to_string())
        }
        ("login" | "remember", Some(user)) => {
            let proof = Proof::by([Method::PASSWORD]).remembered(path.starts_with("/remember"));
            let account = Account::new(UserId::new(user).unwrap());
            let scope = session.log_in(account, proof).await.unwrap();
            scope.account().unwrap().id().to_string()
        }
        ("impersonate", Some(user)) => {
            let root = UserId::new("root").unwrap();
            let proof = Proof::by([Method::PASSWORD]).impersonated_by(root).remembered(true);
            let account = Account::new(UserId::new(user).unwrap());
            session.log_in(account, proof).await.unwrap();
            "as ".to_owned() + user
        }
        ("actor", _) => {
            let scope = request.extensions().get::<CurrentScope>().unwrap();
            match scope.actor() {
                Actor::Impersonator(id) => id.to_string(),
                other => format!("{other:?}"),
            }
        }
        ("login-and-fail", Some(user)) => {
            let account = Account::new(UserId::new(user).unwrap());
            session.log_in(account, Proof::by([Method::PASSWORD])).await.unwrap();
            let mut response = Response::new(Body::from("oh"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(response);
        }
        ("logout", _) => session.log_out().await.map_or_else(|e| e.to_string(), |()| "out".into()),
        ("rotate", _) => session.rotate().await.map_or_else(|e| e.to_string(), |()| "new".into()),
        ("fresh", _) => {
            let marked = session.mark_fresh().await;
            marked.map_or_else(|e| e.to_string(), |_| "fresh".into())
        }
        ("sid", _) => session.id().map_or_else(String::new, |id| id.to_string()),
        ("revoke", Some(id)) => {
            let revoked = session.revoke(SessionId(id.parse().unwrap())).await;
            revoked.map_or_else(|e| e.to_string(), |ended| ended.to_string())
        }
        ("revoke-others", _) => {
            let ended = session.revoke_others().await;
            ended.map_or_else(|e| e.to_string(), |ended| ended.to_string())
        }
        ("revoke-all", _) => session.revoke_all().await.unwrap().to_string(),
        ("sessions", _) => match session.sessions().await {
            Err(error) => error.to_string(),
            Ok(list) => list
                .iter()
                .map(|s| format!("{} {:?};", s.device.address.unwrap(), s.device.user_agent))
                .collect(),
        },
        ("put", Some(value)) => {
            data.insert("key", value).await.unwrap();
            "put".into()
        }
        ("clear", _) => {
            data.clear().await;
            "cleared".into()
        }
        ("flush", _) => data.flush().await.map_or_else(|e| e.to_string(), |()| "flushed".into()),
        ("cycle", _) => data.cycle_id().await.map_or_else(|e| e.to_string(), |()| "cycled".into()),
        ("put-and-fail", Some(value)) => {
            data.insert("key", value).await.unwrap();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(response);
        }
        ("switch", Some(user)) => {
            let before: Option<String> = data.get("key").await.unwrap();
            let account = Account::new(UserId::new(user).unwrap());
            session.log_in(account, Proof::by([Method::PASSWORD])).await.unwrap();
            let after: Option<String> = data.get("key").await.unwrap();
            data.insert("flash", "welcome").await.unwrap();
            format!("{before:?} {after:?}")
        }
        ("logout-and-put", Some(value)) => {
            session.log_out().await.unwrap();
            data.insert("flash", value).await.unwrap();
            "out".into()
        }
        ("flash", _) => data.get::<String>("flash").await.unwrap().unwrap_or_default(),
        ("data", _) => data.get::<String>("key").await.unwrap().unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    Ok(Response::new(Body::from(answer)))
}
