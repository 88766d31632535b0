//! Users, sessions and a page for those who are logged in, in an axum application.
//!
//! `cargo run --features axum --example axum_minimal`, then register at
//! <http://127.0.0.1:3000/register>; mails
//! wait at <http://127.0.0.1:3000/mails>.

use std::net::SocketAddr;

use axum::routing::get;
use axum::{Extension, Router};
use donjon::account::AccountLayer;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::delivery::{Mailbox, Worker};
use donjon::scope::CurrentScope;
use donjon::session::{RequireUserLayer, SessionLayer};
use donjon::store::SqlStore;
use tokio::net::TcpListener;
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
    println!("listening on {URL}");
    serve(TcpListener::bind("127.0.0.1:3000").await?).await
}

async fn serve(listener: TcpListener) -> Result<(), BoxError> {
    // Where requests come from: what strangers may try is limited by it.
    let app = app().await?.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
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

/// Asks for a link to log in, from an address of the loopback network.
#[cfg(test)]
async fn ask(server: SocketAddr, from: [u8; 4], about: u32) -> Result<String, BoxError> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(server).await?;
    let form = format!("email=user-{about}%40example.test");
    let request = format!(
        "POST /login/link HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nOrigin: {URL}\r\n\
         X-Forwarded-For: 198.51.100.{about}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// Whatever a stranger says of where they come from, they may ask for 60 mails in ten minutes;
/// somebody else may go on.
#[tokio::test]
async fn a_stranger_is_told_to_stop_and_nobody_else() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = listener.local_addr()?;
    tokio::spawn(serve(listener));
    let asked = (0..70).map(|about| ask(server, [127, 0, 0, 1], about));
    let answers = futures_util::future::try_join_all(asked).await?;
    let told = |status: &str| answers.iter().filter(|answer| answer.contains(status)).count();
    assert_eq!((told("200 OK"), told("429")), (60, 10), "{answers:?}");
    assert!(ask(server, [127, 0, 0, 2], 71).await?.contains("200 OK"));
    Ok(())
}
