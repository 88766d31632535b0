//! What a member is told who did not do it themselves, and the audit log of what was refused.

use crate::account::settings;
use crate::account::site::Site;
use crate::audit::Entry;
use crate::page::Letter;
use crate::scope::{MemberRole, UserId};
use crate::store::{MemberChange, NewDelivery, Organization, StoreError};

/// What became of a member.
#[derive(Clone, Copy, Debug)]
pub(in crate::account) enum Became<'a> {
    Removed,
    Role(&'a MemberRole),
}

/// The mail to a member of the organization, to be written with what it tells of; `None` if we know
/// no address of theirs that is confirmed.
pub(in crate::account) async fn to_member(
    site: &Site,
    organization: &Organization,
    member: &UserId,
    became: Became<'_>,
) -> Result<Option<NewDelivery>, StoreError> {
    let Some(account) = site.store.find_account(member).await? else { return Ok(None) };
    let Some(to) = account.email().filter(|_| account.email_verified()) else { return Ok(None) };
    let organizations = site.letters.absolute(&settings::organizations_path(&site.paths));
    let (organization, organizations) = (organization.name.as_str(), organizations.as_str());
    let letter = match became {
        Became::Removed => Letter::MemberRemoved { organization, organizations },
        Became::Role(role) => {
            Letter::RoleChanged { organization, role: role.as_str(), organizations }
        }
    };
    Ok(Some(site.letters.write(to, &letter, site.now())))
}

/// Tells the audit log that somebody would have left an organization without an owner, or without one
/// who comes in all the same.
pub(in crate::account) async fn note_refusal(
    site: &Site,
    entry: Entry,
    told: MemberChange,
) -> Result<(), StoreError> {
    if matches!(told, MemberChange::LastOwner | MemberChange::LastToComeIn) {
        let entry = entry.refused().at(site.now(), &*site.random);
        site.store.write_audit_entry(&entry).await?;
        entry.announce();
    }
    Ok(())
}
