//! Who is invited.

use uuid::Uuid;

use super::members::given;
use super::{Place, refused};
use crate::account::Email;
use crate::account::organization::OrganizationAct;
use crate::account::organization::invite::{Guest, invite as send};
use crate::account::settings::organizations::is_unconfirmed;
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::page::OrganizationProblem;
use crate::store::{InvitationId, Invited};

pub(super) async fn invite(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    let role = given(site, &place, &form)?;
    let Ok(email) = Email::parse(form.get("email")?.unwrap_or_default()) else {
        return refused(site, visit, &place, OrganizationProblem::Email).await;
    };
    if is_unconfirmed(&place.account) {
        return refused(site, visit, &place, OrganizationProblem::Unconfirmed).await;
    }
    let user = place.account.id();
    let by = site.organizations.giver(user, &role);
    let name = place.account.email().unwrap_or(user.as_str());
    let guest = Guest { organization: &place.organization, email: &email, role: &role };
    let limits = Some(site.organizations.invitations);
    let organization = place.organization.id;
    let act = OrganizationAct::Invite { organization, email: email.as_str(), role: &role };
    if !site.permits(&place.account, &act).await {
        return refused(site, visit, &place, OrganizationProblem::Refused).await;
    }
    let entry = visit.entry(Action::INVITE);
    let told = send(site, &guest, Some((user, name)), (limits, Some(&by)), entry).await?;
    let problem = match told {
        Invited::Sent => {
            site.has_done(&place.account, &act).await;
            return Ok(place.back(site));
        }
        Invited::AlreadyMember => OrganizationProblem::AlreadyMember,
        Invited::InviterLimited => OrganizationProblem::InviterLimit,
        Invited::OrganizationLimited => OrganizationProblem::OrganizationLimit,
        Invited::Refused => OrganizationProblem::Changed,
    };
    refused(site, visit, &place, problem).await
}

pub(super) async fn revoke(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    let typed = form.get("invitation")?.unwrap_or_default();
    let Ok(id) = Uuid::parse_str(typed) else {
        return refused(site, visit, &place, OrganizationProblem::Changed).await;
    };
    let organization = place.organization.id;
    let entry = visit.entry(Action::REVOKE_INVITATION).to("invitation", id);
    let along = site.effects(entry.in_organization(organization));
    let by = site.organizations.manager(place.account.id());
    let id = InvitationId(id);
    if !site.store.revoke_invitation(organization, id, Some(&by), &along).await? {
        return refused(site, visit, &place, OrganizationProblem::Changed).await;
    }
    along.announce();
    Ok(place.back(site))
}
