//! The service accounts of an organization: programs of its own, with credentials that are rotated
//! without a pause. Who manages the organization sees to them.

use http::{Response, StatusCode};
use uuid::Uuid;

use super::Place;
use crate::account::AccountError;
use crate::account::settings::tokens::{lifetimes, not_made, problem, request};
use crate::account::settings::{Flow, FrameParts};
use crate::account::site::{Answer, Site, Visit};
use crate::account::token::{ApiTokens, Maker, TokenRequest, checked_name};
use crate::audit::{Action, Entry};
use crate::crypto::RandomExt as _;
use crate::http::{Body, respond};
use crate::page::{
    NewToken, ServiceAccountItem, ServiceAccountList, ServiceAccountPage, ServiceAccountProblem,
    TokenCreated, TokenItem,
};
use crate::scope::UserId;
use crate::store::{
    ApiTokenId, Authority, Effects, ServiceAccount, ServiceAccountCreation, StoredApiToken,
    TokenOwner, TokenPage,
};

/// Below the page of the organization.
const PATH: &str = "service-accounts";
/// How many are listed.
const PAGE: u32 = 200;

/// One of the pages, or what is done on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum ServiceFlow {
    List,
    Show,
    Credential,
    Rotate,
    Revoke,
    Disable,
    Enable,
}

const FLOWS: &[(&str, ServiceFlow)] = &[
    ("credentials", ServiceFlow::Credential),
    ("rotate", ServiceFlow::Rotate),
    ("revoke", ServiceFlow::Revoke),
    ("disable", ServiceFlow::Disable),
    ("enable", ServiceFlow::Enable),
];

impl ServiceFlow {
    /// What is done at this path, below the page of an organization.
    pub(super) fn at(rest: &str) -> Option<Self> {
        let rest = rest.strip_prefix(PATH)?;
        let mut parts = rest.split('/').skip(1);
        match (rest, parts.next(), parts.next(), parts.next()) {
            ("", ..) => Some(Self::List),
            (_, Some(id), None, _) if Uuid::parse_str(id).is_ok() => Some(Self::Show),
            (_, Some(id), Some(action), None) if Uuid::parse_str(id).is_ok() => {
                FLOWS.iter().find(|(name, _)| *name == action).map(|(_, flow)| *flow)
            }
            _ => None,
        }
    }
}

/// Whoever had to log in in between comes back by a GET.
pub(super) async fn show(site: &Site, visit: &Visit, flow: ServiceFlow, place: Place) -> Answer {
    let tokens = tokens(site)?;
    if flow == ServiceFlow::List {
        return list(site, &place, ("", None)).await;
    }
    let account = found(tokens, visit, &place).await?;
    match flow {
        ServiceFlow::Show => page(site, &place, &account, NewToken::default()).await,
        _ => Ok(respond::see_other(&path_of(site, &place, &account))),
    }
}

pub(super) async fn change(site: &Site, visit: &Visit, flow: ServiceFlow, place: Place) -> Answer {
    let tokens = tokens(site)?;
    if flow == ServiceFlow::List {
        return create(site, visit, &place).await;
    }
    let account = found(tokens, visit, &place).await?;
    let back = Ok(respond::see_other(&path_of(site, &place, &account)));
    match flow {
        ServiceFlow::List | ServiceFlow::Show => return Err(AccountError::Method),
        ServiceFlow::Credential => {
            let request = request(&visit.form()?)?;
            return make(site, visit, (&place, &account), &request).await;
        }
        ServiceFlow::Rotate => {
            let Some(old) = chosen(tokens, visit, &account).await? else { return back };
            return make(site, visit, (&place, &account), &like(&old)).await;
        }
        ServiceFlow::Revoke => {
            let id = visit.form()?.require("id")?.parse::<Uuid>();
            if let Ok(id) = id {
                let entry = entry(visit, Action::REVOKE_TOKEN, &place, &account);
                let owner = TokenOwner::ServiceAccount(account.id.clone());
                let by = by(site, &place);
                tokens.revoke_along(&owner, ApiTokenId(id), Some(&by), entry).await?;
            }
        }
        ServiceFlow::Disable => set_disabled(site, visit, (&place, &account), true).await?,
        ServiceFlow::Enable => set_disabled(site, visit, (&place, &account), false).await?,
    }
    back
}

