//! What an administrator does to an organization: each with a fresh login, counted, and written into
//! the audit log with the change.

use uuid::Uuid;

use super::{find, page, path};
use crate::account::AccountError;
use crate::account::admin::{AdminAct, LIMIT, entries, organizations, permit, permit_in};
use crate::account::organization::{
    Became, OrganizationError, grant, note_refusal, to_member, withdraw,
};
use crate::account::site::{Answer, Site, Visit};
use crate::audit::{Action, Entry};
use crate::http::{Form, respond};
use crate::page::AdminOrganizationProblem as Problem;
use crate::scope::{MemberRole, OrganizationId, UserId};
use crate::store::{
    Effects, InvitationId, MemberChange, NewRole, Organization, OrganizationChange,
};

/// Why it was not done, if it was not.
type Done = Result<Option<Problem>, AccountError>;

pub(in crate::account::admin) async fn submit(
    site: &Site,
    visit: &Visit,
    id: OrganizationId,
    name: &str,
) -> Answer {
    let act = match name {
        "remove" => AdminAct::RemoveMember,
        "role" => AdminAct::ChangeRole,
        "revoke" => AdminAct::RevokeInvitation,
        "grant-domain" => AdminAct::GrantDomain,
        "withdraw-domain" => AdminAct::WithdrawDomain,
        "delete" => AdminAct::DeleteOrganization,
        _ => return Err(AccountError::NotFound),
    };
    let administrator = visit.fresh_account(site)?;
    let target = find(site, visit, id).await?;
    permit_in(site, visit, act, &target).await?;
    if !site.store.count_admin_action(administrator.id(), LIMIT, site.now()).await? {
        return Err(AccountError::TooMany);
    }
    let form = visit.form()?;
    let problem = match act {
        AdminAct::RemoveMember => remove(site, visit, &target, &form).await?,
        AdminAct::ChangeRole => change_role(site, visit, &target, &form).await?,
        AdminAct::RevokeInvitation => revoke(site, visit, &target, &form).await?,
        AdminAct::GrantDomain => grant_domain(site, visit, &target, &form).await?,
        AdminAct::WithdrawDomain => withdraw_domain(site, visit, &target, &form).await?,
        AdminAct::DeleteOrganization => delete(site, visit, &target, &form).await?,
        _ => return Err(AccountError::NotFound),
    };
    match (problem, act) {
        (Some(problem), _) => page(site, visit, &target, Some(problem)).await,
        (None, AdminAct::DeleteOrganization) => Ok(respond::see_other(&organizations::path(site))),
        (None, _) => Ok(respond::see_other(&path(site, id))),
    }
}

/// Nobody's role is looked at: the host says what administrators may. The last owner stays.
async fn remove(site: &Site, visit: &Visit, target: &Organization, form: &Form) -> Done {
    let Some(user) = member(site, visit, form).await? else { return Ok(Some(Problem::Changed)) };
    let entry = || visit.entry(Action::REMOVE_MEMBER).about(&user).in_organization(target.id);
    let mut along = site.effects(entry());
    along.deliveries.extend(to_member(site, target, &user, Became::Removed).await?);
    let told = site.store.remove_member(target.id, &user, None, &along, site.now()).await?;
    changed(site, told, &along, entry()).await
}

async fn change_role(site: &Site, visit: &Visit, target: &Organization, form: &Form) -> Done {
    let Some(user) = member(site, visit, form).await? else { return Ok(Some(Problem::Changed)) };
    let typed = form.get("role")?.unwrap_or_default();
    let roles = site.organizations.may_give(&MemberRole::OWNER);
    let role = roles.into_iter().find(|role| role.as_str() == typed);
    let role = role.ok_or(AccountError::Forbidden)?;
    let entry = || {
        let entry = visit.entry(Action::CHANGE_ROLE).about(&user).in_organization(target.id);
        entry.with("role", role.as_str())
    };
    let mut along = site.effects(entry());
    along.deliveries.extend(to_member(site, target, &user, Became::Role(&role)).await?);
    let new = NewRole { role: role.clone(), gives: site.organizations.may_give(&role) };
    let told = site.store.change_role(target.id, &user, &new, None, &along).await?;
    changed(site, told, &along, entry()).await
}

