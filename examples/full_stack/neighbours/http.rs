use axum::body::Bytes;
use axum::http::header::{ACCEPT, COOKIE};
use axum::http::{HeaderMap, Request, StatusCode, request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

const MAX_ANSWER: usize = 256 * 1024;

/// A plain HTTP client with a bound on what it reads.
#[derive(Clone)]
pub(super) struct Http(Client<HttpConnector, Full<Bytes>>);

impl Http {
    pub(super) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    pub(super) async fn send(
        &self,
        request: request::Builder,
        body: String,
    ) -> Result<(StatusCode, HeaderMap, Bytes), axum::BoxError> {
        let request = request.header(ACCEPT, "application/json, */*").body(Full::from(body))?;
        let (parts, body) = self.0.request(request).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await?;
        Ok((parts.status, parts.headers, body.to_bytes()))
    }

    pub(super) async fn get(&self, url: &str) -> Result<Bytes, axum::BoxError> {
        match self.send(Request::get(url), String::new()).await? {
            (StatusCode::OK, _, body) => Ok(body),
            (status, ..) => Err(format!("{url} answered {status}").into()),
        }
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|value| value.split("; "))
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
