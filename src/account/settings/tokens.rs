//! The API tokens of a user: which there are, a new one, and one fewer.

use http::{Response, StatusCode};
use time::Duration;
use uuid::Uuid;

use super::{Flow, FrameParts};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::account::token::{
    ApiToken, ApiTokens, CreateTokenError, InvalidTokenRequest, Maker, TokenRequest,
};
use crate::audit::Action;
use crate::http::{Body, Form, respond};
use crate::page::{NewToken, TokenCreated, TokenItem, TokenLifetime, TokenProblem, Tokens};
use crate::scope::Account;
use crate::store::{ApiTokenId, Effects, StoredApiToken, TokenOwner, TokenPage};

/// For how many days a token may be chosen to work.
const DAYS: [i64; 4] = [7, 30, 90, 365];
/// What the form says for ever.
const NEVER: &str = "never";

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let (tokens, account) = (tokens(site)?, visit.account()?);
    page(site, tokens, &account, StatusCode::OK, NewToken::default()).await
}

pub(super) async fn create(site: &Site, visit: &Visit) -> Answer {
    let (tokens, account) = (tokens(site)?, visit.fresh_account(site)?);
    let form = visit.form()?;
    let request = request(&form)?;
    let fault = match tokens.check(&request) {
        Ok(checked) => {
            let mut more = Effects::none();
            if let Some(to) = account.email() {
                let list = Flow::Tokens.path(site);
                let mail = site.letters.token_created(to, &checked.name, &list, site.now());
                more = more.and_delivery(mail);
            }
            let owner = TokenOwner::User(account.id().clone());
            let maker = Maker { owner, made_in: visit.session.id(), by: None };
            let entry = visit.entry(Action::CREATE_TOKEN);
            match tokens.make(maker, checked, entry, more).await {
                Ok((text, token)) => return Ok(created(site, &account, &text, &token)),
                // Whoever logged out everywhere, or reset the password, at this very moment.
                Err(error) => not_made(error, AccountError::LoginRequired)?,
            }
        }
        Err(fault) => problem(fault),
    };
    let again = NewToken::refused(&request.name, &request.scopes, fault);
    page(site, tokens, &account, StatusCode::UNPROCESSABLE_ENTITY, again).await
}

pub(super) async fn revoke(site: &Site, visit: &Visit) -> Answer {
    let (tokens, account) = (tokens(site)?, visit.fresh_account(site)?);
    let form = visit.form()?;
    let id = form.require("id")?.parse::<Uuid>();
    if let Ok(id) = id {
        let owner = TokenOwner::User(account.id().clone());
        let entry = visit.entry(Action::REVOKE_TOKEN);
        tokens.revoke_along(&owner, ApiTokenId(id), None, entry).await?;
    }
    Ok(back(site))
}

/// Back to the list.
pub(super) fn back(site: &Site) -> Response<Body> {
    respond::see_other(&Flow::Tokens.path(site))
}

fn tokens(site: &Site) -> Result<&ApiTokens, AccountError> {
    site.tokens.as_ref().ok_or(AccountError::Method)
}

pub(super) fn request(form: &Form) -> Result<TokenRequest, AccountError> {
    let lifetime = form.get("lifetime")?.unwrap_or_default();
    // What is no number of days is none that is allowed.
    let days =
        |text: &str| text.parse().map_or(Duration::ZERO, |days: u16| Duration::days(days.into()));
    Ok(TokenRequest {
        name: form.get("name")?.unwrap_or_default().to_owned(),
        scopes: form.all("scope").map(str::to_owned).collect(),
        lifetime: (lifetime != NEVER).then(|| days(lifetime)),
    })
}

pub(super) fn problem(fault: InvalidTokenRequest) -> TokenProblem {
    match fault {
        InvalidTokenRequest::Name => TokenProblem::Name,
        InvalidTokenRequest::Scopes => TokenProblem::Scopes,
        InvalidTokenRequest::Lifetime => TokenProblem::Lifetime,
    }
}

/// What is wrong with a token that was not made. That it would be nobody's is `nobodys`.
pub(super) fn not_made(
    error: CreateTokenError,
    nobodys: AccountError,
) -> Result<TokenProblem, AccountError> {
    match error {
        CreateTokenError::TooMany => Ok(TokenProblem::TooMany),
        CreateTokenError::NoOwner => Err(nobodys),
        CreateTokenError::Store(error) => Err(error.into()),
        CreateTokenError::Invalid(fault) => Ok(problem(fault)),
    }
}

/// What can be chosen.
pub(super) fn lifetimes(longest: Option<Duration>) -> Vec<TokenLifetime> {
    let longest_days = longest.map(Duration::whole_days);
    let fits = |days: &i64| longest_days.is_none_or(|longest| *days <= longest);
    let mut all: Vec<TokenLifetime> =
        DAYS.into_iter().filter(fits).map(TokenLifetime::days).collect();
    match longest_days {
        None => all.push(TokenLifetime::never()),
        Some(longest) if !DAYS.contains(&longest) && longest > 0 => {
            all.push(TokenLifetime::days(longest));
        }
        Some(_) => {}
    }
    all
}

fn created(
    site: &Site,
    account: &Account,
    text: &ApiToken,
    token: &StoredApiToken,
) -> Response<Body> {
    let parts = FrameParts::new(site, account, Flow::Tokens);
    let next = Flow::Tokens.path(site);
    let page = TokenCreated::new(parts.frame(site), &token.name, text.expose(), &next);
    respond::html(StatusCode::OK, site.pages.settings_token_created(&page))
}

async fn page(
    site: &Site,
    tokens: &ApiTokens,
    account: &Account,
    status: StatusCode,
    new: NewToken<'_>,
) -> Answer {
    let now = site.now();
    let held = tokens.of(account.id(), TokenPage::default()).await?;
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
    let parts = FrameParts::new(site, account, Flow::Tokens);
    let (action, revoke) = (Flow::Tokens.path(site), Flow::TokenRevoke.path(site));
    let lifetimes = lifetimes(tokens.longest_lifetime());
    let paths = [action.as_str(), &revoke];
    let choices = (tokens.all_scopes(), lifetimes.as_slice());
    let page = Tokens::new(parts.frame(site), &items, paths, choices, new);
    Ok(respond::html(status, site.pages.settings_tokens(&page)))
}
