//! What an administrator does to a webhook endpoint: each with a fresh login, counted, and written
//! into the audit log with the change.

use http::StatusCode;
use time::Duration;
use uuid::Uuid;

use super::{Place, find, page, path};
use crate::account::AccountError;
use crate::account::admin::frame::FrameParts;
use crate::account::admin::{AdminAct, LIMIT, permit, permit_in};
use crate::account::site::{Answer, Site, Visit};
use crate::audit::AuditActor;
use crate::delivery::webhook::{EndpointError, WebhookEndpoints};
use crate::http::{Form, respond};
use crate::page::{AdminWebhookProblem as Problem, AdminWebhookSecret};
use crate::store::{WebhookEndpointId, WebhookState};

/// For how many hours an old secret may sign beside the new one.
pub(super) const OVERLAPS: [u32; 4] = [24, 168, 1, 0];

pub(in crate::account::admin) async fn submit(
    site: &Site,
    visit: &Visit,
    id: WebhookEndpointId,
    name: &str,
) -> Answer {
    let act = match name {
        "replay" | "replay-all" => AdminAct::ReplayWebhook,
        "enable" => AdminAct::EnableWebhook,
        "disable" => AdminAct::DisableWebhook,
        "rotate" => AdminAct::RotateWebhookSecret,
        _ => return Err(AccountError::NotFound),
    };
    let administrator = visit.fresh_account(site)?;
    let (endpoints, place) = find(site, visit, id).await?;
    match &place.organization {
        Some(organization) => permit_in(site, visit, act, organization).await?,
        None => permit(site, visit, act, None).await?,
    };
    if !site.store.count_admin_action(administrator.id(), LIMIT, site.now()).await? {
        return Err(AccountError::TooMany);
    }
    let device = visit.session.device();
    let endpoints = endpoints.clone().by(AuditActor::User(administrator.id().clone()));
    let endpoints = endpoints.requested_from(device.address, device.user_agent.as_deref());
    let form = visit.form()?;
    let done = match name {
        "replay" => {
            let event = Uuid::parse_str(form.get("event")?.unwrap_or_default());
            match event {
                Ok(event) => endpoints.replay(id, event).await?,
                Err(_) => false,
            }
        }
        "replay-all" => replay_all(&endpoints, id).await?,
        "enable" => endpoints.enable(id).await?,
        "disable" => endpoints.disable(id).await?,
        _ => return rotate(site, visit, (&endpoints, &place), &form).await,
    };
    match done {
        true => Ok(respond::see_other(&path(site, id))),
        false => page(site, visit, (&endpoints, &place), Some(Problem::Changed)).await,
    }
}

/// Those that the page shows, one by one; what somebody else sends again meanwhile is left out.
async fn replay_all(
    endpoints: &WebhookEndpoints,
    id: WebhookEndpointId,
) -> Result<bool, AccountError> {
    let mut any = false;
    for record in endpoints.deliveries(id, WebhookState::Dead, None).await? {
        any |= endpoints.replay(id, record.event.id).await?;
    }
    Ok(any)
}

/// The secret is seen on the page that answers, and never again.
async fn rotate(
    site: &Site,
    visit: &Visit,
    (endpoints, place): (&WebhookEndpoints, &Place),
    form: &Form,
) -> Answer {
    let typed = form.get("overlap")?.and_then(|hours| hours.parse().ok());
    let hours = OVERLAPS.into_iter().find(|hours| Some(*hours) == typed);
    let hours = hours.ok_or(AccountError::Forbidden)?;
    let overlap = Duration::hours(hours.into());
    let problem = match endpoints.rotate_secret(place.endpoint.id, overlap).await {
        Ok(secret) => {
            let parts = FrameParts::of(site, visit, &visit.account()?).await;
            let (text, next) = (secret.expose(), path(site, place.endpoint.id));
            let page = AdminWebhookSecret::new(
                parts.frame(site),
                &place.endpoint.url,
                (&text, hours),
                &next,
            );
            let page = site.pages.admin_webhook_secret(&page);
            return Ok(respond::html(StatusCode::OK, page));
        }
        Err(EndpointError::TooManySecrets) => Problem::TooManySecrets,
        Err(EndpointError::Sealed) => Problem::Sealed,
        Err(EndpointError::Store(error)) => return Err(error.into()),
        Err(_) => Problem::Changed,
    };
    page(site, visit, (endpoints, place), Some(problem)).await
}
