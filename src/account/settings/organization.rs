//! One organization: its name, its members and their roles, who is invited, and its end.

mod change;
mod invitations;
mod members;
mod service_accounts;
mod single_sign_on;

use http::{Response, StatusCode};

use self::service_accounts::ServiceFlow;
use super::{Flow, FrameParts, ORGANIZATIONS, organizations};
use crate::account::AccountError;
use crate::account::config::Paths;
use crate::account::organization::Slug;
use crate::account::site::{Answer, Site, Visit};
use crate::http::{Body, respond};
use crate::page::{InvitationItem, MemberItem, OrganizationPage, OrganizationProblem};
use crate::scope::{Account, Actor, MemberRole, UserId};
use crate::store::{Member, Organization};

/// Members on a page.
const PAGE: u32 = 100;

/// The page about single sign-on, below that of the organization.
const SINGLE_SIGN_ON: &str = "single-sign-on";

/// What is done to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum OrganizationFlow {
    Show,
    Switch,
    Leave,
    Rename,
    Role,
    Remove,
    Invite,
    Revoke,
    SecondFactor,
    SingleSignOn,
    BreakGlass,
    Delete,
    ServiceAccounts(ServiceFlow),
}

const FLOWS: &[(&str, OrganizationFlow)] = &[
    ("switch", OrganizationFlow::Switch),
    ("leave", OrganizationFlow::Leave),
    ("rename", OrganizationFlow::Rename),
    ("role", OrganizationFlow::Role),
    ("remove", OrganizationFlow::Remove),
    ("invite", OrganizationFlow::Invite),
    ("revoke", OrganizationFlow::Revoke),
    ("second-factor", OrganizationFlow::SecondFactor),
    (SINGLE_SIGN_ON, OrganizationFlow::SingleSignOn),
    ("break-glass", OrganizationFlow::BreakGlass),
    ("delete", OrganizationFlow::Delete),
];

impl OrganizationFlow {
    /// What is done at this path, below those of all organizations.
    pub(super) fn at(rest: &str) -> Option<Self> {
        let (slug, action) = match rest.split_once('/') {
            Some((slug, action)) => (slug, Some(action)),
            None => (rest, None),
        };
        Slug::parse(slug).ok()?;
        match action {
            None => Some(Self::Show),
            Some(action) => {
                let fixed = FLOWS.iter().find(|(name, _)| *name == action).map(|(_, flow)| *flow);
                fixed.or_else(|| ServiceFlow::at(action).map(Self::ServiceAccounts))
            }
        }
    }
}

/// An organization as one of its members sees it.
struct Place {
    organization: Organization,
    account: Account,
    role: MemberRole,
}

impl Place {
    /// The organization that the path names. Who is no member is told that there is none.
    async fn of(site: &Site, visit: &Visit, account: Account) -> Result<Self, AccountError> {
        let rest = visit.path.strip_prefix(site.paths.settings.as_str());
        let rest = rest.and_then(|rest| rest.strip_prefix(ORGANIZATIONS)).unwrap_or_default();
        let slug = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
        let found = site.store.organization_of(slug, account.id()).await?;
        let (organization, role) = found.ok_or(AccountError::NotFound)?;
        Ok(Self { organization, account, role })
    }

    /// Refuses who has not used the second factor that the organization asks for. An administrator
    /// who looks on as the user has none of theirs, and changes nothing.
    async fn proven(self, site: &Site, visit: &Visit) -> Result<Self, AccountError> {
        let scope = visit.session.scope();
        if !self.organization.requires_second_factor || *scope.actor() != Actor::User {
            return Ok(self);
        }
        let (id, user) = (self.organization.id, self.account.id());
        let vouched = site.organizations.vouched_factors.as_deref();
        let authentication = scope.authentication();
        if authentication.is_some_and(|authentication| authentication.is_vouched(vouched)) {
            return Ok(self);
        }
        let membership = site.store.membership(id, user).await?;
        let has_one = !membership.ok_or(AccountError::NotFound)?.lacks_second_factor;
        let used = authentication.is_some_and(|a| a.has_second_factor(vouched));
        if has_one && used { Ok(self) } else { Err(AccountError::SecondFactorRequired(has_one)) }
    }

    fn path(&self, site: &Site) -> String {
        organizations::path(site, &self.organization.slug)
    }

    fn back(&self, site: &Site) -> Response<Body> {
        respond::see_other(&self.path(site))
    }

    /// Refuses who may not manage others.
    fn managed(self, site: &Site) -> Result<Self, AccountError> {
        let manages = site.organizations.manages(&self.role);
        if manages { Ok(self) } else { Err(AccountError::Forbidden) }
    }

    /// Refuses who does not own it.
    fn owned(self) -> Result<Self, AccountError> {
        let owns = self.role == MemberRole::OWNER;
        if owns { Ok(self) } else { Err(AccountError::Forbidden) }
    }
}

/// Whoever had to log in in between comes back by a GET.
pub(super) async fn show(site: &Site, flow: OrganizationFlow, visit: &Visit) -> Answer {
    let place = Place::of(site, visit, visit.account()?).await?;
    match flow {
        OrganizationFlow::Show => {
            let place = place.proven(site, visit).await?;
            page(site, visit, &place, None).await
        }
        OrganizationFlow::SingleSignOn => {
            let place = place.proven(site, visit).await?;
            single_sign_on::show(site, &place.owned()?).await
        }
        OrganizationFlow::BreakGlass => {
            Ok(respond::see_other(&single_sign_on_path(&site.paths, &place.organization.slug)))
        }
        OrganizationFlow::ServiceAccounts(flow) => {
            let place = place.proven(site, visit).await?;
            service_accounts::show(site, visit, flow, place.managed(site)?).await
        }
        _ => Ok(place.back(site)),
    }
}

