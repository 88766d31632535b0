//! Log in by a mailed link. Opening it changes nothing, since mail scanners open links; the button
//! behind it logs in, once.
//!
//! The browser that asked for the link is known by a sealed cookie. In any other, the page asks for
//! the address that the link was mailed to: whoever is sent a link to somebody else's account by
//! that somebody is not logged in to it by one click.
//!
//! The link confirms an address that is not confirmed yet, by the rule that holds for links to
//! confirm: in a browser that did not sign up it takes the account's password, if there is one.

use http::{HeaderMap, Response, StatusCode};
use time::{Duration, OffsetDateTime};

use super::confirm::{chose_password, knows_password, request_entry};
use super::cookie::SealedCookie;
use super::letters::{Linked, token};
use super::login::LOGIN_HINT;
use super::mailed::{Followed, follow};
use super::marks::Marks;
use super::register::check_mail;
use super::sign_in::{ProvenAt, SignIn, sign_in};
use super::site::{Answer, Site, Visit};
use super::{AccountError, Email};
use crate::audit::Action;
use crate::crypto::{Keyring, OpaqueToken, Purpose, TokenHash};
use crate::http::{Body, CookiePolicy, respond};
use crate::page::{AskLoginLink, LinkFor, LinkOver, MailSent, OpenLoginLink};
use crate::scope::Method;
use crate::store::{Effects, FollowedLink, LinkLogin, LinkPurpose, LinkUse, LoginUser};

const PURPOSE: Purpose = Purpose::new("account/login-link");

/// The browsers that asked for links.
pub(super) fn askers(policy: CookiePolicy, keyring: &Keyring, waits_for: Duration) -> Marks {
    let keyring = keyring.clone();
    let cookie = SealedCookie { name: "login-link", purpose: PURPOSE, policy, keyring };
    Marks { cookie, waits_for }
}

/// What a link is called in the cookie: enough of its hash to tell it from others.
fn mark(token: &TokenHash) -> String {
    token.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn show_request(site: &Site, visit: &Visit) -> Answer {
    let hint = visit.query.get(LOGIN_HINT)?.and_then(|hint| Email::parse(hint).ok());
    let email = hint.as_ref().map_or("", Email::as_str);
    Ok(respond::html(StatusCode::OK, request_page(site, visit, email, false)))
}

/// Writes the link, and answers the same whether there was anybody to write it for.
pub(super) async fn request(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let typed = form.get("email")?.unwrap_or_default();
    let Ok(email) = Email::parse(typed) else {
        let page = request_page(site, visit, typed, true);
        return Ok(respond::html(StatusCode::UNPROCESSABLE_ENTITY, page));
    };
    let now = site.now();
    let life = (now, site.policy.login_link_for);
    let mut link = site.letters.link(Linked::Login, &email, (&site.paths, &visit.trip), life);
    link.effects = link.effects.and_entry(request_entry(site, visit, LinkPurpose::Login));
    site.request_link(&email, &link, now).await?;
    let page = check_mail(site, visit, MailSent::LoginLink, &email);
    let mut response = respond::html(StatusCode::OK, page);
    let seen = (&visit.headers, response.headers_mut());
    site.askers.remember(&*site.random, seen, &mark(&link.token), now);
    Ok(response)
}

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let Some(token) = token(visit.query.get("token")?) else { return Ok(over(site, visit)) };
    match load(site, &token).await? {
        Some((user, _)) => Ok(page(site, visit, &token, &user, false)),
        None => Ok(over(site, visit)),
    }
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let Some(token) = token(form.get("token")?) else { return Ok(over(site, visit)) };
    let hash = token.hash();
    let Some((user, link)) = load(site, &token).await? else { return Ok(over(site, visit)) };
    let email = Email::parse(user.account.email().unwrap_or_default());
    let Ok(email) = email else { return Ok(over(site, visit)) };

    let typed = form.get("email")?.unwrap_or_default();
    let password = form.get("password")?.unwrap_or_default();
    if !asked_here(site, &visit.headers, &hash, site.now())
        && Email::parse(typed).as_ref() != Ok(&email)
    {
        return Ok(page(site, visit, &token, &user, true));
    }
    if asks_password(site, visit, &user)
        && !knows_password(site, visit, Action::LOG_IN, &user.account, password).await?
    {
        return Ok(page(site, visit, &token, &user, true));
    }

    let takes_over = takes_over(site, visit, &user);
    let methods = vec![Method::EMAIL];
    // Following the link confirms the address.
    let account = user.account.clone().with_email(email.as_str(), true);
    let who = SignIn {
        email: &email,
        account: &account,
        // Taking the account over moves it.
        device_epoch: user.device_epoch + i64::from(takes_over),
        must_change_password: site.must_change_password(&user, &methods),
        methods,
        remember: form.get("remember")?.is_some(),
        proven_at: ProvenAt::Now,
        login_path: None,
        counted: false,
        permitted: false,
    };
    let used = async |mut along: Effects| {
        let (epoch, session, now) = (user.device_epoch, visit.session.id(), site.now());
        if takes_over {
            let entry = visit.entry(Action::CONFIRM_EMAIL).about(account.id());
            along = along.and_entry(entry.with("took_over", true).at(now, &*site.random));
        }
        let login = LinkLogin { epoch, session, takes_over };
        let used = site.store.complete_link_login(&link, login, &along, now).await?;
        let done = used != LinkUse::Invalid;
        if done {
            along.announce();
        }
        Ok(done)
    };
    let has_second_factor = user.has_second_factor && !takes_over;
    match sign_in(site, visit, &who, has_second_factor, used).await? {
        Some(mut response) => {
            let seen = (&visit.headers, response.headers_mut());
            site.askers.forget(&*site.random, seen, &mark(&hash), site.now());
            Ok(response)
        }
        None => Ok(over(site, visit)),
    }
}

