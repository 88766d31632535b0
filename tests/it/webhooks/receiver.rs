//! A receiver of webhooks on this machine, which answers as it is told.

use std::sync::{Arc, Mutex};

use donjon::http::Egress;
use http::{HeaderMap, HeaderName};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::{TlsAcceptor, rustls};

/// What came.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    /// What is answered: a whole response, or nothing at all for ever.
    answer: Mutex<Option<String>>,
    came: Notify,
}

pub struct Receiver {
    pub port: u16,
    certificate: String,
    state: Arc<State>,
}

impl Receiver {
    pub async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let private = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], private)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, state) = (acceptor.clone(), Arc::clone(&serving));
                tokio::spawn(async move { serve(acceptor, stream, &state).await });
            }
        });
        let receiver = Self { port, certificate: made.cert.pem(), state };
        receiver.answer(200, "");
        receiver
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// A client that may reach this receiver.
    pub fn egress(&self) -> Egress {
        let client = Egress::builder().danger_allow(["127.0.0.0/8".parse().unwrap()]);
        client.extra_roots(self.certificate.as_bytes()).unwrap().build()
    }

    /// A client that trusts it, and keeps away from private addresses.
    pub fn guarded(&self) -> Egress {
        Egress::builder().extra_roots(self.certificate.as_bytes()).unwrap().build()
    }

    /// Answers with this status and header from now on.
    pub fn answer(&self, status: u16, header: &str) {
        let text = format!("HTTP/1.1 {status} x\r\n{header}Content-Length: 0\r\n\r\n");
        *self.state.answer.lock().unwrap() = Some(text);
    }

    /// Answers with this status and so many bytes from now on.
    pub fn answer_at_length(&self, status: u16, length: usize) {
        let body = "x".repeat(length);
        let text = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{body}");
        *self.state.answer.lock().unwrap() = Some(text);
    }

    /// Answers nothing from now on.
    pub fn hang(&self) {
        *self.state.answer.lock().unwrap() = None;
    }

    /// Waits until a request has come.
    pub async fn came(&self) {
        let limit = std::time::Duration::from_secs(60);
        tokio::time::timeout(limit, self.state.came.notified()).await.unwrap();
    }

    /// What came since this was last asked.
    pub fn received(&self) -> Vec<Received> {
        std::mem::take(&mut self.state.received.lock().unwrap())
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, state: &State) {
    let Ok(mut tls) = acceptor.accept(stream).await else { return };
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut part = [0; 4096];
        let Ok(read @ 1..) = tls.read(&mut part).await else { return };
        bytes.extend_from_slice(&part[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let length = length.unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            break (head, end + 4);
        }
    };
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let headers = lines
        .map(|(name, value)| {
            let name: HeaderName = name.to_lowercase().parse().unwrap();
            (name, value.trim().parse().unwrap())
        })
        .collect();
    let received = Received { path, headers, body: bytes[length..].to_vec() };
    state.received.lock().unwrap().push(received);
    state.came.notify_one();
    let answer = state.answer.lock().unwrap().clone();
    match answer {
        Some(answer) => {
            let _ = tls.write_all(answer.as_bytes()).await;
            let _ = tls.shutdown().await;
        }
        None => std::future::pending().await,
    }
}
