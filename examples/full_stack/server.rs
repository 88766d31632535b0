//! Accepts connections, plain or TLS, and tells the application who is at the other end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use donjon::http::{PeerAddr, PeerCertificate};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use self::opening::Opening;

/// For the TLS handshake, for the first bytes after it, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(15);
/// For requests in progress when the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// At a time; who comes after waits to be accepted.
const CONNECTIONS: usize = 512;

/// Serves `app` until `shutdown` is ready, then lets requests in progress end.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Router,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accept = async { (place.await, listener.accept().await) };
        let (place, (stream, peer)) = tokio::select! {
            (place, accepted) = accept => match accepted {
                Ok(accepted) => (place, accepted),
                Err(error) => {
                    // Too many open files, most likely: let some be closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let connection = handle(stream, peer, tls.clone(), app.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%peer, error, "a connection broke");
            }
        });
    }
    drop(listener);
    if timeout(FAREWELL, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

async fn handle(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Router,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), axum::BoxError> {
    stream.set_nodelay(true)?;
    let Some(tls) = tls else {
        return answer(stream, peer, None, app, watcher).await;
    };
    let stream = timeout(PATIENCE, tls.accept(stream)).await.map_err(io::Error::from)??;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.map(|der| PeerCertificate(der.to_vec().into()));
    answer(stream, peer, certificate, app, watcher).await
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    certificate: Option<PeerCertificate>,
    app: Router,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), axum::BoxError> {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddr(peer.ip()));
        if let Some(certificate) = &certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.oneshot(request).await.unwrap_or_else(|e| match e {})) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PATIENCE);
    let stream = TokioIo::new(Opening::of(stream, PATIENCE));
    let connection = builder.serve_connection(stream, service);
    watcher.watch(connection.into_owned()).await
}

mod opening;
#[cfg(test)]
mod tests;
