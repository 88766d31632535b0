//! The account at a glance.

use http::StatusCode;

use super::{Flow, FrameParts};
use crate::account::email_change::EMAIL_CHANGED;
use crate::account::login::NOTICE;
use crate::account::site::{Answer, Site, Visit};
use crate::http::respond;
use crate::page::SettingsOverview;

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account()?;
    let parts = FrameParts::new(site, &account, Flow::Overview);
    let email = (account.email(), account.email_verified());
    let mut page = SettingsOverview::new(parts.frame(site), email.0, email.1);
    page.email_changed = visit.query.get(NOTICE)? == Some(EMAIL_CHANGED);
    Ok(respond::html(StatusCode::OK, site.pages.settings_overview(&page)))
}
