//! A second factor that is lost: an administrator takes it away, so that the password alone logs in.

use crate::account::AccountError;
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::page::Letter;
use crate::scope::Account;
use crate::store::{Effects, FactorRemoval, PasskeyRemoval};

/// Removes the passkeys, but for one that is the only way in, and then the app with its backup codes,
/// so that whoever has both is told once. `false` if one stays, since nobody else is the owner who
/// comes in although single sign-on is enforced.
pub(super) async fn remove(
    site: &Site,
    visit: &Visit,
    target: &Account,
) -> Result<bool, AccountError> {
    let (store, id, now) = (&site.store, target.id(), site.now());
    let none_left = |effects: Effects| match target.email() {
        Some(to) => effects.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::SecondFactorRemoved { forgot },
            now,
        )),
        None => effects,
    };
    let mut is_needed = false;
    for passkey in store.passkeys_of(id).await? {
        let entry = visit.entry(Action::REMOVE_PASSKEY).about(id).to("passkey", passkey.id);
        let (along, last) = (site.effects(entry), none_left(Effects::none()));
        match store.remove_passkey(id, passkey.id, &site.open_ways(), &along, &last).await? {
            PasskeyRemoval::Removed { .. } => along.announce(),
            PasskeyRemoval::LastToComeIn => is_needed = true,
            PasskeyRemoval::LastWayIn | PasskeyRemoval::NotFound => {}
        }
    }
    let along = site.effects(visit.entry(Action::DISABLE).about(id));
    let along = match (store.passkeys_of(id).await?.is_empty(), target.email()) {
        (false, Some(to)) => {
            along.and_delivery(site.letters.notice(to, |forgot| Letter::AppRemoved { forgot }, now))
        }
        _ => none_left(along),
    };
    match store.remove_totp(id, None, &along).await? {
        FactorRemoval::Removed { .. } => along.announce(),
        FactorRemoval::LastToComeIn => is_needed = true,
        FactorRemoval::Refused => {}
    }
    Ok(!is_needed)
}
