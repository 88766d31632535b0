//! The answers to requests that a flow had no answer to.

use http::header::ALLOW;
use http::{HeaderValue, Response};

use super::config::Flow;
use super::json::Next;
use super::second_factor::step_up;
use super::site::Site;
use super::trip::Trip;
use super::{AccountError, settings};
use crate::http::{Body, Reader, respond};

/// What is told of an error: a person is sent where it can be mended, a program is told where that is.
pub(super) fn refuse(
    site: &Site,
    error: AccountError,
    flow: Option<Flow>,
    reader: Reader,
    here: &Trip,
) -> Response<Body> {
    let next = match &error {
        AccountError::LoginRequired => Some(here.via(&site.paths.login)),
        AccountError::ReauthenticationRequired => Some(here.via(&site.paths.again)),
        AccountError::SecondFactorRequired(true) => Some(step_up::path(site, here)),
        AccountError::SecondFactorRequired(false) => {
            Some(here.via(&settings::second_factor_setup(site)))
        }
        _ => None,
    };
    if let (Some(next), Reader::Person) = (&next, reader) {
        return respond::see_other(next);
    }
    let wrong_method = matches!(error, AccountError::Method);
    let mut response = error.into_response(&*site.pages, reader);
    if wrong_method {
        let only_posts = |flow: Flow| flow == Flow::Resend || flow.is_for_programs();
        let allowed = if flow.is_some_and(only_posts) { "POST" } else { "GET, HEAD, POST" };
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    }
    if let Some(next) = next {
        response.extensions_mut().insert(Next(next));
    }
    response
}
