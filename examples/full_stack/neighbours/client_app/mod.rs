//! "Tally", a web application of a third party: an OpenID Connect client (authorization code flow
//! with PKCE, confidential, no library for it) that then calls the host's API.

mod id_token;
mod login;
mod oidc;
mod pages;
mod webhooks;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use self::login::{Callback, LoggedIn, LoginError, PendingLogin};
use self::oidc::Provider;
pub(crate) use self::webhooks::Inbox;
use super::http::cookie;
use super::random;
use super::tls::Identity;

/// Where it listens: `http://127.0.0.1:3001`.
pub(crate) const PORT: u16 = 3001;
/// Where the host's server posts what happens.
pub(crate) const WEBHOOKS: &str = "https://localhost:3444/webhooks";
const TLS_PORT: u16 = 3444;
/// What it registered at the host.
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:3001/callback";

const LOGIN_COOKIE: &str = "tally_login";
const SESSION_COOKIE: &str = "tally_session";
/// A demo forgets everybody rather than grow without end.
const MOST_SESSIONS: usize = 1_000;

/// What the host's operator and the application's developer agreed on.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

struct App {
    inbox: Inbox,
    provider: Provider,
    sessions: Mutex<HashMap<String, LoggedIn>>,
}

/// Starts the application. What comes by webhook is believed once its inbox knows the secret.
pub(crate) async fn start(registration: Registration, identity: &Identity) -> io::Result<Inbox> {
    let inbox = Inbox::default();
    let provider = Provider::new(registration);
    let app = App { inbox: inbox.clone(), provider, sessions: Mutex::default() };
    let router = Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/callback", get(callback))
        .route("/logout", post(logout))
        .route("/events", get(events))
        .with_state(Arc::new(app));
    identity.serve(TLS_PORT, inbox.routes()).await?;
    super::serve(PORT, router).await?;
    Ok(inbox)
}

/// What the host has told by webhook.
async fn events(State(app): State<Arc<App>>) -> Response {
    app.inbox.page()
}

/// Who is logged in, what the provider told about them, and what the API answers for them.
async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match app.session(&headers) {
        None => pages::welcome(),
        Some(user) => {
            let answer = app.provider.call_api(&user).await;
            pages::dashboard(&user, &answer)
        }
    }
}

/// Sends the browser to the provider. What must come back with it waits in a cookie.
async fn login(State(app): State<Arc<App>>) -> Response {
    match app.provider.begin_login().await {
        Ok((url, pending)) => {
            let cookie =
                format!("{LOGIN_COOKIE}={pending}; HttpOnly; SameSite=Lax; Path=/; Max-Age=600");
            redirect(&url, &[cookie])
        }
        Err(error) => pages::failed(&error),
    }
}

/// The browser is back from the provider, with a code or with an error.
async fn callback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(callback): Query<Callback>,
) -> Response {
    let pending = cookie(&headers, LOGIN_COOKIE).and_then(PendingLogin::parse);
    let result = match pending {
        Some(pending) => app.provider.finish_login(&pending, callback).await,
        None => Err(LoginError::NothingPending),
    };
    match result {
        Ok(user) => {
            let session = format!("{SESSION_COOKIE}={}", app.open_session(user));
            let session = format!("{session}; HttpOnly; SameSite=Lax; Path=/");
            redirect("/", &[session, forget(LOGIN_COOKIE)])
        }
        Err(error) => pages::failed(&error),
    }
}

/// Ends the session here; the one at the provider is the provider's.
async fn logout(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Some(id) = cookie(&headers, SESSION_COOKIE) {
        app.lock().remove(id);
    }
    redirect("/", &[forget(SESSION_COOKIE)])
}

impl App {
    fn session(&self, headers: &HeaderMap) -> Option<LoggedIn> {
        self.lock().get(cookie(headers, SESSION_COOKIE)?).cloned()
    }

    fn open_session(&self, user: LoggedIn) -> String {
        let id = random::token();
        let mut sessions = self.lock();
        if sessions.len() >= MOST_SESSIONS {
            sessions.clear();
        }
        sessions.insert(id.clone(), user);
        id
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, LoggedIn>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(cookie: &str) -> String {
    format!("{cookie}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0")
}

fn redirect(location: &str, cookies: &[String]) -> Response {
    let cookies = cookies.iter().map(|cookie| (SET_COOKIE, cookie.as_str()));
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    for (name, value) in cookies {
        if let Ok(value) = value.parse() {
            response.headers_mut().append(name, value);
        }
    }
    response
}
