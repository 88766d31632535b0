//! One organization: who belongs to it and who is invited, its domains, and what can be done.

mod act;

use http::{Response, StatusCode};

pub(super) use self::act::submit;
use super::frame::FrameParts;
use super::users::escaped;
use super::{AdminAct, may, may_in, organizations, permit, permit_in, webhooks};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::http::{Body, respond};
use crate::page::{
    AdminMember, AdminOrganization, AdminOrganizationProblem, InvitationItem, SsoDomainItem,
};
use crate::scope::{MemberRole, OrganizationId, UserId};
use crate::store::{Invitation, Member, Organization};

/// Members that are read for a page.
const PAGE: u32 = 100;

pub(super) async fn show(site: &Site, visit: &Visit, id: OrganizationId) -> Answer {
    let found = find(site, visit, id).await?;
    page(site, visit, &found, None).await
}

/// The path of the page.
pub(super) fn path(site: &Site, id: OrganizationId) -> String {
    format!("{}/{}", organizations::path(site), id.0)
}

/// The organization, if the administrator may look at it.
async fn find(
    site: &Site,
    visit: &Visit,
    id: OrganizationId,
) -> Result<Organization, AccountError> {
    // Nobody learns what there is but those who may look at all.
    permit(site, visit, AdminAct::LookAtOrganization, None).await?;
    let found = site.store.find_organization(id).await?.ok_or(AccountError::NotFound)?;
    permit_in(site, visit, AdminAct::LookAtOrganization, &found).await?;
    Ok(found)
}

/// The page, with why something was not done.
async fn page(
    site: &Site,
    visit: &Visit,
    organization: &Organization,
    problem: Option<AdminOrganizationProblem>,
) -> Result<Response<Body>, AccountError> {
    let (id, path) = (organization.id, path(site, organization.id));
    let after = visit.query.get("after")?.and_then(|after| UserId::new(after).ok());
    let members = site.store.members_of(id, after.as_ref(), PAGE).await?;
    let last = members.last().filter(|_| members.len() == PAGE as usize);
    let more = last.map(|member| {
        let after = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("after", member.account.id().as_str())
            .finish();
        format!("{path}?{after}")
    });
    let named = site.store.break_glass_of(id).await?;
    let comes_in = |user: &UserId| named.iter().any(|account| account.id() == user);
    let mut shown = Vec::new();
    for member in &members {
        if may(site, visit, AdminAct::Look, Some(&member.account)).await {
            shown.push(item(site, member, comes_in(member.account.id())));
        }
    }
    let invitations = site.store.invitations_to(id, site.now()).await?;
    let invitations: Vec<_> = invitations.into_iter().map(invited).collect();
    let domains = site.store.sso_domains(id).await?;
    let domains = domains
        .into_iter()
        .map(|found| SsoDomainItem::new(found.domain, found.login_path, found.mode.as_str()));
    let domains: Vec<_> = domains.collect();
    let roles = site.organizations.may_give(&MemberRole::OWNER);
    let roles: Vec<_> = roles.iter().map(|role| role.as_str().to_owned()).collect();

    let parts = FrameParts::of(site, visit, &visit.account()?).await;
    let names = [organization.name.as_str(), &organization.slug];
    let (path, back) = (path.as_str(), organizations::path(site));
    let made = organization.created_at;
    let mut page = AdminOrganization::new(parts.frame(site), names, [path, &back], made);
    page.requires_second_factor = organization.requires_second_factor;
    page.grants_domains = site.organizations.single_sign_on;
    let sees_webhooks = site.webhooks.is_some()
        && may(site, visit, AdminAct::LookAtWebhooks, None).await
        && may_in(site, visit, AdminAct::LookAtWebhooks, organization).await;
    let hooks = webhooks::path(site, Some(id));
    page.webhooks = sees_webhooks.then_some(hooks.as_str());
    (page.members, page.more) = (&shown, more.as_deref());
    (page.invitations, page.domains) = (&invitations, &domains);
    (page.roles, page.problem) = (&roles, problem);
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Ok(respond::html(status, site.pages.admin_organization(&page)))
}

fn item(site: &Site, member: &Member, comes_in: bool) -> AdminMember {
    let id = member.account.id().as_str();
    let name = member.account.email().unwrap_or(id).to_owned();
    let path = format!("{}/users/{}", site.paths.admin, escaped(id));
    let role = member.role.as_str().to_owned();
    AdminMember::new([id.to_owned(), name, role, path], comes_in)
}

fn invited(found: Invitation) -> InvitationItem {
    let role = found.role.as_str().to_owned();
    InvitationItem::new([found.id.0.to_string(), found.email, role], found.expires_at)
}
