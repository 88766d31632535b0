//! All that is known of the user, as a file.

use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};

use super::{Flow, FrameParts};
use crate::account::export::document;
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::http::respond;
use crate::page::ExportAccount;

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let parts = FrameParts::new(site, &account, Flow::Export);
    let action = Flow::Export.path(site);
    let page = ExportAccount::new(parts.frame(site), &action);
    Ok(respond::html(StatusCode::OK, site.pages.settings_export(&page)))
}

/// The file; that it was taken is noted first, whatever becomes of it.
pub(super) async fn download(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let entry = visit.entry(Action::EXPORT).at(site.now(), &*site.random);
    site.store.write_audit_entry(&entry).await?;
    entry.announce();
    let document = document(site, &account).await?;
    let mut response = respond::json(StatusCode::OK, &document);
    let name = HeaderValue::from_static("attachment; filename=\"account.json\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(response)
}
