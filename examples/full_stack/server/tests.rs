use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use super::*;
use crate::config::Config;

/// A server that tells who it thinks is there; `/slow` takes a while.
async fn start(tls: Option<TlsAcceptor>) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let who = async |Extension(peer): Extension<PeerAddr>,
                     certificate: Option<Extension<PeerCertificate>>| {
        format!("{} {}", peer.0, certificate.map_or(0, |Extension(c)| c.0.len()))
    };
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "done"
    };
    let app = Router::new().route("/", get(who)).route("/slow", get(slow));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(serve(listener, tls, app, async move {
        let _ = stopped.await;
    }));
    (address, stop, server)
}

async fn get_path(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_request_in_progress_ends_before_the_server_does() {
    let (address, stop, server) = start(None).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let request = tokio::spawn(get_path(stream, "/slow"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    server.await.unwrap();
    assert_eq!(request.await.unwrap(), "done");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_say_what_they_speak_is_hung_up_on() {
    let (address, _stop, _server) = start(None).await;
    for opening in ["", "P", "PRI * HTTP/2.0\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(opening.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let end = timeout(2 * PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(end.is_ok(), "{opening:?} is waited for");
    }
}

#[tokio::test]
async fn the_application_sees_the_peer_and_its_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let config = "listen = \"127.0.0.1:0\"\nissuer = \"https://localhost\"\n\
                  database_url = \"sqlite::memory:\"\n[tls]\ncertificate = \"cert.pem\"\n\
                  private_key = \"key.pem\"\nrequest_client_certificate = true";
    let config = Config::parse(config, &directory.path().join("op.toml")).unwrap();
    let tls = config.tls.as_ref().unwrap();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&tls.certificate, cert.pem()).unwrap();
    std::fs::write(&tls.private_key, signing_key.serialize_pem()).unwrap();
    let tls = crate::tls::acceptor(&config, tls).unwrap();
    let (address, _stop, _server) = start(Some(tls)).await;

    let client = |builder: fn(WithoutAuth) -> ClientConfig| {
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let connector = TlsConnector::from(Arc::new(builder(config)));
        async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
            get_path(stream, "/").await
        }
    };
    let without = client(|builder| builder.with_no_client_auth()).await;
    assert_eq!(without, "127.0.0.1 0");
    let with = client(|builder| {
        let own = generate_simple_self_signed(["me".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        builder.with_client_auth_cert(vec![own.cert.der().clone()], key).unwrap()
    })
    .await;
    assert!(with.starts_with("127.0.0.1 ") && with != without, "{with}");
}

type WithoutAuth = tokio_rustls::rustls::ConfigBuilder<
    ClientConfig,
    tokio_rustls::rustls::client::WantsClientCert,
>;
