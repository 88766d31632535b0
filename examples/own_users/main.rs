//! Users in a table of the application's own: what session and provider need of it.
//! `cargo run --example own_users`, then log in at <http://127.0.0.1:3000/login> as
//! `ada@example.test` with `correct horse battery staple`.

#[cfg(test)]
mod tests;

use std::{collections::HashMap, error::Error, sync::Arc};

use axum::extract::{Form, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Router, http::StatusCode, routing::get};
use donjon::account::password::{HashCost, PasswordPool, PoolSize, Verdict};
use donjon::crypto::{Keyring, Redacted, SystemRandom};
use donjon::provider::{AuthorizationServer, Client, ScopeResolver};
use donjon::scope::{Account, CurrentScope, Method, UserId, UserSource, UserSourceError};
use donjon::session::{Proof, Session, SessionLayer, Sessions};
use donjon::{http::ReturnTo, store::SqlStore};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tower_http::csrf::CsrfLayer;

const URL: &str = "http://127.0.0.1:3000";
const LOGIN: &str = "<form method=post><input name=email> <input name=password type=password> \
                     <button>Log in</button></form>";
const TALLY: &str = r#"{"client_id": "tally", "redirect_uris": ["http://127.0.0.1:3001/callback"],
    "token_endpoint_auth_method": "none", "scope": "openid profile"}"#;

#[derive(Clone)]
struct Users(SqlitePool, PasswordPool);
type Host = State<(Users, Sessions)>;
type Fields = HashMap<String, String>;

/// All that the session, and through it the provider, has to know of the table.
#[async_trait::async_trait]
impl UserSource for Users {
    async fn load_user(&self, id: &UserId) -> Result<Option<Account>, UserSourceError> {
        let user = sqlx::query_as("SELECT email, name FROM users WHERE id = ? AND NOT disabled");
        let user: Option<(String, String)> = user.bind(id.as_str()).fetch_optional(&self.0).await?;
        Ok(user.map(|(email, name)| {
            let attributes = [("name".to_owned(), name.into())].into_iter().collect();
            Account::new(id.clone()).with_email(email, true).with_attributes(attributes)
        }))
    }
}

/// It takes as long where there is nobody. In earnest, count the wrong ones, too.
async fn log_in(
    State((Users(table, passwords), _)): Host,
    Extension(session): Extension<Session>,
    Query(query): Query<Fields>,
    Form(mut form): Form<Fields>,
) -> Result<Response, StatusCode> {
    let user = sqlx::query_as("SELECT id, password FROM users WHERE email = ? AND NOT disabled");
    let user = user.bind(form.remove("email")).fetch_optional(&table).await.map_err(fault)?;
    let (id, hash): (Option<String>, Option<String>) = user.unzip();
    let password = Redacted(form.remove("password").unwrap_or_default());
    let verdict = passwords.verify(password, hash.map(Redacted)).await.map_err(fault)?;
    let (Some(id), Verdict::Right { .. }) = (id, verdict) else {
        return Ok((StatusCode::FORBIDDEN, Html(LOGIN)).into_response());
    };
    let account = Account::new(UserId::new(id).map_err(fault)?);
    session.log_in(account, Proof::by([Method::PASSWORD])).await.map_err(fault)?;
    let return_to = query.get("return_to").and_then(|path| ReturnTo::parse(path));
    Ok(Redirect::to(return_to.unwrap_or_else(ReturnTo::root).as_str()).into_response())
}

async fn rename(
    State((Users(table, _), sessions)): Host,
    Extension(scope): Extension<CurrentScope>,
    Form(form): Form<Fields>,
) -> Result<Redirect, StatusCode> {
    let user = scope.account().ok_or(StatusCode::UNAUTHORIZED)?.id();
    let change = sqlx::query("UPDATE users SET name = ? WHERE id = ?").bind(form.get("name"));
    change.bind(user.as_str()).execute(&table).await.map_err(fault)?;
    sessions.user_changed(user).await.map_err(fault)?; // on whichever device they are logged in
    Ok(Redirect::to("/"))
}

async fn home(Extension(scope): Extension<CurrentScope>) -> String {
    let name = scope.account().and_then(|account| account.attributes().get("name")?.as_str());
    format!("Hello, {}", name.unwrap_or("stranger"))
}

fn fault(error: impl Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::SERVICE_UNAVAILABLE
}

async fn app() -> Result<(Router, Users, Sessions), Box<dyn Error>> {
    let table = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
    sqlx::query("CREATE TABLE users (id, email, name, password, disabled)").execute(&table).await?;
    let random = Arc::new(SystemRandom);
    let passwords = PasswordPool::new(HashCost::default(), PoolSize::default(), random)?;
    let hash = passwords.hash(Redacted("correct horse battery staple".into())).await?;
    let ada = "INSERT INTO users VALUES ('7', 'ada@example.test', 'Ada', ?, FALSE)";
    sqlx::query(ada).bind(hash.0).execute(&table).await?;
    let users = Users(table, passwords);

    let store = SqlStore::connect("sqlite::memory:").await?;
    let keyring = Keyring::ephemeral(&SystemRandom); // in earnest: Keyring::from_env()?
    let source: Arc<dyn UserSource> = Arc::new(users.clone());
    let layer = SessionLayer::new(&store, &keyring).base_url(URL)?.user_source(source.clone());
    let sessions = layer.sessions();
    let provider = AuthorizationServer::builder(URL).store(&store).keyring(keyring);
    let provider = provider.clients([Client::new(serde_json::from_str(TALLY)?)?]);
    let provider = provider.resolver(Arc::new(ScopeResolver::new(source, "/login"))).build();
    let app = Router::new()
        .route("/", get(home).post(rename))
        .route("/login", get(Html(LOGIN)).post(log_in))
        .layer(CsrfLayer::new())
        .with_state((users.clone(), sessions.clone()));
    Ok((app.layer(provider.await?).layer(layer), users, sessions))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (app, ..) = app().await?;
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
}
