use std::sync::Arc;

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use time::OffsetDateTime;

use super::config::{Flow, Paths, Policy};
use super::letters::Letters;
use super::password::PasswordPool;
use super::trip::Trip;
use super::{AccountError, confirm, login, logout, register, reset};
use crate::crypto::{Clock, Random};
use crate::http::{Body, Form};
use crate::page::Pages;
use crate::session::Session;
use crate::store::AccountStore;

/// What every flow works with: nothing that another process over the same store would lack.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) store: Arc<dyn AccountStore>,
    pub(super) passwords: PasswordPool,
    pub(super) letters: Letters,
    pub(super) pages: Arc<dyn Pages>,
    pub(super) paths: Paths,
    pub(super) policy: Policy,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

impl Site {
    /// The present moment.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}

/// One request to one of our pages.
pub(super) struct Visit {
    pub(super) session: Session,
    pub(super) query: Form,
    pub(super) trip: Trip,
    headers: HeaderMap,
    body: Bytes,
}

impl Visit {
    fn of(request: Request<Bytes>) -> Result<Self, AccountError> {
        let (parts, body) = request.into_parts();
        let session = parts.extensions.get::<Session>().cloned();
        let query = Form::of_query(&parts.uri)?;
        Ok(Self {
            session: session.ok_or(AccountError::NoSessionLayer)?,
            trip: Trip::of(&query),
            query,
            headers: parts.headers,
            body,
        })
    }

    /// The form that was posted.
    pub(super) fn form(&self) -> Result<Form, AccountError> {
        Ok(Form::of_body(&self.headers, &self.body)?)
    }
}

/// The answer of a flow.
pub(super) type Answer = Result<Response<Body>, AccountError>;

/// Answers a request to one of our pages; a fault is a page too.
pub(super) async fn answer(site: &Site, request: Request<Bytes>) -> Response<Body> {
    let flow = site.paths.flow(request.uri().path());
    let method = request.method().clone();
    let answer = match (Visit::of(request), flow) {
        (Ok(visit), Some(flow)) => go(site, flow, &method, &visit).await,
        (Err(error), _) => Err(error),
        (_, None) => Err(AccountError::Method),
    };
    answer.unwrap_or_else(|error| {
        let wrong_method = matches!(error, AccountError::Method);
        let mut response = error.into_response(&*site.pages);
        if wrong_method {
            let allowed = if flow == Some(Flow::Resend) { "POST" } else { "GET, HEAD, POST" };
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        response
    })
}

async fn go(site: &Site, flow: Flow, method: &Method, visit: &Visit) -> Answer {
    let shows = method == Method::GET || method == Method::HEAD;
    let submits = method == Method::POST;
    match flow {
        Flow::Register if shows => register::show(site, visit),
        Flow::Register if submits => register::submit(site, visit).await,
        Flow::Confirm if shows => confirm::show(site, visit).await,
        Flow::Confirm if submits => confirm::submit(site, visit).await,
        Flow::Resend if submits => confirm::resend(site, visit).await,
        Flow::Login if shows => login::show(site, visit),
        Flow::Login if submits => login::submit(site, visit).await,
        Flow::Logout if shows => logout::show(site, visit),
        Flow::Logout if submits => logout::submit(site, visit).await,
        Flow::ForgotPassword if shows => reset::show_request(site, visit),
        Flow::ForgotPassword if submits => reset::request(site, visit).await,
        Flow::ResetPassword if shows => reset::show(site, visit).await,
        Flow::ResetPassword if submits => reset::submit(site, visit).await,
        _ => Err(AccountError::Method),
    }
}
