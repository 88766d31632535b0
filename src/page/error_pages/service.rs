use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::{ErrorPagesFuture, Words};
use super::layer::ErrorPagesLayer;
use crate::http::ResponseBody;

/// The service that [`ErrorPagesLayer`] makes.
#[derive(Clone, Debug)]
pub struct ErrorPages<S> {
    inner: S,
    layer: ErrorPagesLayer,
}

impl<S> ErrorPages<S> {
    pub(super) fn new(inner: S, layer: ErrorPagesLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, InnerBody> Service<Request<B>> for ErrorPages<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
    InnerBody: http_body::Body,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = ErrorPagesFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let words = Words::for_caller(self.layer.clone(), request.headers());
        ErrorPagesFuture::new(self.inner.call(request), words)
    }
}
