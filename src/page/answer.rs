//! Error pages as responses: a page to people, the same as JSON to programs.

use http::{Response, StatusCode};
use serde::Serialize;

use super::{ErrorPage, Pages, Rejected, render};
use crate::http::{Body, Reader, respond};

/// The answer to a request that went nowhere: [`Pages::rejected`] to a person, and to a program
/// `{"error": …, "message": …}`.
///
/// ```
/// use donjon::http::{Reader, Rejection};
/// use donjon::page::{Rejected, Theme, reject};
///
/// let response = reject(&Theme::new("Acme"), Reader::Person, &Rejected::new(Rejection::NotFound));
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
/// ```
pub fn reject(pages: &dyn Pages, reader: Reader, page: &Rejected<'_>) -> Response<Body> {
    let status = page.rejection.status();
    match reader {
        Reader::Person => respond::html(status, pages.rejected(page)),
        Reader::Program => {
            let theme = pages.theme();
            let (_, text) = render::rejection(theme.messages(), page.rejection);
            tell(status, page.rejection.code(), &theme.say(text))
        }
    }
}

/// An error as [`Pages::error`] to a person, and to a program as
/// `{"error": …, "message": …}`.
pub fn explain(
    pages: &dyn Pages,
    reader: Reader,
    status: StatusCode,
    page: &ErrorPage<'_>,
) -> Response<Body> {
    match reader {
        Reader::Person => respond::html(status, pages.error(page)),
        Reader::Program => tell(status, page.code, page.description),
    }
}

fn tell(status: StatusCode, error: &str, message: &str) -> Response<Body> {
    #[derive(Serialize)]
    struct Told<'a> {
        error: &'a str,
        message: &'a str,
    }
    respond::json(status, &Told { error, message })
}
