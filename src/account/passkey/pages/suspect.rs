//! What is told of a passkey that may have been copied, and what becomes of it.

use super::PasskeySite;
use super::prove::Proven;
use crate::account::AccountError;
use crate::account::settings;
use crate::account::single_sign_on::let_in_all_the_same;
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::page::Letter;
use crate::store::{Effects, PasskeyRemoval, SignCountPolicy};

/// What is written if the store finds that it may have been copied. Owners of an organization are
/// told, too, where who has it comes in although single sign-on is enforced, and loses it.
pub(super) async fn effects(
    site: &Site,
    keys: &PasskeySite,
    visit: &Visit,
    proven: &Proven,
) -> Result<Effects, AccountError> {
    let (account, now) = (&proven.found.account, site.now());
    let entry = visit.entry(Action::SUSPECT_PASSKEY).about(account.id());
    let entry = entry.with("count", proven.proof.sign_count);
    let mut suspected = site.effects(entry.with("policy", keys.policy.sign_count.name()));
    if let Some(to) = account.email() {
        suspected = suspected.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::PasskeySuspected { forgot },
            now,
        ));
    }
    // It is rare, so it may read.
    if keys.policy.sign_count == SignCountPolicy::Revoke && is_foreseen(proven) {
        tell_owners(site, visit, proven, &mut suspected).await?;
    }
    Ok(suspected)
}

/// Whether the count has not grown, as far as it was known when the answer was looked at.
fn is_foreseen(proven: &Proven) -> bool {
    let (said, known) = (proven.proof.sign_count, proven.found.passkey.sign_count);
    said <= known && (said, known) != (0, 0)
}

async fn tell_owners(
    site: &Site,
    visit: &Visit,
    proven: &Proven,
    suspected: &mut Effects,
) -> Result<(), AccountError> {
    let (account, now) = (&proven.found.account, site.now());
    let Some((organization, owners)) = let_in_all_the_same(site, account.id()).await? else {
        return Ok(());
    };
    let entry = visit.entry(Action::SUSPECT_PASSKEY).about(account.id());
    let entry = entry.to("passkey", proven.proof.id).in_organization(organization.id);
    suspected.audit.push(entry.at(now, &*site.random));
    let settings = settings::single_sign_on_path(&site.paths, &organization.slug);
    let settings = site.letters.absolute(&settings);
    let letter = Letter::BreakGlassSuspected {
        organization: &organization.name,
        member: account.email().unwrap_or(account.id().as_str()),
        settings: &settings,
    };
    for owner in owners {
        if let Some(to) = owner.email().filter(|_| owner.email_verified()) {
            suspected.deliveries.push(site.letters.write(to, &letter, now));
        }
    }
    Ok(())
}

/// Removes a passkey that is suspended. It stays where with it would go the second step of the last
/// owner who comes in although single sign-on is enforced, and their backup codes: it opens nothing,
/// and they still do.
pub(super) async fn revoke(
    site: &Site,
    visit: &Visit,
    proven: &Proven,
) -> Result<(), AccountError> {
    let (user, id) = (proven.found.account.id(), proven.proof.id);
    // Whoever looks for removals finds it.
    let entry = visit.entry(Action::REMOVE_PASSKEY).about(user).to("passkey", id);
    let (along, none) = (site.effects(entry.with("reason", "suspected")), Effects::none());
    let removed = site.store.remove_passkey(user, id, &site.open_ways(), &along, &none).await?;
    if let PasskeyRemoval::Removed { .. } = removed {
        along.announce();
    }
    Ok(())
}