async fn create(site: &Site, visit: &Visit, place: &Place) -> Answer {
    let form = visit.form()?;
    let typed = form.get("name")?.unwrap_or_default();
    let Some(name) = checked_name(typed) else {
        return list(site, place, (typed, Some(ServiceAccountProblem::Name))).await;
    };
    let now = site.now();
    let id = UserId::from(site.random.uuid_v7(now));
    let organization = Some(place.organization.id);
    let account = ServiceAccount { id, organization, name, created_at: now, disabled_at: None };
    let entry = entry(visit, Action::CREATE_SERVICE_ACCOUNT, place, &account);
    let along = site.effects(entry.to("service_account", &account.id));
    let (by, at_most) = (by(site, place), site.organizations.service_accounts.unwrap_or(0));
    let made = site.store.create_service_account(&account, Some(&by), at_most, &along).await?;
    match made {
        ServiceAccountCreation::Created => {
            along.announce();
            Ok(respond::see_other(&path_of(site, place, &account)))
        }
        ServiceAccountCreation::TooMany => {
            list(site, place, (typed, Some(ServiceAccountProblem::TooMany))).await
        }
        ServiceAccountCreation::NotAllowed => Err(AccountError::Forbidden),
    }
}

/// Makes a credential beside those there are, and shows it, once.
async fn make(
    site: &Site,
    visit: &Visit,
    (place, account): (&Place, &ServiceAccount),
    request: &TokenRequest,
) -> Answer {
    let tokens = tokens(site)?;
    let fault = match tokens.check(request) {
        Ok(checked) => {
            let maker = Maker {
                owner: TokenOwner::ServiceAccount(account.id.clone()),
                made_in: None,
                by: Some(by(site, place)),
            };
            let entry = entry(visit, Action::CREATE_TOKEN, place, account);
            match tokens.make(maker, checked, entry, Effects::none()).await {
                Ok((text, token)) => {
                    let parts = FrameParts::new(site, &place.account, Flow::Organizations);
                    let next = path_of(site, place, account);
                    let (name, text) = (token.name.as_str(), text.expose());
                    let page = TokenCreated::new(parts.frame(site), name, text, &next);
                    let page = site.pages.settings_token_created(&page);
                    return Ok(respond::html(StatusCode::OK, page));
                }
                // Disabled, or the user manages nothing here any more.
                Err(error) => not_made(error, AccountError::Forbidden)?,
            }
        }
        Err(fault) => problem(fault),
    };
    let again = NewToken::refused(&request.name, &request.scopes, fault);
    page(site, place, account, again).await
}

/// A credential for what this one is for, that works for as long.
fn like(old: &StoredApiToken) -> TokenRequest {
    let lifetime = old.expires_at.map(|end| end - old.created_at);
    TokenRequest { name: old.name.clone(), scopes: old.scopes.clone(), lifetime }
}

async fn chosen(
    tokens: &ApiTokens,
    visit: &Visit,
    account: &ServiceAccount,
) -> Result<Option<StoredApiToken>, AccountError> {
    let form = visit.form()?;
    let id = form.require("id")?;
    let held = tokens.service_accounts().credentials(&account.id, TokenPage::default()).await?;
    Ok(held.into_iter().find(|credential| credential.id.to_string() == id))
}

async fn set_disabled(
    site: &Site,
    visit: &Visit,
    (place, account): (&Place, &ServiceAccount),
    disabled: bool,
) -> Result<(), AccountError> {
    let action =
        if disabled { Action::DISABLE_SERVICE_ACCOUNT } else { Action::ENABLE_SERVICE_ACCOUNT };
    let entry = entry(visit, action, place, account).to("service_account", &account.id);
    let (along, by) = (site.effects(entry), by(site, place));
    let at = disabled.then(|| site.now());
    if site.store.disable_service_account(&account.id, at, Some(&by), &along).await? {
        along.announce();
    }
    Ok(())
}

