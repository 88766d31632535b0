//! Users, sessions and a page for those who are logged in, in an axum application.
//!
//! `cargo run --example axum_minimal`, then register at <http://127.0.0.1:3000/register>; mails
//! wait at <http://127.0.0.1:3000/mails>.

use axum::routing::get;
use axum::{Extension, Router};
use donjon::account::AccountLayer;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::delivery::{Mailbox, Worker};
use donjon::scope::CurrentScope;
use donjon::session::{RequireUserLayer, SessionLayer};
use donjon::store::SqlStore;
use tower::BoxError;

const URL: &str = "http://127.0.0.1:3000";

async fn secret(Extension(scope): Extension<CurrentScope>) -> String {
    let email = scope.account().and_then(|account| account.email());
    format!("Only you may see this, {}", email.unwrap_or("whoever you are"))
}

async fn app() -> Result<Router, BoxError> {
    let store = SqlStore::connect("sqlite::memory:").await?;
    let keyring = Keyring::ephemeral(&SystemRandom); // in earnest: Keyring::from_env()?
    let sessions = SessionLayer::new(store.clone(), &keyring).base_url(URL)?;
    let accounts = AccountLayer::builder(&store, &keyring, URL).build()?;

    let mailbox = Mailbox::default(); // in earnest: your own Mailer, and no such route
    let worker = Worker::new(&store, &keyring, mailbox.clone());
    let mails = async move || {
        worker.run_once().await;
        let texts = mailbox.messages().into_iter().map(|message| message.text);
        texts.collect::<Vec<_>>().join("\n\n")
    };

    Ok(Router::new()
        .route("/secret", get(secret))
        .route_layer(RequireUserLayer::default())
        .route("/", get("Have a look at /register, /login and /secret"))
        .route("/mails", get(mails))
        .layer(accounts)
        .layer(sessions))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on {URL}");
    Ok(axum::serve(listener, app().await?).await?)
}

#[tokio::test]
async fn secrets_are_for_users() -> Result<(), BoxError> {
    use axum::body::Body;
    use axum::http::{Request, header::ACCEPT, header::LOCATION};
    use tower::ServiceExt as _;

    let request = Request::get("/secret").header(ACCEPT, "text/html").body(Body::empty())?;
    let response = app().await?.oneshot(request).await?;
    assert_eq!(response.headers()[LOCATION], "/login?return_to=%2Fsecret");
    Ok(())
}
