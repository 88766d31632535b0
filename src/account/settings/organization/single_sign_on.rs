//! Where those log in who have addresses in its domains, and who comes in all the same.

use http::{Response, StatusCode};

use super::Place;
use crate::account::AccountError;
use crate::account::organization::without_domains;
use crate::account::settings::{Flow, FrameParts};
use crate::account::site::{Answer, Site, Visit};
use crate::audit::{Action, Entry};
use crate::http::{Body, respond};
use crate::page::{BreakGlassItem, SsoDomainItem, SsoPage, SsoProblem};
use crate::scope::UserId;
use crate::store::{BreakGlassChange, NewSsoMode, SsoChange, SsoMode};

/// Members on the page.
const PAGE: u32 = 100;

pub(super) async fn show(site: &Site, place: &Place) -> Answer {
    page(site, place, None).await
}

/// What single sign-on is to the users of a domain.
pub(super) async fn change(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    let domain = form.get("domain")?.unwrap_or_default().to_owned();
    let Ok(mode) = form.get("mode")?.unwrap_or_default().parse::<SsoMode>() else {
        return page(site, &place, Some(SsoProblem::Changed)).await;
    };
    let scope = visit.session.scope();
    let came_by =
        scope.authentication().and_then(|known| known.login_path.as_deref().map(str::to_owned));
    // Who came by one that is no way in once it is enforced shows nothing by it.
    let came_by = came_by.filter(|path| speaks_for_domains(site, path));
    let entry = visit.entry(Action::CHANGE_SSO).in_organization(place.organization.id);
    let entry = entry.with("domain", domain.as_str()).with("mode", mode.as_str());
    let organization = place.organization.id;
    if mode == SsoMode::Enforced && without_domains(site, organization, &domain).await?.is_some() {
        return page(site, &place, Some(SsoProblem::LoginWithoutDomains)).await;
    }
    let along = site.effects(entry.clone());
    let new = NewSsoMode { organization, domain, mode, came_by, at: site.now() };
    let by = site.organizations.owner(place.account.id());
    match site.store.change_sso(&new, Some(&by), &along).await? {
        SsoChange::Done => {
            along.announce();
            Ok(back(site, &place))
        }
        SsoChange::LocksOut => {
            note_refusal(site, entry).await?;
            page(site, &place, Some(SsoProblem::LocksOut)).await
        }
        SsoChange::NoDomain | SsoChange::Refused => {
            page(site, &place, Some(SsoProblem::Changed)).await
        }
    }
}

/// Whether the provider at this path lets the users of a domain in that it is enforced for. Those of
/// SAML do.
#[cfg(feature = "social")]
fn speaks_for_domains(site: &Site, login_path: &str) -> bool {
    use crate::account::social::{Provider, at_path};
    at_path(site, login_path).is_none_or(Provider::speaks_for_domains)
}

#[cfg(not(feature = "social"))]
fn speaks_for_domains(_: &Site, _: &str) -> bool {
    true
}

/// Who comes in although single sign-on is enforced.
pub(super) async fn name(site: &Site, visit: &Visit, place: Place) -> Answer {
    let form = visit.form()?;
    let named = form.get("named")?.is_some();
    let Ok(user) = UserId::new(form.get("user")?.unwrap_or_default()) else {
        return page(site, &place, Some(SsoProblem::Changed)).await;
    };
    let id = place.organization.id;
    let entry = visit.entry(Action::NAME_BREAK_GLASS).about(&user).in_organization(id);
    let entry = entry.with("named", named);
    let along = site.effects(entry.clone());
    let by = site.organizations.owner(place.account.id());
    match site.store.name_break_glass((id, &user), named, Some(&by), &along, site.now()).await? {
        BreakGlassChange::Done => {
            along.announce();
            Ok(back(site, &place))
        }
        BreakGlassChange::Unfit => page(site, &place, Some(SsoProblem::Unfit)).await,
        BreakGlassChange::LastToComeIn => {
            note_refusal(site, entry).await?;
            page(site, &place, Some(SsoProblem::LastToComeIn)).await
        }
        BreakGlassChange::NotAMember | BreakGlassChange::Refused => {
            page(site, &place, Some(SsoProblem::Changed)).await
        }
    }
}

/// Tells the audit log that somebody would have locked everybody out.
async fn note_refusal(site: &Site, entry: Entry) -> Result<(), AccountError> {
    let entry = entry.refused().at(site.now(), &*site.random);
    site.store.write_audit_entry(&entry).await?;
    entry.announce();
    Ok(())
}

fn path(site: &Site, place: &Place) -> String {
    super::single_sign_on_path(&site.paths, &place.organization.slug)
}

/// To the page; whoever has just ended their own session is asked to log in there.
fn back(site: &Site, place: &Place) -> Response<Body> {
    respond::see_other(&path(site, place))
}

async fn page(
    site: &Site,
    place: &Place,
    problem: Option<SsoProblem>,
) -> Result<Response<Body>, AccountError> {
    let id = place.organization.id;
    let domains: Vec<_> = site.store.sso_domains(id).await?;
    let domains: Vec<_> = domains
        .into_iter()
        .map(|found| SsoDomainItem::new(found.domain, found.login_path, found.mode.as_str()))
        .collect();
    let named = site.store.break_glass_of(id).await?;
    let members = site.store.members_of(id, None, PAGE).await?;
    let members: Vec<_> = members
        .into_iter()
        .map(|member| {
            let id = member.account.id();
            let is_named = named.iter().any(|account| account.id() == id);
            let name = member.account.email().unwrap_or(id.as_str()).to_owned();
            let texts = [id.as_str().to_owned(), name, member.role.as_str().to_owned()];
            BreakGlassItem::new(texts, is_named)
        })
        .collect();
    let parts = FrameParts::new(site, &place.account, Flow::Organizations);
    let (path, back) = (path(site, place), place.path(site));
    let glass = format!("{}{}", site.origin, site.paths.break_glass);
    let paths = [path.as_str(), &back, &glass];
    let lists = (domains.as_slice(), members.as_slice());
    let page = SsoPage::new(parts.frame(site), &place.organization.name, paths, lists, problem);
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Ok(respond::html(status, site.pages.settings_single_sign_on(&page)))
}
