//! Looking for organizations.

use http::StatusCode;
use uuid::Uuid;

use super::frame::FrameParts;
use super::{AdminAct, may_in, organization, permit};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::http::respond;
use crate::page::{AdminOrganizationLine, AdminOrganizations};
use crate::scope::{OrganizationId, storable_text};
use crate::store::{Organization, OrganizationFilter};

const PAGE: u32 = 50;
/// How many times as many organizations are read, at most, to fill a page.
const BATCHES: u32 = 5;
/// The longest prefix that is looked for, in characters.
const PREFIX: usize = 253;

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let administrator = permit(site, visit, AdminAct::LookAtOrganization, None).await?;
    let typed = visit.query.get("name")?.unwrap_or_default();
    let prefix = storable_text(typed.trim().chars().take(PREFIX).collect());
    let before = visit.query.get("before")?.and_then(|id| Uuid::parse_str(id).ok());
    let filter = OrganizationFilter { prefix, before: before.map(OrganizationId) };
    let (found, more) = visible(site, visit, &filter).await?;

    let line = |found: Organization| {
        let path = organization::path(site, found.id);
        AdminOrganizationLine::new([found.name, found.slug, path], found.created_at)
    };
    let lines: Vec<_> = found.into_iter().map(line).collect();
    let root = path(site);
    let next = more.map(|last| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("name", &filter.prefix);
        query.append_pair("before", &last.0.to_string());
        format!("{root}?{}", query.finish())
    });
    let parts = FrameParts::of(site, visit, &administrator).await;
    let paths = (root.as_str(), next.as_deref());
    let page = AdminOrganizations::new(parts.frame(site), &filter.prefix, &lines, paths);
    Ok(respond::html(StatusCode::OK, site.pages.admin_organizations(&page)))
}

/// The path of the list.
pub(super) fn path(site: &Site) -> String {
    format!("{}/organizations", site.paths.admin)
}

/// A page of the organizations that this administrator may look at, and the last one that was read
/// if there are more. Of what is hidden not even a gap is seen; who may look at few gets short pages.
async fn visible(
    site: &Site,
    visit: &Visit,
    filter: &OrganizationFilter,
) -> Result<(Vec<Organization>, Option<OrganizationId>), AccountError> {
    let mut filter = filter.clone();
    let mut shown = Vec::new();
    for _ in 0..BATCHES {
        let batch = site.store.list_organizations(&filter, PAGE).await?;
        let is_last = batch.len() < PAGE as usize;
        for found in batch {
            if shown.len() == PAGE as usize {
                return Ok((shown, filter.before));
            }
            filter.before = Some(found.id);
            if may_in(site, visit, AdminAct::LookAtOrganization, &found).await {
                shown.push(found);
            }
        }
        if is_last {
            return Ok((shown, None));
        }
    }
    Ok((shown, filter.before))
}
