//! Where the users of a domain log in, and who comes in all the same.
//!
//! While an organization enforces single sign-on for a domain, nobody with an address in it comes in
//! by anything but its identity provider: the way here is closed in
//! [`sign_in::open`](super::sign_in), which every way passes, by what is read there anyway; and a
//! session that was written at that very moment opens nothing, by the read that every request begins
//! with ([`SsoStore`](crate::store::SsoStore)). Neither says whether anybody has the address: the
//! domain decides.

use http::Response;

use super::email::Email;
use super::login::{LOGIN_HINT, NOTICE};
use super::organization::EmailDomain;
use super::sign_in::SignIn;
use super::site::{Site, Visit};
use super::{AccountError, settings};
use crate::audit::Action;
use crate::crypto::RandomExt as _;
use crate::http::{Body, respond};
use crate::page::Letter;
use crate::scope::{Account, BREAK_GLASS, UserId};
use crate::store::{Effects, EnforcedSso, Organization, SsoDomain, SsoMode, Standing};

/// What the page to log in says then.
pub(super) const ENFORCED: &str = "single-sign-on";

/// What is known of the domain of an address, if its users can log in elsewhere.
pub(super) async fn route(site: &Site, email: &Email) -> Result<Option<SsoDomain>, AccountError> {
    let Some(domain) = EmailDomain::of(email) else { return Ok(None) };
    let found = site.store.sso_of(domain.as_str()).await?;
    Ok(found.filter(|found| found.mode != SsoMode::Off))
}

/// The same, if they log in nowhere else.
pub(super) async fn enforced(
    site: &Site,
    email: &Email,
) -> Result<Option<SsoDomain>, AccountError> {
    Ok(route(site, email).await?.filter(|found| found.mode == SsoMode::Enforced))
}

/// To the identity provider, with the trip, and the address for it to begin with.
pub(super) fn lead(visit: &Visit, login_path: &str, email: &Email) -> Response<Body> {
    respond::see_other(&visit.trip.via_with(login_path, &[(LOGIN_HINT, email.as_str())]))
}

/// To the page to log in, which leads to the identity provider: other pages have forms that browsers
/// let go nowhere else (`form-action`).
pub(super) fn point(site: &Site, visit: &Visit, email: &str) -> Response<Body> {
    let fields = [(NOTICE, ENFORCED), (LOGIN_HINT, email)];
    respond::see_other(&visit.trip.via_with(&site.paths.login, &fields))
}

/// The answer to somebody who must log in elsewhere; `None` for everybody else.
pub(super) fn elsewhere(
    site: &Site,
    visit: &Visit,
    who: &SignIn<'_>,
    standing: &Standing,
) -> Option<Response<Body>> {
    let sso = standing.sso.as_ref()?;
    (!admits(sso, who.login_path.as_deref())).then(|| point(site, visit, who.email.as_str()))
}

/// The same, for a login that waited: much may have changed.
pub(super) async fn elsewhere_by_now(
    site: &Site,
    visit: &Visit,
    (user, email): (&UserId, &Email),
    login_path: Option<&str>,
) -> Result<Option<Response<Body>>, AccountError> {
    let standing = site.store.standing(user).await?.unwrap_or_default();
    let sso = standing.sso.filter(|sso| !admits(sso, login_path));
    Ok(sso.map(|_| point(site, visit, email.as_str())))
}

fn admits(sso: &EnforcedSso, login_path: Option<&str>) -> bool {
    match login_path {
        Some(BREAK_GLASS) => sso.break_glass,
        Some(path) => path == sso.login_path,
        None => false,
    }
}

/// Whom to tell of somebody who comes in although single sign-on is enforced: the organization, and
/// its owners. `None` for everybody else. It is rare, so it may read.
pub(super) async fn glass_of(
    site: &Site,
    who: &SignIn<'_>,
) -> Result<Option<(Organization, Vec<Account>)>, AccountError> {
    if who.login_path.as_deref() != Some(BREAK_GLASS) {
        return Ok(None);
    }
    let standing = site.store.standing(who.account.id()).await?;
    owned(site, standing.and_then(|standing| standing.sso)).await
}

/// The organization that lets this user in although it enforces single sign-on, and its owners.
#[cfg(feature = "passkeys")]
pub(super) async fn let_in_all_the_same(
    site: &Site,
    user: &UserId,
) -> Result<Option<(Organization, Vec<Account>)>, AccountError> {
    let standing = site.store.standing(user).await?;
    let sso = standing.and_then(|standing| standing.sso).filter(|sso| sso.break_glass);
    owned(site, sso).await
}

async fn owned(
    site: &Site,
    sso: Option<EnforcedSso>,
) -> Result<Option<(Organization, Vec<Account>)>, AccountError> {
    let Some(sso) = sso else { return Ok(None) };
    let Some(organization) = site.store.find_organization(sso.organization).await? else {
        return Ok(None);
    };
    Ok(Some((organization, site.store.owners_of(sso.organization).await?)))
}

/// Tells them, and the audit log of the organization.
pub(super) fn tell_owners(
    site: &Site,
    visit: &Visit,
    who: &SignIn<'_>,
    (organization, owners): &(Organization, Vec<Account>),
    along: &mut Effects,
) {
    let (user, now) = (who.account.id(), site.now());
    let entry = visit.entry(Action::BREAK_GLASS).about(user).in_organization(organization.id);
    along.audit.push(entry.at(now, &*site.random));
    let settings = settings::single_sign_on_path(&site.paths, &organization.slug);
    let settings = site.letters.absolute(&settings);
    let letter = Letter::BreakGlass {
        organization: &organization.name,
        member: who.email.as_str(),
        settings: &settings,
    };
    for owner in owners {
        if let Some(to) = owner.email().filter(|_| owner.email_verified()) {
            along.deliveries.push(site.letters.write(to, &letter, now));
        }
    }
}

/// Whether this user comes in by a password although single sign-on is enforced. Nobody does not, and costs
/// the same call.
pub(super) async fn breaks_glass(
    site: &Site,
    account: Option<&Account>,
) -> Result<bool, AccountError> {
    let nobody = || UserId::from(site.random.uuid_v7(site.now()));
    let user = account.map_or_else(nobody, |account| account.id().clone());
    let standing = site.store.standing(&user).await?;
    Ok(standing.and_then(|standing| standing.sso).is_some_and(|sso| sso.break_glass))
}
