//! An application of this very process, reached over a socket.

use std::convert::Infallible;

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::browser::Browser;

/// A port of ours: nobody else gets it in between.
pub struct Listener(TcpListener);

/// It is served until this is dropped.
pub struct Serving(JoinHandle<()>);

impl Listener {
    pub async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Serves the application that this browser is at.
    pub fn serve(self, app: Browser) -> Serving {
        Serving(tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = self.0.accept().await else { continue };
                let app = app.clone();
                let service = service_fn(move |request| answer(app.clone(), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        }))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer(
    app: Browser,
    request: Request<Incoming>,
) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let response = app.send(Request::from_parts(parts, Full::from(body))).await;
    Ok(response.map(Full::from))
}
