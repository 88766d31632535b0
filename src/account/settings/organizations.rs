//! The user's organizations: which there are, and a new one.

use http::{Response, StatusCode};

use super::{Flow, FrameParts, ORGANIZATIONS};
use crate::account::AccountError;
use crate::account::organization::{
    InvalidOrganizationName, Made, OrganizationAct, OrganizationError, OrganizationName,
    create as make,
};
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::http::{Body, respond};
use crate::page::{OrganizationItem, OrganizationList, OrganizationProblem};
use crate::scope::Account;

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    page(site, visit, &visit.account()?, ("", None)).await
}

/// Why a name is none.
pub(super) fn name_problem(invalid: InvalidOrganizationName) -> OrganizationProblem {
    match invalid {
        InvalidOrganizationName::NotALine => OrganizationProblem::Name,
        InvalidOrganizationName::LooksLikeALink => OrganizationProblem::NameIsLink,
    }
}

/// Makes an organization, and acts in it.
pub(super) async fn create(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    if site.organizations.creations.is_none() {
        return Err(AccountError::Forbidden);
    }
    let form = visit.form()?;
    let (typed, slug) = (form.get("name")?.unwrap_or_default(), form.get("slug")?);
    let refused = async |problem| page(site, visit, &account, (typed, Some(problem))).await;
    let name = match typed.parse::<OrganizationName>() {
        Ok(name) => name,
        Err(invalid) => return refused(name_problem(invalid)).await,
    };
    if is_unconfirmed(&account) {
        return refused(OrganizationProblem::Unconfirmed).await;
    }
    let act = OrganizationAct::Create { name: name.as_str() };
    if !site.permits(&account, &act).await {
        return refused(OrganizationProblem::Refused).await;
    }
    let entry = visit.entry(Action::CREATE_ORGANIZATION);
    match make(site, &name, slug, account.id(), (true, entry)).await {
        Ok(Made::Organization(made)) => {
            site.has_done(&account, &act).await;
            visit.session.act_in(made.id).await?;
            Ok(respond::see_other(&path(site, &made.slug)))
        }
        Ok(Made::SlugTaken) => refused(OrganizationProblem::SlugTaken).await,
        Ok(Made::Limited) => refused(OrganizationProblem::TooMany).await,
        Err(OrganizationError::Store(error)) => Err(error.into()),
        Err(_) => refused(OrganizationProblem::Slug).await,
    }
}

/// Whether mails that name the account's address would be in a stranger's name.
pub(super) fn is_unconfirmed(account: &Account) -> bool {
    account.email().is_some() && !account.email_verified()
}

/// The path of an organization's page.
pub(super) fn path(site: &Site, slug: &str) -> String {
    format!("{}{ORGANIZATIONS}/{slug}", site.paths.settings)
}

/// All of them, after something was done, or not.
pub(super) async fn page(
    site: &Site,
    visit: &Visit,
    account: &Account,
    (name, problem): (&str, Option<OrganizationProblem>),
) -> Result<Response<Body>, AccountError> {
    let scope = visit.session.scope();
    let current = scope.membership().map(|membership| membership.organization);
    let all = site.store.memberships_of(account.id()).await?;
    let items: Vec<_> = all
        .iter()
        .map(|membership| {
            let path = path(site, &membership.slug);
            let switch = visit.trip.via(&format!("{path}/switch"));
            let leave = format!("{path}/leave");
            let is_current = current == Some(membership.organization);
            let role = membership.role.as_str();
            OrganizationItem::new(&membership.name, role, [path, switch, leave], is_current)
        })
        .collect();
    let parts = FrameParts::new(site, account, Flow::Organizations);
    let action = visit.trip.via(&Flow::Organizations.path(site));
    let create = site.organizations.creations.map(|_| action.as_str());
    let page = OrganizationList::new(parts.frame(site), &items, create, (name, problem));
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let html = site.pages.settings_organizations(&page);
    Ok(if visit.trip.leads_on() {
        respond::html_leading_on(status, html)
    } else {
        respond::html(status, html)
    })
}
