//! The pages for programs: a front end of the host's own, in a browser, that says `Accept:
//! application/json`.
#![doc = include_str!("json.md")]

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};

use super::site::{self, Site};
use crate::http::{Body, respond};
use crate::page::JsonPages;
use crate::scope::{Actor, CurrentScope};
use crate::session::Session;

/// What mends an error: the path to go on at, of which a person would be sent there.
#[derive(Clone, Debug)]
pub(super) struct Next(pub(super) String);

impl Site {
    /// The very same site, for programs.
    pub(super) fn in_json(&self) -> Self {
        let pages = Arc::new(JsonPages(Arc::clone(&self.pages)));
        Self { parts: Arc::clone(&self.parts), pages, speaks_json: true }
    }
}

/// Answers a request to one of the pages of a site that speaks JSON.
pub(super) async fn answer(site: &Site, request: Request<Bytes>) -> Response<Body> {
    let session = request.extensions().get::<Session>().cloned();
    let response = site::answer(site, request).await;
    let scope = session.map(|session| session.scope()).unwrap_or_default();
    translate(site, &scope, response).await
}

/// Redirects and pages as JSON, with their cookies and, but for a redirect's, their status. What is
/// neither, as a file is, stays what it is.
async fn translate(site: &Site, scope: &CurrentScope, response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let mends = parts.extensions.remove::<Next>();
    let kind = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let is_page = kind.starts_with(b"text/html");
    let location = parts.headers.get(LOCATION).filter(|_| parts.status.is_redirection());
    let mut told = if let Some(location) = location {
        parts.status = StatusCode::OK;
        Map::from_iter([("next".to_owned(), String::from_utf8_lossy(location.as_bytes()).into())])
    } else if is_page || mends.is_some() {
        let Ok(page) = body.collect().await;
        match serde_json::from_slice::<Map<String, Value>>(&page.to_bytes()) {
            Ok(page) => page,
            Err(_) => {
                parts.status = StatusCode::NOT_ACCEPTABLE;
                let message = "This page is there for people only: ask for text/html.";
                let error = json!({ "error": "not_acceptable", "message": message });
                error.as_object().cloned().unwrap_or_default()
            }
        }
    } else {
        return Response::from_parts(parts, body);
    };
    if let Some(Next(next)) = mends {
        told.insert("next".to_owned(), next.into());
    }
    told.insert("logged_in".to_owned(), scope.account().is_some().into());
    if let Actor::Impersonator(_) = scope.actor() {
        let stop = format!("{}/stop", site.paths.admin);
        told.insert("impersonation".to_owned(), json!({ "stop": stop }));
    }
    let mut response = respond::json(parts.status, &told);
    keep(parts.headers, response.headers_mut());
    response
}

/// Keeps what was said beside the page, but for what was said of its HTML.
fn keep(mut given: HeaderMap, to: &mut HeaderMap) {
    for of_html in [
        CACHE_CONTROL,
        CONTENT_SECURITY_POLICY,
        CONTENT_TYPE,
        LOCATION,
        REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
    ] {
        given.remove(of_html);
    }
    to.extend(given);
}
