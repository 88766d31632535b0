use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_http::csrf::ProtectionError;

use super::layer::ErrorPagesLayer;
use crate::http::{Body, Reader, Rejection, ResponseBody, wants_json};
use crate::page::{Rejected, reject};

pin_project! {
    /// The response future of [`ErrorPages`](super::ErrorPages).
    #[derive(Debug)]
    pub struct ErrorPagesFuture<F> {
        #[pin]
        inner: F,
        words: Words,
    }
}

impl<F> ErrorPagesFuture<F> {
    pub(super) fn new(inner: F, words: Words) -> Self {
        Self { inner, words }
    }
}

impl<F, InnerBody, E> Future for ErrorPagesFuture<F>
where
    F: Future<Output = Result<Response<InnerBody>, E>>,
    InnerBody: http_body::Body,
{
    type Output = Result<Response<ResponseBody<InnerBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(match this.words.instead_of(&response) {
            Some(page) => replace(response, page),
            None => response.map(ResponseBody::inner),
        }))
    }
}

/// What one caller is told, if it comes to that.
#[derive(Debug)]
pub(super) struct Words {
    layer: ErrorPagesLayer,
    reader: Reader,
    json: bool,
}

impl Words {
    pub(super) fn for_caller(layer: ErrorPagesLayer, headers: &HeaderMap) -> Self {
        Self { layer, reader: Reader::of(headers), json: wants_json(headers) }
    }

    /// The page that says what this response does not.
    fn instead_of<B: http_body::Body>(&self, response: &Response<B>) -> Option<Response<Body>> {
        let rejection = Rejection::of(response.status())?;
        let says_nothing = match response.headers().get(CONTENT_TYPE) {
            None => response.body().size_hint().exact() == Some(0),
            Some(kind) => is_plain(kind.as_bytes()) && (self.reader == Reader::Person || self.json),
        };
        let challenged = response.status() == StatusCode::UNAUTHORIZED
            && response.headers().contains_key(WWW_AUTHENTICATE);
        if !says_nothing || (challenged && self.reader == Reader::Program) {
            return None;
        }
        let cross_origin = response.extensions().get::<ProtectionError>().is_some();
        let rejection = if cross_origin { Rejection::CrossOrigin } else { rejection };
        let page = Rejected { rejection, home: self.layer.home.as_deref() };
        Some(reject(&*self.layer.pages, self.reader, &page))
    }
}

/// `text/plain`, with whatever parameters.
fn is_plain(kind: &[u8]) -> bool {
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/plain")
}

/// The page in place of the body; status and headers stay, but for those that described the body.
fn replace<B>(old: Response<B>, page: Response<Body>) -> Response<ResponseBody<B>> {
    let (mut parts, _) = old.into_parts();
    for header in [CONTENT_LENGTH, CONTENT_ENCODING, ETAG] {
        parts.headers.remove(header);
    }
    let (told, body) = page.into_parts();
    for (name, value) in &told.headers {
        parts.headers.insert(name, value.clone());
    }
    Response::from_parts(parts, ResponseBody::own(body))
}
