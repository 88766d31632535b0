//! What an administrator may read of the audit log.

use std::collections::HashMap;

use super::{AdminAct, may};
use crate::account::AccountError;
use crate::account::site::{Site, Visit};
use crate::audit::AuditEntry;
use crate::scope::{Account, UserId};

/// Whose entries may be read, as far as it was asked already.
pub(super) struct Readable<'a> {
    site: &'a Site,
    visit: &'a Visit,
    known: HashMap<UserId, bool>,
}

impl<'a> Readable<'a> {
    pub(super) fn new(site: &'a Site, visit: &'a Visit) -> Self {
        Self { site, visit, known: HashMap::new() }
    }

    /// Whether an entry may be read: one about a user if that user is in reach, and one about nobody
    /// if whoever did it is. One that names neither may be read by whoever reads the log at all.
    pub(super) async fn admits(&mut self, entry: &AuditEntry) -> Result<bool, AccountError> {
        match entry.user.as_ref().or(entry.actor.as_ref()) {
            Some(user) => self.reaches(user).await,
            None => Ok(true),
        }
    }

    async fn reaches(&mut self, user: &UserId) -> Result<bool, AccountError> {
        if let Some(known) = self.known.get(user) {
            return Ok(*known);
        }
        let account = account(self.site, user).await?;
        let reaches = may(self.site, self.visit, AdminAct::ReadAudit, Some(&account)).await;
        self.known.insert(user.clone(), reaches);
        Ok(reaches)
    }
}

/// The account with this id. Of one that is gone, or no user's, only the id is left to decide by.
pub(super) async fn account(site: &Site, user: &UserId) -> Result<Account, AccountError> {
    let found = site.store.find_account(user).await?;
    Ok(found.unwrap_or_else(|| Account::new(user.clone())))
}
