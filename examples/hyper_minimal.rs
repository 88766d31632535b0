//! Users and sessions around a plain hyper service.
//!
//! `cargo run --example hyper_minimal`; register at `/register`: mails appear on the terminal.

use std::convert::Infallible;

use donjon::account::AccountLayer;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::delivery::{MailError, Mailer, Message, Worker};
use donjon::http::{Body, PeerAddr};
use donjon::scope::CurrentScope;
use donjon::session::SessionLayer;
use donjon::store::SqlStore;
use http::{Request, Response};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder};

const URL: &str = "http://127.0.0.1:3000";

/// The application itself: it reads who is logged in from the request.
async fn hello<B>(request: Request<B>) -> Result<Response<Body>, Infallible> {
    let scope = request.extensions().get::<CurrentScope>();
    Ok(Response::new(Body::from(match scope.and_then(CurrentScope::account) {
        Some(account) => format!("Hello, {}", account.email().unwrap_or("you")),
        None => "Hello, stranger; there is /register and /login".to_owned(),
    })))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    serve(TcpListener::bind("127.0.0.1:3000").await?).await
}

async fn serve(listener: TcpListener) -> Result<(), BoxError> {
    let store = SqlStore::connect("sqlite::memory:").await?;
    let keyring = Keyring::ephemeral(&SystemRandom); // in earnest: Keyring::from_env()?
    let _mails = Worker::new(&store, &keyring, Terminal).start();
    let sessions = SessionLayer::new(store.clone(), &keyring).base_url(URL)?;
    let accounts = AccountLayer::builder(&store, &keyring, URL).build()?;
    let app = ServiceBuilder::new().layer(sessions).layer(accounts).service_fn(hello);
    loop {
        let (stream, peer) = listener.accept().await?;
        let with_peer = move |mut request: Request<_>| {
            request.extensions_mut().insert(PeerAddr(peer.ip()));
            request
        };
        let app = ServiceBuilder::new().map_request(with_peer).service(app.clone());
        let app = TowerToHyperService::new(app);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), app));
    }
}

/// Sends mail nowhere.
#[derive(Debug)]
struct Terminal;

#[async_trait::async_trait]
impl Mailer for Terminal {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        println!("to {}: {}\n{}\n", message.to, message.subject, message.text);
        Ok(())
    }
}

#[tokio::test]
async fn it_shows_the_login_page() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut stream = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
    tokio::spawn(serve(listener));
    let (mut reader, mut writer) = stream.split();
    tokio::io::copy(&mut &b"GET /login HTTP/1.0\r\n\r\n"[..], &mut writer).await?;
    let mut page = Vec::new();
    tokio::io::copy(&mut reader, &mut page).await?;
    assert!(String::from_utf8(page)?.contains("id=\"password\""));
    Ok(())
}
