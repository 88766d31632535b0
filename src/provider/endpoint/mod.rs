//! The endpoints, one file each: its pipeline on one screen.

mod authorize;
mod consent;
mod discovery;
mod fault;
#[cfg(any(test, fuzzing))]
pub(in crate::provider) mod fuzzing;
mod interaction;
mod introspection;
mod issue_code;
mod jwks;
mod login;
mod refusal;
mod reply;
mod revocation;
mod token;
mod userinfo;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ALLOW};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::registry::{Endpoint, Route};
use super::server::Provider;
use crate::http::{Body, Reader, Rejection, respond};
use crate::page::{Rejected, reject};

/// Answers a request at one of our paths: by any method, and by scripts of other sites where the
/// endpoint is for them.
pub(super) async fn answer(
    provider: Arc<Provider>,
    route: Route,
    request: Request<Bytes>,
) -> Response<Body> {
    let mut response = if route.methods.contains(request.method()) {
        dispatch(provider, route.endpoint, request).await
    } else if route.cors && request.method() == Method::OPTIONS {
        preflight(&route)
    } else {
        not_allowed(&provider, &route, Reader::of(request.headers()))
    };
    if route.cors {
        // No cookie counts at these endpoints, so any site may read the answers.
        let any = HeaderValue::from_static("*");
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
    }
    response
}

async fn dispatch(
    provider: Arc<Provider>,
    endpoint: Endpoint,
    request: Request<Bytes>,
) -> Response<Body> {
    match endpoint {
        Endpoint::OpenIdConfiguration | Endpoint::AuthorizationServerMetadata => {
            discovery::answer(&provider)
        }
        Endpoint::Jwks => jwks::answer(&provider),
        Endpoint::Token => token::answer(&provider, request).await,
        Endpoint::Userinfo => userinfo::answer(&provider, request).await,
        Endpoint::Revocation => revocation::answer(&provider, request).await,
        Endpoint::Introspection => introspection::answer(&provider, request).await,
        Endpoint::Authorization => authorize::answer(&provider, request).await,
        Endpoint::Interaction => interaction::answer(&provider, request).await,
    }
}

fn preflight(route: &Route) -> Response<Body> {
    let mut response = respond::status(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods(route));
    let allowed = HeaderValue::from_static("authorization, content-type");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

fn not_allowed(provider: &Provider, route: &Route, reader: Reader) -> Response<Body> {
    let mut response = reject(&*provider.pages, reader, &Rejected::new(Rejection::Method));
    response.headers_mut().insert(ALLOW, methods(route));
    response
}

fn methods(route: &Route) -> HeaderValue {
    let names: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
    HeaderValue::try_from(names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}
