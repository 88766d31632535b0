use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use axum::serve::Listener;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::server::TlsStream;

/// For a handshake.
const PATIENCE: Duration = Duration::from_secs(5);

/// A certificate for this machine, and its key. No browser trusts it; the host's servers are told to
/// (`extra_roots`), so it is for what one server tells another.
pub(crate) struct Identity {
    /// The certificate, as PEM.
    pub(crate) certificate: String,
    acceptor: TlsAcceptor,
}

impl Identity {
    pub(crate) fn generate() -> Result<Self, BoxError> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let key = PrivateKeyDer::try_from(signing_key.serialize_der())?;
        let crypto = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)?;
        Ok(Self { certificate: cert.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Serves `app` at `https://localhost:{port}`. Returns once it listens.
    pub(super) async fn serve(&self, port: u16, app: axum::Router) -> io::Result<()> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
            let fault =
                format!("cannot listen on 127.0.0.1:{port}: {error}; the demo needs this port");
            io::Error::new(error.kind(), fault)
        })?;
        let listener = Secured { tcp, acceptor: self.acceptor.clone() };
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(())
    }
}

struct Secured {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = Listener::accept(&mut self.tcp).await;
            match timeout(PATIENCE, self.acceptor.accept(stream)).await {
                Ok(Ok(stream)) => return (stream, peer),
                _ => tracing::debug!(%peer, "a TLS handshake failed"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
