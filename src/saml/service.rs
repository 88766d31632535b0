use std::fmt;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::service_provider::ServiceProvider;
use crate::http::{MountFuture, Mounted, ResponseBody};

/// The service that [`SamlLayer`](super::SamlLayer) makes.
pub struct SamlService<S>(pub(super) Mounted<ServiceProvider, S>);

impl<S: Clone> Clone for SamlService<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> fmt::Debug for SamlService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SamlService").finish_non_exhaustive()
    }
}

impl<S, B, InnerBody> Service<Request<B>> for SamlService<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<tower::BoxError>,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = MountFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Service::<Request<B>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.call(request)
    }
}
