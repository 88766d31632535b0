//! What is told of a passkey that may have been copied, and what becomes of it.

use std::sync::Arc;

use tracing::instrument::{Instrument as _, WithSubscriber as _};
use uuid::Uuid;

use super::PasskeySite;
use super::prove::Proven;
use crate::account::AccountError;
use crate::account::settings;
use crate::account::single_sign_on::let_in_all_the_same;
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::page::Letter;
use crate::scope::UserId;
use crate::store::{Effects, Passkey, PasskeyRemoval, SignCountPolicy, StoreError};

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
    user: &UserId,
    id: Uuid,
) -> Result<PasskeyRemoval, AccountError> {
    // Whoever looks for removals finds it.
    let entry = visit.entry(Action::REMOVE_PASSKEY).about(user).to("passkey", id);
    let along = site.effects(entry.with("reason", "suspected"));
    let (store, user, open) = (Arc::clone(&site.store), user.clone(), site.open_ways());
    let removal = async move {
        let removed = store.remove_passkey(&user, id, &open, &along, &Effects::none()).await?;
        if let PasskeyRemoval::Removed { .. } = removed {
            along.announce();
        }
        Ok::<_, StoreError>(removed)
    };
    // In a task of its own: whoever presented a copy does not keep it by hanging up.
    let removal = removal.in_current_span().with_current_subscriber();
    match tokio::spawn(removal).await {
        Ok(removed) => removed.map_err(AccountError::from),
        Err(error) => Err(StoreError::Unavailable(error.into()).into()),
    }
}

/// Removes those of a user's passkeys that are suspended still: whoever suspended one may not have
/// lived to remove it, and while it is there the user is asked for a second step that they may not
/// have. Answers whether the user's last second factor went, now or meanwhile.
pub(super) async fn revoke_left(
    site: &Site,
    visit: &Visit,
    user: &UserId,
    passkeys: &[Passkey],
) -> Result<bool, AccountError> {
    let mut went = false;
    for passkey in passkeys.iter().filter(|passkey| passkey.suspended_at.is_some()) {
        went |= match revoke(site, visit, user, passkey.id).await? {
            PasskeyRemoval::Removed { last_factor, .. } => last_factor,
            PasskeyRemoval::NotFound => true,
            PasskeyRemoval::LastWayIn | PasskeyRemoval::LastToComeIn => false,
        };
    }
    Ok(went)
}
