//! What stands around each page.

use super::{AdminAct, may};
use crate::account::site::{Site, Visit};
use crate::page::AdminFrame;
use crate::scope::Account;

/// The texts of a frame.
pub(super) struct FrameParts {
    administrator: String,
    audit: String,
    organizations: Option<String>,
    webhooks: Option<String>,
    mails: Option<String>,
}

impl FrameParts {
    pub(super) async fn of(site: &Site, visit: &Visit, administrator: &Account) -> Self {
        let root = &site.paths.admin;
        let organizations = may(site, visit, AdminAct::LookAtOrganization, None).await;
        let webhooks =
            site.webhooks.is_some() && may(site, visit, AdminAct::LookAtWebhooks, None).await;
        let mails = site.mails.is_some() && may(site, visit, AdminAct::LookAtMails, None).await;
        Self {
            administrator: administrator.email().unwrap_or(administrator.id().as_str()).to_owned(),
            audit: format!("{root}/audit"),
            organizations: organizations.then(|| format!("{root}/organizations")),
            webhooks: webhooks.then(|| format!("{root}/webhooks")),
            mails: mails.then(|| format!("{root}/mails")),
        }
    }

    pub(super) fn frame<'a>(&'a self, site: &'a Site) -> AdminFrame<'a> {
        let (admin, home) = (&site.paths.admin, &site.paths.home);
        let mut frame = AdminFrame::new(&self.administrator, admin, &self.audit, home);
        frame.organizations = self.organizations.as_deref();
        frame.webhooks = self.webhooks.as_deref();
        frame.mails = self.mails.as_deref();
        frame
    }
}
