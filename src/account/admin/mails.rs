//! The mails that were given up.

use http::StatusCode;
use time::{Duration, OffsetDateTime};

use super::frame::FrameParts;
use super::{AdminAct, LIMIT, permit};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::delivery::DeadMail;
use crate::http::respond;
use crate::page::{AdminDeadMail, AdminMails};

/// How many days back mails are tried again; 0 is for all there are.
const DAYS: [u32; 3] = [2, 7, 0];

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let administrator = permit(site, visit, AdminAct::LookAtMails, None).await?;
    let worker = site.mails.as_ref().ok_or(AccountError::NotFound)?;
    let dead: Vec<_> = worker.dead_letters().await?.into_iter().map(item).collect();
    let parts = FrameParts::of(site, visit, &administrator).await;
    let action = format!("{}/revive", path(site));
    let page = AdminMails::new(parts.frame(site), &dead, &DAYS, &action);
    Ok(respond::html(StatusCode::OK, site.pages.admin_mails(&page)))
}

/// It is noted first, since there is no transition to be written with.
pub(super) async fn revive(site: &Site, visit: &Visit) -> Answer {
    let administrator = visit.fresh_account(site)?;
    permit(site, visit, AdminAct::LookAtMails, None).await?;
    permit(site, visit, AdminAct::ReviveMails, None).await?;
    let worker = site.mails.as_ref().ok_or(AccountError::NotFound)?;
    let form = visit.form()?;
    let typed = form.get("days")?.and_then(|days| days.parse().ok());
    let days = DAYS.into_iter().find(|days| Some(*days) == typed);
    let days = days.ok_or(AccountError::Forbidden)?;
    if !site.store.count_admin_action(administrator.id(), LIMIT, site.now()).await? {
        return Err(AccountError::TooMany);
    }
    let entry = visit.entry(Action::ADMIN_REVIVE_MAILS).with("days", days);
    let entry = entry.at(site.now(), &*site.random);
    site.store.write_audit_entry(&entry).await?;
    entry.announce();
    let since = match days {
        0 => OffsetDateTime::UNIX_EPOCH,
        days => site.now() - Duration::days(days.into()),
    };
    worker.revive_dead_letters(since).await?;
    Ok(respond::see_other(&path(site)))
}

fn path(site: &Site) -> String {
    format!("{}/mails", site.paths.admin)
}

/// Of the address only the domain, which says who refuses our mails: an administrator may not look
/// at every account.
fn item(mail: DeadMail) -> AdminDeadMail {
    let (to, subject) = mail.envelope.unzip();
    let domain = to.and_then(|to| to.rsplit_once('@').map(|(_, domain)| domain.to_owned()));
    let texts = [subject.unwrap_or_default(), domain.unwrap_or_default()];
    AdminDeadMail::new(texts, mail.attempts, mail.created_at)
}
