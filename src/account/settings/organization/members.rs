//! Who belongs to it, and as what.

use super::{Place, refused};
use crate::account::AccountError;
use crate::account::organization::{Became, note_refusal, to_member};
use crate::account::settings::{Flow, organizations};
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::http::{Form, respond};
use crate::page::OrganizationProblem;
use crate::scope::{MemberRole, UserId};
use crate::store::{MemberChange, NewRole};

/// The last owner stays.
pub(super) async fn leave(site: &Site, visit: &Visit, place: Place) -> Answer {
    let (id, user) = (place.organization.id, place.account.id());
    let entry = || visit.entry(Action::LEAVE_ORGANIZATION).in_organization(id);
    let along = site.effects(entry());
    let told = site.store.remove_member(id, user, None, &along, site.now()).await?;
    if let Some(problem) = problem(told) {
        note_refusal(site, entry(), told).await?;
        return organizations::page(site, visit, &place.account, ("", Some(problem))).await;
    }
    along.announce();
    Ok(respond::see_other(&Flow::Organizations.path(site)))
}

pub(super) async fn remove(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    let id = place.organization.id;
    let Some(user) = target(site, &place, &form).await? else {
        return refused(site, visit, &place, OrganizationProblem::Changed).await;
    };
    let by = site.organizations.manager(place.account.id());
    let entry = || visit.entry(Action::REMOVE_MEMBER).about(&user).in_organization(id);
    let mut along = site.effects(entry());
    along.deliveries.extend(to_member(site, &place.organization, &user, Became::Removed).await?);
    let told = site.store.remove_member(id, &user, Some(&by), &along, site.now()).await?;
    if let Some(problem) = problem(told) {
        note_refusal(site, entry(), told).await?;
        return refused(site, visit, &place, problem).await;
    }
    along.announce();
    Ok(place.back(site))
}

pub(super) async fn change_role(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    let target = target(site, &place, &form).await?;
    let id = place.organization.id;
    let role = given(site, &place, &form)?;
    let Some(user) = target else {
        return refused(site, visit, &place, OrganizationProblem::Changed).await;
    };
    let by = site.organizations.giver(place.account.id(), &role);
    let entry = || {
        let entry = visit.entry(Action::CHANGE_ROLE).about(&user).in_organization(id);
        entry.with("role", role.as_str())
    };
    let mut along = site.effects(entry());
    let became = Became::Role(&role);
    along.deliveries.extend(to_member(site, &place.organization, &user, became).await?);
    let new = NewRole { role: role.clone(), gives: site.organizations.may_give(&role) };
    let told = site.store.change_role(id, &user, &new, Some(&by), &along).await?;
    if let Some(problem) = problem(told) {
        note_refusal(site, entry(), told).await?;
        return refused(site, visit, &place, problem).await;
    }
    along.announce();
    Ok(place.back(site))
}

/// The role that the form gives, if the member may give it.
pub(super) fn given(site: &Site, place: &Place, form: &Form) -> Result<MemberRole, AccountError> {
    let typed = form.get("role")?.unwrap_or_default();
    let roles = site.organizations.may_give(&place.role);
    let role = roles.into_iter().find(|role| role.as_str() == typed);
    role.ok_or(AccountError::Forbidden)
}

/// Whom the form is about. Who stands above is out of reach, and told so; that it is still so is for
/// the transition to see.
async fn target(site: &Site, place: &Place, form: &Form) -> Result<Option<UserId>, AccountError> {
    let typed = form.get("user")?.unwrap_or_default();
    let Ok(user) = UserId::new(typed) else { return Ok(None) };
    let Some(found) = site.store.membership(place.organization.id, &user).await? else {
        return Ok(None);
    };
    let reaches = site.organizations.reaches(&place.role, &found.role);
    if reaches { Ok(Some(user)) } else { Err(AccountError::Forbidden) }
}

fn problem(told: MemberChange) -> Option<OrganizationProblem> {
    match told {
        MemberChange::Done => None,
        MemberChange::LastOwner => Some(OrganizationProblem::LastOwner),
        MemberChange::LastToComeIn => Some(OrganizationProblem::LastToComeIn),
        MemberChange::NotAMember | MemberChange::NotAllowed => Some(OrganizationProblem::Changed),
    }
}
