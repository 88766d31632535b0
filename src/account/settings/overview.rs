//! The account at a glance.

use http::StatusCode;

use super::{Flow, FrameParts};
use crate::account::site::{Answer, Site, Visit};
use crate::http::respond;
use crate::page::SettingsOverview;

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account()?;
    let parts = FrameParts::new(site, &account, Flow::Overview);
    let page = SettingsOverview::new(parts.frame(site), account.email(), account.email_verified());
    Ok(respond::html(StatusCode::OK, site.pages.settings_overview(&page)))
}
