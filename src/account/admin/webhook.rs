//! One webhook endpoint: what it is told of, what could not be delivered, and what can be done.

mod act;

use http::{Response, StatusCode};
use uuid::Uuid;

pub(super) use self::act::submit;
use super::frame::FrameParts;
use super::{AdminAct, permit, webhooks};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::delivery::webhook::WebhookEndpoints;
use crate::http::{Body, respond};
use crate::page::{AdminAttempt, AdminDeadEvent, AdminWebhook, AdminWebhookProblem};
use crate::store::{Organization, WebhookEndpoint, WebhookEndpointId, WebhookRecord, WebhookState};

/// An endpoint, and whose it is. What an organization left behind that is gone is the host's own.
struct Place {
    endpoint: WebhookEndpoint,
    organization: Option<Organization>,
}

pub(super) async fn show(site: &Site, visit: &Visit, id: WebhookEndpointId) -> Answer {
    let (endpoints, place) = find(site, visit, id).await?;
    page(site, visit, (endpoints, &place), None).await
}

/// The path of the page.
pub(super) fn path(site: &Site, id: WebhookEndpointId) -> String {
    format!("{}/webhooks/{id}", site.paths.admin)
}

/// The endpoint, if the administrator may look at it.
async fn find<'a>(
    site: &'a Site,
    visit: &Visit,
    id: WebhookEndpointId,
) -> Result<(&'a WebhookEndpoints, Place), AccountError> {
    permit(site, visit, AdminAct::LookAtWebhooks, None).await?;
    let endpoints = site.webhooks.as_ref().ok_or(AccountError::NotFound)?;
    let endpoint = endpoints.find(id).await?.ok_or(AccountError::NotFound)?;
    let organization = match endpoint.organization {
        Some(id) => site.store.find_organization(id).await?,
        None => None,
    };
    if let Some(organization) = &organization {
        webhooks::permit_of(site, visit, organization).await?;
    }
    Ok((endpoints, Place { endpoint, organization }))
}

/// The page, with why something was not done.
async fn page(
    site: &Site,
    visit: &Visit,
    (endpoints, place): (&WebhookEndpoints, &Place),
    problem: Option<AdminWebhookProblem>,
) -> Result<Response<Body>, AccountError> {
    let Place { endpoint, organization } = place;
    let path = path(site, endpoint.id);
    let dead = endpoints.deliveries(endpoint.id, WebhookState::Dead, None).await?;
    let dead: Vec<_> = dead.iter().map(|record| item(&path, record)).collect();
    // Of one delivery at a time, or each would be a read more.
    let event = visit.query.get("event")?.and_then(|id| Uuid::parse_str(id).ok());
    let attempts = match event {
        Some(event) => endpoints.attempts(endpoint.id, event).await?,
        None => Vec::new(),
    };
    let attempts = attempts.into_iter().map(|attempt| {
        let status = attempt.status.map(|status| status.to_string());
        AdminAttempt::new(attempt.number, attempt.at, status.or(attempt.fault).unwrap_or_default())
    });
    let attempts: Vec<_> = attempts.collect();

    let parts = FrameParts::of(site, visit, &visit.account()?).await;
    let back = webhooks::path(site, endpoint.organization);
    let mut page = AdminWebhook::new(parts.frame(site), &endpoint.url, [&path, &back]);
    page.organization = organization.as_ref().map(|found| found.name.as_str());
    page.events = &endpoint.event_types;
    page.enabled = endpoint.enabled;
    page.dead = &dead;
    page.attempts = &attempts;
    page.overlaps = &act::OVERLAPS;
    page.problem = problem;
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Ok(respond::html(status, site.pages.admin_webhook(&page)))
}

fn item(path: &str, record: &WebhookRecord) -> AdminDeadEvent {
    let (id, event_type) = (record.event.id.to_string(), record.event.event_type.clone());
    let ledger = format!("{path}?event={id}");
    AdminDeadEvent::new([id, event_type, ledger], record.event.at, record.attempts)
}
