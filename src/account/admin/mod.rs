//! The pages of administrators, below [`Paths::admin`](super::Paths::admin): there are none unless
//! the host says who is one.

mod act;
mod audit;
mod authorizer;
mod entries;
mod frame;
pub(super) mod impersonate;
mod mails;
mod organization;
mod organizations;
pub(super) mod permitted;
mod user;
mod users;
mod webhook;
mod webhooks;

use http::Method;

pub use self::authorizer::{AdminAct, AdminAuthorizer};
use super::AccountError;
use super::site::{Answer, Site, Visit};
use crate::audit::{Action, Entry};
use crate::scope::{Account, Actor, OrganizationId, UserId};
use crate::store::{Organization, RateLimit, WebhookEndpointId};

/// How much one administrator may do.
const LIMIT: RateLimit = RateLimit { times: 60, window: time::Duration::minutes(10) };

/// Where a path below the pages leads.
enum Route<'p> {
    Users,
    User(UserId),
    Act(UserId, &'p str),
    Organizations,
    Organization(OrganizationId),
    OrganizationAct(OrganizationId, &'p str),
    Webhooks,
    Webhook(WebhookEndpointId),
    WebhookAct(WebhookEndpointId, &'p str),
    Mails,
    ReviveMails,
    Audit,
    Csv,
    JsonLines,
    Stop,
}

impl<'p> Route<'p> {
    fn of(rest: &'p str) -> Option<Self> {
        let user = |text: &str| UserId::new(text).ok();
        let organization = |text: &str| text.parse().ok().map(OrganizationId);
        let webhook = |text: &str| text.parse().ok().map(WebhookEndpointId);
        let mut parts = rest.split('/').skip(1);
        Some(match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (None, ..) => Self::Users,
            (Some("users"), Some(id), None, _) => Self::User(user(id)?),
            (Some("users"), Some(id), Some(act), None) => Self::Act(user(id)?, act),
            (Some("organizations"), None, ..) => Self::Organizations,
            (Some("organizations"), Some(id), None, _) => Self::Organization(organization(id)?),
            (Some("organizations"), Some(id), Some(act), None) => {
                Self::OrganizationAct(organization(id)?, act)
            }
            (Some("webhooks"), None, ..) => Self::Webhooks,
            (Some("webhooks"), Some(id), None, _) => Self::Webhook(webhook(id)?),
            (Some("webhooks"), Some(id), Some(act), None) => Self::WebhookAct(webhook(id)?, act),
            (Some("mails"), None, ..) => Self::Mails,
            (Some("mails"), Some("revive"), None, _) => Self::ReviveMails,
            (Some("audit"), None, ..) => Self::Audit,
            (Some("audit.csv"), None, ..) => Self::Csv,
            (Some("audit.jsonl"), None, ..) => Self::JsonLines,
            (Some("stop"), None, ..) => Self::Stop,
            _ => return None,
        })
    }
}

pub(super) async fn go(site: &Site, method: &Method, visit: &Visit) -> Answer {
    let rest = visit.path.strip_prefix(site.paths.admin.as_str()).unwrap_or_default();
    let shows = method == Method::GET || method == Method::HEAD;
    let submits = method == Method::POST;
    match Route::of(rest) {
        Some(Route::Users) if shows => users::show(site, visit).await,
        Some(Route::User(id)) if shows => user::show(site, visit, &id).await,
        Some(Route::Act(id, act)) if submits => act::submit(site, visit, &id, act).await,
        // Whoever had to log in in between comes back by a GET.
        Some(Route::Act(id, _)) if shows => user::show(site, visit, &id).await,
        Some(Route::Organizations) if shows => organizations::show(site, visit).await,
        Some(Route::Organization(id)) if shows => organization::show(site, visit, id).await,
        Some(Route::OrganizationAct(id, act)) if submits => {
            organization::submit(site, visit, id, act).await
        }
        Some(Route::OrganizationAct(id, _)) if shows => organization::show(site, visit, id).await,
        Some(Route::Webhooks) if shows => webhooks::show(site, visit).await,
        Some(Route::Webhook(id)) if shows => webhook::show(site, visit, id).await,
        Some(Route::WebhookAct(id, act)) if submits => webhook::submit(site, visit, id, act).await,
        Some(Route::WebhookAct(id, _)) if shows => webhook::show(site, visit, id).await,
        Some(Route::Mails | Route::ReviveMails) if shows => mails::show(site, visit).await,
        Some(Route::ReviveMails) if submits => mails::revive(site, visit).await,
        Some(Route::Audit) if shows => audit::show(site, visit).await,
        Some(Route::Csv) if shows => audit::download(site, visit, audit::Format::Csv).await,
        Some(Route::JsonLines) if shows => {
            audit::download(site, visit, audit::Format::JsonLines).await
        }
        Some(Route::Stop) if submits => impersonate::stop(site, visit).await,
        Some(_) => Err(AccountError::Method),
        None => Err(AccountError::NotFound),
    }
}

/// Lets an administrator go on who is there in person and may do this; a denial is noted.
async fn permit(
    site: &Site,
    visit: &Visit,
    act: AdminAct,
    target: Option<&Account>,
) -> Result<Account, AccountError> {
    let administrator = in_person(visit)?;
    if may(site, visit, act, target).await {
        return Ok(administrator);
    }
    let hidden = [AdminAct::Look, AdminAct::ReadAudit].contains(&act) && target.is_some();
    let mut entry = visit.entry(Action::ADMIN_DENIED);
    if let Some(target) = target {
        entry = entry.about(target.id());
    }
    deny(site, &administrator, entry.with("act", act.as_str()), hidden).await
}

/// The same, of what is done to an organization.
async fn permit_in(
    site: &Site,
    visit: &Visit,
    act: AdminAct,
    target: &Organization,
) -> Result<Account, AccountError> {
    let administrator = in_person(visit)?;
    if may_in(site, visit, act, target).await {
        return Ok(administrator);
    }
    let hidden = [AdminAct::LookAtOrganization, AdminAct::LookAtWebhooks].contains(&act);
    let entry = visit.entry(Action::ADMIN_DENIED).in_organization(target.id);
    deny(site, &administrator, entry.with("act", act.as_str()), hidden).await
}

/// Who is logged in, if it is a user who acts for nobody else.
fn in_person(visit: &Visit) -> Result<Account, AccountError> {
    let administrator = visit.account()?;
    match *visit.session.scope().actor() == Actor::User {
        true => Ok(administrator),
        false => Err(AccountError::Impersonating),
    }
}

/// Notes a denial; of what is hidden nobody is told that it is there.
async fn deny(
    site: &Site,
    administrator: &Account,
    entry: Entry,
    hidden: bool,
) -> Result<Account, AccountError> {
    // What is written is counted, or whoever may do nothing could fill the log by looking.
    if !site.store.count_admin_action(administrator.id(), LIMIT, site.now()).await? {
        return Err(if hidden { AccountError::NotFound } else { AccountError::TooMany });
    }
    let entry = entry.refused().at(site.now(), &*site.random);
    site.store.write_audit_entry(&entry).await?;
    entry.announce();
    Err(if hidden { AccountError::NotFound } else { AccountError::Forbidden })
}

/// Whether the host lets an administrator do this. Nothing is noted: it is asked of each line of a
/// list.
async fn may(site: &Site, visit: &Visit, act: AdminAct, target: Option<&Account>) -> bool {
    match &site.authorizer {
        Some(authorizer) => authorizer.may(&visit.session.scope(), act, target).await,
        None => false,
    }
}

/// The same, of what is done to an organization.
async fn may_in(site: &Site, visit: &Visit, act: AdminAct, target: &Organization) -> bool {
    match &site.authorizer {
        Some(authorizer) => authorizer.may_in(&visit.session.scope(), act, target).await,
        None => false,
    }
}

/// The account, if the administrator may look at it.
async fn find(site: &Site, visit: &Visit, id: &UserId) -> Result<Account, AccountError> {
    // Nobody learns who there is but those who may look at all.
    permit(site, visit, AdminAct::Look, None).await?;
    let found = site.store.find_account(id).await?.ok_or(AccountError::NotFound)?;
    permit(site, visit, AdminAct::Look, Some(&found)).await?;
    Ok(found)
}
