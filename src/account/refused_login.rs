//! A login by password that is refused.
//!
//! Whoever knows the password of an account whose address nobody has confirmed is answered as if it
//! were wrong. Anybody can choose such a password, by signing up: if it were ever told to be right,
//! signing up and logging in would tell whether an address had been free. Its owner learns by mail
//! what is missing.

use super::config::Unconfirmed;
use super::confirm::request_entry;
use super::prove::{Mistaken, ProvenUser};
use super::site::{Site, Visit};
use super::{AccountError, Email};
use crate::audit::Action;
use crate::crypto::RandomExt as _;
use crate::scope::{Account, UserId};
use crate::store::{LinkPurpose, LinkRequest, LoginRefusal};

/// Whether a login is refused until the address is confirmed.
pub(super) fn must_wait(site: &Site, account: &Account) -> bool {
    !account.email_verified() && site.policy.unconfirmed == Unconfirmed::Block
}

/// Refuses it, by the same steps whatever the reason: the link to confirm the address is written, for
/// nobody if it is not what is missing, and is stored and mailed only if it is.
pub(super) async fn refuse(
    site: &Site,
    visit: &Visit,
    email: &Email,
    reason: Result<&ProvenUser, &Mistaken>,
) -> Result<(), AccountError> {
    let now = site.now();
    let entry = visit.entry(Action::LOG_IN);
    let (entry, owner, unconfirmed) = match reason {
        Ok(user) => {
            let id = user.account.id();
            let entry = entry.refused().with("unconfirmed", true).about(id);
            (entry, Some(id.clone()), Some(user.counter))
        }
        Err(Mistaken { owner, is_locked }) => {
            let entry = entry.refused().with("locked", *is_locked);
            let id = owner.as_ref().map(|owner| owner.id().clone());
            let entry = match &id {
                Some(id) => entry.about(id),
                None => entry,
            };
            (entry, id, None)
        }
    };
    let owner = owner.unwrap_or_else(|| UserId::from(site.random.uuid_v7(now)));
    let (places, life) = ((&site.paths, &visit.trip), (now, site.policy.confirm_for));
    let mut link = site.letters.confirmation(&owner, email, places, life);
    link.effects = link.effects.and_entry(request_entry(site, visit, LinkPurpose::Confirm));
    let refused = site.effects(entry);
    let limit = site.policy.link_requests;
    let refusal = LoginRefusal { refused, unconfirmed, link, limit };
    let asked = site.store.refuse_login(email.as_str(), &refusal, now).await?;
    refusal.refused.announce();
    if asked == LinkRequest::Sent {
        refusal.link.effects.announce();
    }
    Ok(())
}
