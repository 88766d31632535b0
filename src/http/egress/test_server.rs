//! A TLS server on this machine, for the tests of whoever fetches.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Answers every request with the same bytes, under a certificate for `op.test` and `localhost`.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) certificate: String,
    state: Arc<State>,
}

struct State {
    acceptor: TlsAcceptor,
    answer: Mutex<Vec<u8>>,
    requests: AtomicUsize,
    last: Mutex<String>,
}

impl Server {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let names = vec!["op.test".to_owned(), "localhost".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let state = Arc::new(State {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            answer: Mutex::new(answer.into()),
            requests: AtomicUsize::new(0),
            last: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        Self { port, certificate: cert.pem(), state }
    }

    /// Answers differently from now on.
    pub(crate) fn answer(&self, answer: impl Into<Vec<u8>>) {
        *self.state.answer.lock().unwrap() = answer.into();
    }

    /// The head of the last request.
    #[cfg(feature = "accounts")]
    pub(crate) fn last_request(&self) -> String {
        self.state.last.lock().unwrap().clone()
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

impl State {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let Ok(mut tls) = self.acceptor.accept(stream).await else { return };
        let mut head = [0; 4096];
        let read = tls.read(&mut head).await.unwrap_or(0);
        *self.last.lock().unwrap() = String::from_utf8_lossy(&head[..read]).into_owned();
        self.requests.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        let _ = tls.write_all(&answer).await;
        if answer.is_empty() {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let _ = tls.shutdown().await;
    }
}

/// A 200 with this body.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