async fn revoke(site: &Site, visit: &Visit, target: &Organization, form: &Form) -> Done {
    let Ok(id) = Uuid::parse_str(form.get("invitation")?.unwrap_or_default()) else {
        return Ok(Some(Problem::Changed));
    };
    let entry = visit.entry(Action::REVOKE_INVITATION).to("invitation", id);
    let along = site.effects(entry.in_organization(target.id));
    let revoked = site.store.revoke_invitation(target.id, InvitationId(id), None, &along).await?;
    Ok(announced(revoked, &along))
}

async fn grant_domain(site: &Site, visit: &Visit, target: &Organization, form: &Form) -> Done {
    let domain = form.get("domain")?.unwrap_or_default();
    let login_path = form.get("login_path")?.unwrap_or_default().trim();
    let entry = visit.entry(Action::GRANT_DOMAIN);
    match grant(site, target.id, (domain, login_path), entry).await {
        Ok(()) => Ok(None),
        Err(error) => problem(error).map(Some),
    }
}

async fn withdraw_domain(site: &Site, visit: &Visit, target: &Organization, form: &Form) -> Done {
    let domain = form.get("domain")?.unwrap_or_default();
    match withdraw(site, target.id, domain, visit.entry(Action::WITHDRAW_DOMAIN)).await {
        Ok(gone) => Ok((!gone).then_some(Problem::Changed)),
        Err(error) => problem(error).map(Some),
    }
}

/// Takes the slug, typed: a button is soon pressed.
async fn delete(site: &Site, visit: &Visit, target: &Organization, form: &Form) -> Done {
    if form.get("slug")?.map(str::trim) != Some(target.slug.as_str()) {
        return Ok(Some(Problem::Slug));
    }
    let entry = visit.entry(Action::DELETE_ORGANIZATION).with("slug", target.slug.as_str());
    let along = site.effects(entry.in_organization(target.id));
    let told = site.store.delete_organization(target.id, None, &along, site.now()).await?;
    Ok(announced(told == OrganizationChange::Done, &along))
}

/// Whom the form is about. Somebody whom the administrator may not look at is no member, to them.
async fn member(site: &Site, visit: &Visit, form: &Form) -> Result<Option<UserId>, AccountError> {
    let typed = form.get("user")?.unwrap_or_default();
    let Ok(user) = UserId::new(typed) else { return Ok(None) };
    let account = entries::account(site, &user).await?;
    match permit(site, visit, AdminAct::Look, Some(&account)).await {
        Ok(_) => Ok(Some(user)),
        Err(AccountError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn changed(site: &Site, told: MemberChange, along: &Effects, entry: Entry) -> Done {
    let problem = match told {
        MemberChange::Done => {
            along.announce();
            return Ok(None);
        }
        MemberChange::LastOwner => Problem::LastOwner,
        MemberChange::LastToComeIn => Problem::LastToComeIn,
        MemberChange::NotAMember | MemberChange::NotAllowed => Problem::Changed,
    };
    note_refusal(site, entry, told).await?;
    Ok(Some(problem))
}

fn announced(done: bool, along: &Effects) -> Option<Problem> {
    if done {
        along.announce();
    }
    (!done).then_some(Problem::Changed)
}

fn problem(error: OrganizationError) -> Result<Problem, AccountError> {
    match error {
        OrganizationError::Domain(_) => Ok(Problem::Domain),
        OrganizationError::DomainTaken => Ok(Problem::DomainTaken),
        OrganizationError::LoginPath(_) => Ok(Problem::LoginPath),
        OrganizationError::LoginWithoutDomains(_) => Ok(Problem::LoginWithoutDomains),
        OrganizationError::Store(error) => Err(error.into()),
        OrganizationError::NoSingleSignOn => Err(AccountError::NotFound),
        _ => Ok(Problem::Changed),
    }
}
