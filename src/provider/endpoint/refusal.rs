use http::{Response, StatusCode};

use super::fault::tell_when;
use super::reply::Reply;
use crate::http::{Body, Reader};
use crate::page::{ErrorPage, Pages, explain};
use crate::provider::ProviderError;
use crate::provider::server::Provider;

/// Why there is no code. Before the redirect URI is proven there is only a page to show; after,
/// the client is told (RFC 6749, section 4.1.2.1). A refusal of the second kind cannot be made
/// without a [`Reply`], and a reply not without a proven URI.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A page.
    Browser(ProviderError),
    /// An answer to the client.
    Redirect(Reply, ProviderError),
}

impl From<ProviderError> for Refusal {
    /// Whatever is not sent to the client on purpose is shown on a page.
    fn from(error: ProviderError) -> Self {
        Self::Browser(error)
    }
}

impl Refusal {
    /// The response.
    pub(super) fn into_response(self, provider: &Provider, reader: Reader) -> Response<Body> {
        match self {
            Self::Browser(error) => error_page(&*provider.pages, reader, error),
            Self::Redirect(reply, error) => {
                tracing::info!(reason = error.reason(), "an authorization was refused");
                reply.error(&provider.issuer, &*provider.pages, error)
            }
        }
    }
}

/// A page that says what is wrong and what to do.
fn error_page(pages: &dyn Pages, reader: Reader, error: ProviderError) -> Response<Body> {
    tracing::info!(reason = error.reason(), "an authorization was refused on a page");
    // The 401 of `invalid_client` is for programs, which would be told how to authenticate.
    let status = match error.status() {
        StatusCode::UNAUTHORIZED => StatusCode::BAD_REQUEST,
        status => status,
    };
    let page = ErrorPage { code: error.code().as_str(), description: &error.to_string() };
    let mut response = explain(pages, reader, status, &page);
    tell_when(response.headers_mut(), error);
    response
}
