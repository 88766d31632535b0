//! Its name, what it asks of its members, and its end.

use super::{Place, refused};
use crate::account::organization::OrganizationName;
use crate::account::settings::Flow;
use crate::account::settings::organizations::name_problem;
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::http::respond;
use crate::page::OrganizationProblem;
use crate::store::{Effects, OrganizationChange};

pub(super) async fn rename(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    let typed = form.get("name")?.unwrap_or_default();
    let name = match typed.parse::<OrganizationName>() {
        Ok(name) => name,
        Err(invalid) => return refused(site, visit, &place, name_problem(invalid)).await,
    };
    let id = place.organization.id;
    let entry = visit.entry(Action::RENAME_ORGANIZATION).with("name", name.as_str());
    let along = site.effects(entry.in_organization(id));
    let by = site.organizations.manager(place.account.id());
    let told = site.store.rename_organization(id, name.as_str(), Some(&by), &along).await?;
    done(site, visit, &place, told, &along).await
}

pub(super) async fn require_second_factor(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    let requires = form.get("required")? == Some("yes");
    let id = place.organization.id;
    let entry = visit.entry(Action::REQUIRE_SECOND_FACTOR).with("required", requires);
    let along = site.effects(entry.in_organization(id));
    let by = site.organizations.owner(place.account.id());
    let told = site.store.require_second_factor(id, requires, Some(&by), &along).await?;
    done(site, visit, &place, told, &along).await
}

/// Takes the slug, typed: a button is soon pressed.
pub(super) async fn delete(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    if form.get("slug")?.map(str::trim) != Some(place.organization.slug.as_str()) {
        return refused(site, visit, &place, OrganizationProblem::Changed).await;
    }
    let id = place.organization.id;
    let entry = visit.entry(Action::DELETE_ORGANIZATION).with("slug", &*place.organization.slug);
    let along = site.effects(entry.in_organization(id));
    let by = site.organizations.owner(place.account.id());
    match site.store.delete_organization(id, Some(&by), &along, site.now()).await? {
        OrganizationChange::Done => {
            along.announce();
            Ok(respond::see_other(&Flow::Organizations.path(site)))
        }
        OrganizationChange::Refused => {
            refused(site, visit, &place, OrganizationProblem::Changed).await
        }
    }
}

async fn done(
    site: &Site,
    visit: &Visit,
    place: &Place,
    told: OrganizationChange,
    along: &Effects,
) -> Answer {
    match told {
        OrganizationChange::Done => {
            along.announce();
            Ok(place.back(site))
        }
        OrganizationChange::Refused => {
            refused(site, visit, place, OrganizationProblem::Changed).await
        }
    }
}