/// What the audit log will tell of this account.
fn entry(visit: &Visit, action: Action, place: &Place, account: &ServiceAccount) -> Entry {
    let entry = visit.entry(action).with("service_account", account.id.as_str());
    entry.in_organization(place.organization.id)
}

fn by(site: &Site, place: &Place) -> Authority {
    site.organizations.manager(place.account.id())
}

fn tokens(site: &Site) -> Result<&ApiTokens, AccountError> {
    site.tokens.as_ref().ok_or(AccountError::NotFound)
}

/// The account that the path names, if it is this organization's.
async fn found(
    tokens: &ApiTokens,
    visit: &Visit,
    place: &Place,
) -> Result<ServiceAccount, AccountError> {
    let (_, rest) = visit.path.split_once(PATH).ok_or(AccountError::NotFound)?;
    let id = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
    let id = UserId::new(id).map_err(|_| AccountError::NotFound)?;
    let account = tokens.service_accounts().find(&id).await?;
    let own = account.filter(|account| account.organization == Some(place.organization.id));
    own.ok_or(AccountError::NotFound)
}

/// Where the service accounts of an organization are.
pub(super) fn path(site: &Site, place: &Place) -> Option<String> {
    let there = site.tokens.is_some() && site.organizations.service_accounts.is_some();
    let shown = there && site.organizations.manages(&place.role);
    shown.then(|| format!("{}/{PATH}", place.path(site)))
}

fn path_of(site: &Site, place: &Place, account: &ServiceAccount) -> String {
    format!("{}/{PATH}/{}", place.path(site), account.id)
}

async fn list(
    site: &Site,
    place: &Place,
    (name, problem): (&str, Option<ServiceAccountProblem>),
) -> Answer {
    let organization = Some(place.organization.id);
    let accounts = site.store.service_accounts(organization, None, PAGE).await?;
    let items: Vec<_> = accounts
        .iter()
        .map(|account| {
            let path = path_of(site, place, account);
            ServiceAccountItem::new(&account.name, path, account.disabled_at.is_some())
        })
        .collect();
    let parts = FrameParts::new(site, &place.account, Flow::Organizations);
    let (path, back) = (format!("{}/{PATH}", place.path(site)), place.path(site));
    let names = [place.organization.name.as_str(), name];
    let page = ServiceAccountList::new(parts.frame(site), names, [&path, &back], &items, problem);
    let page = site.pages.settings_service_accounts(&page);
    Ok(respond::html(status(problem.is_some()), page))
}

async fn page(
    site: &Site,
    place: &Place,
    account: &ServiceAccount,
    new: NewToken<'_>,
) -> Result<Response<Body>, AccountError> {
    let (tokens, now) = (tokens(site)?, site.now());
    let held = tokens.service_accounts().credentials(&account.id, TokenPage::default()).await?;
    let ids: Vec<String> = held.iter().map(|token| token.id.to_string()).collect();
    let items: Vec<TokenItem<'_>> = held
        .iter()
        .zip(&ids)
        .map(|(token, id)| {
            let times = (token.created_at, token.last_used_at, token.expires_at);
            let expired = token.expires_at.is_some_and(|end| end <= now);
            TokenItem::new(id, &token.name, &token.scopes, times, expired)
        })
        .collect();
    let parts = FrameParts::new(site, &place.account, Flow::Organizations);
    let (path, back) = (path_of(site, place, account), format!("{}/{PATH}", place.path(site)));
    let (lifetimes, refused) = (lifetimes(tokens.longest_lifetime()), new.problem.is_some());
    let mut page =
        ServiceAccountPage::new(parts.frame(site), &account.name, [&path, &back], &items);
    page.disabled = account.disabled_at.is_some();
    page.scopes = tokens.all_scopes();
    page.lifetimes = &lifetimes;
    page.new = new;
    Ok(respond::html(status(refused), site.pages.settings_service_account(&page)))
}

fn status(refused: bool) -> StatusCode {
    if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}
