//! Asks for the end of an account, whoever does.

use crate::account::Email;
use crate::account::letters::Linked;
use crate::account::site::Site;
use crate::account::trip::Trip;
use crate::audit::Entry;
use crate::scope::Account;
use crate::store::{DeletionRequest, NewDeletion, Result};

/// After this grace; the link to keep it is mailed if there is any.
pub(in crate::account) async fn request(
    site: &Site,
    account: &Account,
    grace: time::Duration,
    entry: Entry,
) -> Result<DeletionRequest> {
    let now = site.now();
    let email = account.email().and_then(|email| Email::parse(email).ok());
    let keep = email.filter(|_| grace.is_positive()).map(|to| {
        let nowhere = Trip::default();
        let link = site.letters.link(Linked::Keep, &to, (&site.paths, &nowhere), (now, grace));
        (to.as_str().to_owned(), link)
    });
    let deletion = NewDeletion { user: account.id().clone(), at: now + grace, keep };
    let along = site.effects(entry);
    let asked = site.store.request_deletion(&deletion, &along, now).await?;
    if asked == DeletionRequest::Scheduled {
        along.announce();
    }
    Ok(asked)
}
