//! HTTP over TLS on loopback.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::State;
use crate::http::Form;
use crate::jose::JwkSet;

/// A free port on loopback, and a certificate for `localhost`.
pub(super) async fn listen() -> io::Result<(TcpListener, TlsAcceptor, String)> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.map_err(io::Error::other)?;
    let key =
        PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .map_err(io::Error::other)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok((listener, TlsAcceptor::from(Arc::new(config)), made.cert.pem()))
}

pub(super) async fn serve(listener: TcpListener, tls: TlsAcceptor, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, Infallible>(answer(&state, request).await) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(state: &State, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let told = {
        let mut inner = state.inner();
        inner.requests.push(path.clone());
        inner.answers.get(&path).cloned()
    };
    match told {
        Some(Some((status, body))) => return respond(status, body),
        Some(None) => return std::future::pending().await,
        None => {}
    }
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let json = |(status, value): (u16, Value)| respond(status, value.to_string());
    match path.as_str() {
        "/.well-known/openid-configuration" => json((200, state.metadata())),
        "/jwks" => json((200, state.jwks())),
        "/token" => {
            let form = Form::parse(&body).unwrap_or_default();
            json(state.tokens(authorization, &form))
        }
        "/revoke" => {
            let form = Form::parse(&body).unwrap_or_default();
            json(state.revoke(authorization, &form))
        }
        "/userinfo" => {
            let bearer = authorization.is_some_and(|value| value.starts_with("Bearer access-"));
            let claims = state.inner().user.claims();
            json(if bearer { (200, claims.into()) } else { (401, json!({})) })
        }
        "/authorize" => {
            let location = format!("{}{}", state.issuer(), parts.uri);
            match state.answer(&location, None) {
                Ok(target) => {
                    let mut response = respond(303, String::new());
                    if let Ok(target) = target.parse() {
                        response.headers_mut().insert(LOCATION, target);
                    }
                    response
                }
                Err(error) => respond(400, error.to_string()),
            }
        }
        _ => respond(404, String::new()),
    }
}

impl State {
    fn metadata(&self) -> Value {
        let issuer = self.issuer();
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn jwks(&self) -> Value {
        let set = JwkSet::new([self.inner().key.public_jwk().clone()]).unwrap_or_default();
        json!(set)
    }
}

fn respond(status: u16, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