pub(super) async fn change(site: &Site, flow: OrganizationFlow, visit: &Visit) -> Answer {
    let everyday = async || {
        let place = Place::of(site, visit, visit.account_in_person()?).await?;
        place.proven(site, visit).await
    };
    let fresh = async || {
        let place = Place::of(site, visit, visit.fresh_account(site)?).await?;
        place.proven(site, visit).await
    };
    match flow {
        OrganizationFlow::Show => Err(AccountError::Method),
        OrganizationFlow::Switch => {
            let place = Place::of(site, visit, visit.account()?).await?;
            visit.session.act_in(place.organization.id).await?;
            let list = Flow::Organizations.path(site);
            Ok(respond::see_other(visit.trip.destination(&list)))
        }
        OrganizationFlow::Leave => {
            let place = Place::of(site, visit, visit.fresh_account(site)?).await?;
            members::leave(site, visit, place).await
        }
        OrganizationFlow::Rename => {
            change::rename(site, visit, everyday().await?.managed(site)?).await
        }
        OrganizationFlow::Role => {
            members::change_role(site, visit, fresh().await?.managed(site)?).await
        }
        OrganizationFlow::Remove => {
            members::remove(site, visit, fresh().await?.managed(site)?).await
        }
        OrganizationFlow::Invite => {
            invitations::invite(site, visit, everyday().await?.managed(site)?).await
        }
        OrganizationFlow::Revoke => {
            invitations::revoke(site, visit, everyday().await?.managed(site)?).await
        }
        OrganizationFlow::SecondFactor => {
            change::require_second_factor(site, visit, fresh().await?.owned()?).await
        }
        OrganizationFlow::SingleSignOn => {
            single_sign_on::change(site, visit, fresh().await?.owned()?).await
        }
        OrganizationFlow::BreakGlass => {
            single_sign_on::name(site, visit, fresh().await?.owned()?).await
        }
        OrganizationFlow::Delete => change::delete(site, visit, fresh().await?.owned()?).await,
        OrganizationFlow::ServiceAccounts(flow) => {
            service_accounts::change(site, visit, flow, fresh().await?.managed(site)?).await
        }
    }
}

/// The page about the single sign-on of the organization with this slug.
pub(in crate::account) fn single_sign_on_path(paths: &Paths, slug: &str) -> String {
    format!("{}{ORGANIZATIONS}/{slug}/{SINGLE_SIGN_ON}", paths.settings)
}

/// The page, after something was not done.
async fn refused(
    site: &Site,
    visit: &Visit,
    place: &Place,
    problem: OrganizationProblem,
) -> Result<Response<Body>, AccountError> {
    page(site, visit, place, Some(problem)).await
}

async fn page(
    site: &Site,
    visit: &Visit,
    place: &Place,
    problem: Option<OrganizationProblem>,
) -> Result<Response<Body>, AccountError> {
    let Place { organization, account, role } = place;
    let after = visit.query.get("after")?.and_then(|after| UserId::new(after).ok());
    let members = site.store.members_of(organization.id, after.as_ref(), PAGE).await?;
    let manages = site.organizations.manages(role);
    let invitations = match manages {
        true => site.store.invitations_to(organization.id, site.now()).await?,
        false => Vec::new(),
    };
    let given = site.organizations.may_give(role);
    let roles: Vec<_> = given.iter().map(|role| role.as_str().to_owned()).collect();
    let item = |member: &Member| {
        let id = member.account.id();
        let name = member.account.email().unwrap_or(id.as_str()).to_owned();
        let is_self = id == account.id();
        let changeable = manages && !is_self && given.contains(&member.role);
        let texts = [id.as_str().to_owned(), name, member.role.as_str().to_owned()];
        MemberItem::new(texts, is_self, changeable)
    };
    let items: Vec<_> = members.iter().map(item).collect();
    let invited: Vec<_> = invitations
        .into_iter()
        .map(|found| {
            let role = found.role.as_str().to_owned();
            InvitationItem::new([found.id.0.to_string(), found.email, role], found.expires_at)
        })
        .collect();
    let (path, list) = (place.path(site), Flow::Organizations.path(site));
    let last = members.last().filter(|_| members.len() == PAGE as usize);
    let more = last.map(|member| {
        let after = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("after", member.account.id().as_str())
            .finish();
        format!("{path}?{after}")
    });
    let parts = FrameParts::new(site, account, Flow::Organizations);
    let names = [organization.name.as_str(), &organization.slug];
    let mut page = OrganizationPage::new(parts.frame(site), names, [&path, &list]);
    let service_accounts = service_accounts::path(site, place);
    page.service_accounts = service_accounts.as_deref();
    page.manages = manages;
    page.owns = *role == MemberRole::OWNER;
    page.requires_second_factor = organization.requires_second_factor;
    let sso = single_sign_on_path(&site.paths, &organization.slug);
    page.single_sign_on = site.organizations.single_sign_on.then_some(sso.as_str());
    page.members = &items;
    page.more = more.as_deref();
    page.invitations = &invited;
    page.roles = &roles;
    page.problem = problem;
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Ok(respond::html(status, site.pages.settings_organization(&page)))
}
