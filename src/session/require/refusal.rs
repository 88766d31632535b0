use http::header::WWW_AUTHENTICATE;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::Serialize;
use url::form_urlencoded;

use crate::http::{Body, Reader, Rejection, ReturnTo, respond, wants_html};
use crate::page::{Rejected, Theme, reject};
use crate::session::asked::Asked;

/// Why a request does not pass, and where a browser can mend it.
#[derive(Debug)]
pub(super) enum Refusal<'a> {
    /// The host's fault: nobody said who is logged in.
    NoSessionLayer,
    LoginRequired(&'a str),
    ReauthenticationRequired(&'a str),
    /// The user acts in no organization.
    OrganizationRequired(&'a str),
    /// The user is not in one of the roles.
    RoleRequired,
    /// The organization asks for a second factor, and the user has none, or did not use it here.
    SecondFactorRequired(&'a str),
    /// No rule of the host's allows it.
    NotPermitted,
    /// An administrator acts as the user.
    InPersonOnly,
}

impl Refusal<'_> {
    pub(super) fn respond<B>(self, request: &Request<B>) -> Response<Body> {
        match self {
            Self::NoSessionLayer => {
                tracing::error!("a request to what requires a login passed no SessionLayer");
                let page = Rejected::new(Rejection::Failed);
                reject(&Theme::new(""), Reader::of(request.headers()), &page)
            }
            Self::LoginRequired(path)
            | Self::ReauthenticationRequired(path)
            | Self::OrganizationRequired(path)
            | Self::SecondFactorRequired(path)
                if wants_html(request.headers()) =>
            {
                respond::see_other(&with_return_to(path, request))
            }
            Self::RoleRequired | Self::NotPermitted | Self::InPersonOnly
                if wants_html(request.headers()) =>
            {
                let page = Rejected::new(Rejection::Forbidden);
                reject(&Theme::new(""), Reader::Person, &page)
            }
            Self::LoginRequired(_) => authentication_required(),
            Self::ReauthenticationRequired(_) => {
                error(StatusCode::FORBIDDEN, "reauthentication_required")
            }
            Self::OrganizationRequired(_) => error(StatusCode::FORBIDDEN, "organization_required"),
            Self::RoleRequired => error(StatusCode::FORBIDDEN, "role_required"),
            Self::SecondFactorRequired(_) => error(StatusCode::FORBIDDEN, "second_factor_required"),
            Self::InPersonOnly => error(StatusCode::FORBIDDEN, "impersonation_forbidden"),
            Self::NotPermitted => error(StatusCode::FORBIDDEN, "permission_denied"),
        }
    }
}

/// RFC 9110, section 15.5.2: a 401 names a scheme. No scheme for cookies is registered; this name
/// makes no browser ask for a password.
fn authentication_required() -> Response<Body> {
    let mut response = error(StatusCode::UNAUTHORIZED, "authentication_required");
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Cookie"));
    response
}

fn error(status: StatusCode, error: &'static str) -> Response<Body> {
    #[derive(Serialize)]
    struct Error {
        error: &'static str,
    }
    respond::json(status, &Error { error })
}

/// What the browser asked for, from which a router may have cut off a prefix since.
fn asked_for<B>(request: &Request<B>) -> Option<&PathAndQuery> {
    let asked = request.extensions().get::<Asked>().map(|Asked(asked)| asked);
    asked.or_else(|| request.uri().path_and_query())
}

/// The path, with where to go afterwards: only what a browser can do again by itself is worth
/// returning to.
fn with_return_to<B>(path: &str, request: &Request<B>) -> String {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let here = asked_for(request).filter(|_| safe).map(|here| here.as_str());
    let Some(here) = here.and_then(ReturnTo::parse) else { return path.to_owned() };
    let separator = if path.contains('?') { '&' } else { '?' };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", here.as_str())
        .finish();
    format!("{path}{separator}{query}")
}
