//! The webhook endpoints: of an organization, or those that belong to none.

use http::StatusCode;
use uuid::Uuid;

use super::frame::FrameParts;
use super::{AdminAct, organization, permit, permit_in, webhook};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::http::respond;
use crate::page::{AdminWebhookLine, AdminWebhooks};
use crate::scope::OrganizationId;
use crate::store::{Organization, WebhookEndpoint};

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let administrator = permit(site, visit, AdminAct::LookAtWebhooks, None).await?;
    let endpoints = site.webhooks.as_ref().ok_or(AccountError::NotFound)?;
    let id = match visit.query.get("organization")? {
        Some(id) => Some(OrganizationId(Uuid::parse_str(id).map_err(|_| AccountError::NotFound)?)),
        None => None,
    };
    let of = match id {
        Some(id) => site.store.find_organization(id).await?,
        None => None,
    };
    if let Some(of) = &of {
        permit_of(site, visit, of).await?;
    }
    let found = endpoints.of(id).await?;
    // What an organization left behind that is gone is the host's own.
    if id.is_some() && of.is_none() && found.is_empty() {
        return Err(AccountError::NotFound);
    }
    let line = |found: WebhookEndpoint| {
        let path = webhook::path(site, found.id);
        AdminWebhookLine::new([found.url, path], found.enabled)
    };
    let lines: Vec<_> = found.into_iter().map(line).collect();
    let parts = FrameParts::of(site, visit, &administrator).await;
    let mut page = AdminWebhooks::new(parts.frame(site), &lines);
    let back = of.as_ref().map(|of| organization::path(site, of.id));
    page.organization = of.as_ref().map(|of| of.name.as_str()).zip(back.as_deref());
    Ok(respond::html(StatusCode::OK, site.pages.admin_webhooks(&page)))
}

/// Lets an administrator go on who may look at an organization, whose name is on the page, and at its
/// endpoints.
pub(super) async fn permit_of(
    site: &Site,
    visit: &Visit,
    of: &Organization,
) -> Result<(), AccountError> {
    permit_in(site, visit, AdminAct::LookAtOrganization, of).await?;
    permit_in(site, visit, AdminAct::LookAtWebhooks, of).await?;
    Ok(())
}

/// The path of the list.
pub(super) fn path(site: &Site, of: Option<OrganizationId>) -> String {
    let root = &site.paths.admin;
    match of {
        Some(id) => format!("{root}/webhooks?organization={}", id.0),
        None => format!("{root}/webhooks"),
    }
}
