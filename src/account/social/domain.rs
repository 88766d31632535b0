//! A provider that an organization has its users log in with, and nowhere else, speaks for the
//! addresses of the organization's domain. Whoever has the account with such an address could show in
//! no other way that it is theirs: the provider's word links the two, and nobody presses a button.
//!
//! It is the word of that very provider, about an address that it vouches for itself, and knows to be
//! backed by the owner of the domain ([`Backing`]): that an address is verified is not enough where
//! everybody can have an account with any address. Where another provider is enforced, and to whoever
//! has confirmed the address by mail, nothing is given here.

use http::Response;

use super::enter::{about, may_come, take_over};
use super::protocol::profile::{Backing, Profile};
use super::{Here, fault::Fault};
use crate::account::config::SignUps;
use crate::account::site::Visit;
use crate::account::{AccountError, Email, single_sign_on};
use crate::audit::Action;
use crate::http::Body;
use crate::page::Letter;
use crate::scope::Account;
use crate::store::{Linking, NewIdentity, SsoDomain, Unlinking};

/// What an address is to the provider that somebody comes from.
pub(super) enum Domain {
    /// Nobody's.
    Open,
    /// Its own, and its owner is behind the address.
    Own(SsoDomain),
    /// Its own, and whose the address is the provider does not say in the domain's name.
    Unbacked,
    /// That of another, where its users log in.
    Others(Response<Body>),
}

/// Looks at the domain of an address. The domain decides, and is no secret: whether the address has
/// an account is not looked at.
pub(super) async fn look(
    here: Here<'_>,
    visit: &Visit,
    (email, profile): (&Email, &Profile),
) -> Result<Domain, AccountError> {
    let Some(sso) = single_sign_on::enforced(here.site, email).await? else {
        return Ok(Domain::Open);
    };
    if sso.login_path != here.path("") {
        return Ok(Domain::Others(single_sign_on::point(here.site, visit, email.as_str())));
    }
    let backed = is_backed(here, &sso, &profile.backing).await?;
    Ok(if backed { Domain::Own(sso) } else { Domain::Unbacked })
}

/// Whether this account is of a domain whose users log in with the provider, and the provider does not
/// speak for the domain's owner: then the identity opens nothing, whenever it was linked, and whoever
/// linked it. A provider that can speak for nobody's domain is no way in there either.
pub(in crate::account) async fn disowns(
    here: Here<'_>,
    account: &Account,
    profile: &Profile,
) -> Result<bool, AccountError> {
    let Some(email) = account.email().and_then(|email| Email::parse(email).ok()) else {
        return Ok(false);
    };
    let sso = single_sign_on::enforced(here.site, &email).await?;
    // Where another is enforced, this one is turned away with the rest.
    match sso.filter(|sso| sso.login_path == here.path("")) {
        Some(sso) => Ok(!is_backed(here, &sso, &profile.backing).await?),
        None => Ok(false),
    }
}

/// Unlinks an identity that the domain's own provider has just disowned, so that the one which the
/// organization gave its user can take its place: an account has one identity of a provider. It opened
/// nothing any more. The only way in stays where it is.
pub(super) async fn unlink(
    here: Here<'_>,
    visit: &Visit,
    account: &Account,
) -> Result<(), AccountError> {
    let Here { site, provider, .. } = here;
    // One that speaks for no domain would unlink everybody.
    if !provider.speaks_for_domains() {
        return Ok(());
    }
    let entry = visit.entry(Action::UNLINK_IDENTITY).about(account.id());
    let entry = entry.with("provider", provider.id.as_str());
    let mut along = site.effects(entry.with("reason", Fault::Unbacked.reason()));
    if let Some(to) = account.email() {
        let name = here.name();
        along = along.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::IdentityUnlinked { forgot, provider: name },
            site.now(),
        ));
    }
    let ways = site.open_ways();
    let told = site.store.unlink_identity(account.id(), &provider.id, &ways, &along).await?;
    if told == Unlinking::Unlinked {
        along.announce();
    }
    Ok(())
}

/// Whether it is the domain's owner who is behind an address. An organization has several domains, and
/// its provider may know it by another than the address's.
async fn is_backed(
    here: Here<'_>,
    sso: &SsoDomain,
    backing: &Backing,
) -> Result<bool, AccountError> {
    match backing {
        Backing::Nobody => Ok(false),
        Backing::Owner => Ok(true),
        Backing::Hosted(domain) if *domain == sso.domain => Ok(true),
        Backing::Hosted(domain) => {
            let all = here.site.store.sso_domains(sso.organization).await?;
            let same = |one: &SsoDomain| one.domain == *domain && one.login_path == sso.login_path;
            Ok(all.iter().any(same))
        }
    }
}

/// Links the identity to the account with the address, or gives an account that nobody ever confirmed
/// to whoever it belongs to, if they may sign up. What is in the way, if something is: who is not in its
/// way is judged once more, as the user or by who was quicker.
pub(super) async fn link(
    here: Here<'_>,
    visit: &Visit,
    (sso, identity): (&SsoDomain, &NewIdentity),
    account: &Account,
) -> Result<Result<(), Fault>, AccountError> {
    let site = here.site;
    if !account.email_verified() {
        // Nobody has ever come in as its user: whoever does is new, and the host has its word. That
        // somebody once typed the address into a form, or wrote it down unconfirmed, opens no door that
        // is closed to everybody else of the domain; who confirms it by mail first has an account.
        let is_open = site.policy.sign_ups == SignUps::Open && here.providers.policy.sign_up;
        if !is_open {
            return Ok(Err(Fault::Closed));
        }
        may_come(here, visit, account.email().unwrap_or_default()).await?;
        take_over(here, visit, identity, account).await?;
        return Ok(Ok(()));
    }
    let email = account.email().unwrap_or_default();
    let entry = visit.entry(Action::LINK_IDENTITY).about(account.id());
    let entry = about(entry, identity).in_organization(sso.organization);
    let name = here.name();
    let along =
        site.effects(entry.with("domain", sso.domain.as_str())).and_delivery(site.letters.notice(
            email,
            |forgot| Letter::IdentityLinked { forgot, provider: name },
            site.now(),
        ));
    let to = (account.id(), email);
    match site.store.link_by_domain(to, &sso.login_path, identity, &along).await? {
        Linking::Linked => {
            along.announce();
            Ok(Ok(()))
        }
        Linking::Already | Linking::Taken | Linking::Gone => Ok(Ok(())),
        Linking::Another => Ok(Err(Fault::Another)),
    }
}