/// Whom a link lets in.
async fn load(
    site: &Site,
    token: &OpaqueToken,
) -> Result<Option<(LoginUser, FollowedLink)>, AccountError> {
    let followed = follow(site, LinkPurpose::Login, token).await?;
    let Some(Followed { link, .. }) = followed else { return Ok(None) };
    let user = site.store.load_login_user(&link.user).await?;
    Ok(user.map(|user| (user, link)))
}

fn asked_here(site: &Site, request: &HeaderMap, link: &TokenHash, now: OffsetDateTime) -> bool {
    site.askers.know(request, &mark(link), now)
}

/// Whether somebody else may have chosen the password of an account that nobody has confirmed.
fn asks_password(site: &Site, visit: &Visit, user: &LoginUser) -> bool {
    !user.account.email_verified()
        && user.password.is_some()
        && !chose_password(site, visit, &user.account)
}

/// Whether somebody else may have set up an account that nobody has confirmed: who did neither in this
/// browser, nor has a password to show for it, is the first to prove that the address is theirs.
fn takes_over(site: &Site, visit: &Visit, user: &LoginUser) -> bool {
    !user.account.email_verified()
        && user.password.is_none()
        && !chose_password(site, visit, &user.account)
}

fn request_page(site: &Site, visit: &Visit, email: &str, invalid_email: bool) -> String {
    let (action, login) =
        (visit.trip.via(&site.paths.login_link), visit.trip.via(&site.paths.login));
    site.pages.ask_login_link(&AskLoginLink::new(&action, &login, email, invalid_email))
}

fn page(
    site: &Site,
    visit: &Visit,
    token: &OpaqueToken,
    user: &LoginUser,
    refused: bool,
) -> Response<Body> {
    let email = user.account.email().unwrap_or_default();
    // In another browser the address is asked for, and so is not told.
    let here = asked_here(site, &visit.headers, &token.hash(), site.now());
    let action = visit.trip.via(&site.paths.open_login_link);
    let forgot = visit.trip.via(&site.paths.forgot_password);
    let secret = token.expose();
    let page = OpenLoginLink::new(
        [&action, &secret, &forgot],
        here.then_some(email),
        asks_password(site, visit, user),
        refused,
    );
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = site.pages.open_login_link(&page);
    if visit.trip.leads_on() {
        respond::html_leading_on(status, page)
    } else {
        respond::html(status, page)
    }
}

fn over(site: &Site, visit: &Visit) -> Response<Body> {
    let next = visit.trip.via(&site.paths.login_link);
    let page = LinkOver { was_for: LinkFor::Login, next: &next };
    respond::html(StatusCode::GONE, site.pages.link_over(&page))
}
