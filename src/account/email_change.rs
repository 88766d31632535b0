//! Another email address: asked for in the settings after a fresh login, and the account's once its
//! user has followed the link that was mailed there.
//!
//! The address is not kept for them meanwhile, so that nobody holds what is not theirs. Whoever has
//! confirmed it keeps it, and is told by mail; who asked is told the same in either case. The old
//! address is told when a change is asked for and when it is made.
//!
//! Opening the link changes nothing, since mail scanners open links; the button behind it does, and
//! only for the user who asked, logged in: whoever gets the mail by mistake can do nothing with it.
//! The six digits beside it do the same, typed where the change was asked for.

use http::{Response, StatusCode};

use super::confirm_code::TRIES;
use super::letters::token;
use super::login::NOTICE;
use super::mailed::{is_bound, link_key};
use super::settings::{Flow, FrameParts};
use super::site::{Answer, Site, Visit};
use super::trip::Trip;
use super::{AccountError, CodeFor, Email, MailCode, single_sign_on};
use crate::audit::{Action, AuditActor, Entry};
use crate::crypto::{OpaqueToken, Purpose, RandomExt as _, TokenHash};
use crate::http::{Body, respond};
use crate::page::{
    ConfirmEmailChange, EmailNotice, EmailProblem, EmailSettings, Letter, LinkFor, LinkOver,
};
use crate::scope::{Account, UserId};
use crate::store::{
    Effects, EmailChange, EmailChangeRequest, EmailChangeTries, EmailChanged, EmailProof,
    FollowedLink, LinkPurpose, NewEmailChange, NewLink,
};

const CODE: Purpose = Purpose::new("account/email-change-code");

/// What the overview is told of a change that was made.
pub(super) const EMAIL_CHANGED: &str = "email-changed";
const ASKED: &str = "asked";
const CANCELLED: &str = "cancelled";

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let notice = match visit.query.get(NOTICE)? {
        Some(ASKED) => Some(EmailNotice::Asked),
        Some(CANCELLED) => Some(EmailNotice::Cancelled),
        _ => None,
    };
    page(site, &account, Said { notice, ..Said::default() }).await
}

/// Writes the link, and answers the same whether somebody has the address.
pub(super) async fn request(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let form = visit.form()?;
    let typed = form.get("email")?.unwrap_or_default();
    let email = Email::parse(typed).map_err(|_| EmailProblem::Invalid);
    let email = email.and_then(|email| match account.email() == Some(email.as_str()) {
        true => Err(EmailProblem::Unchanged),
        false => Ok(email),
    });
    let email = match email {
        Ok(email) if is_managed(site, &account, &email).await? => Err(EmailProblem::Managed),
        other => other,
    };
    let email = match email {
        Ok(email) => email,
        Err(problem) => {
            let said = Said { typed, problem: Some(problem), ..Said::default() };
            return page(site, &account, said).await;
        }
    };

    let now = site.now();
    let entry = visit.entry(Action::REQUEST_EMAIL_CHANGE).with("email", email.as_str());
    let mut along = site.effects(entry);
    if let Some(old) = account.email() {
        let asked = |forgot| Letter::EmailChangeAsked { forgot, email: email.as_str() };
        along = along.and_delivery(site.letters.notice(old, asked, now));
    }
    let home = site.letters.absolute(&site.paths.home);
    let change = NewEmailChange {
        user: account.id().clone(),
        email: email.as_str().to_owned(),
        link: link(site, account.id(), &email),
        taken: site.letters.write(email.as_str(), &Letter::EmailWanted { home: &home }, now).into(),
    };
    let limit = site.policy.link_requests;
    match site.store.request_email_change(&change, &along, limit, now).await? {
        EmailChangeRequest::Pending => {
            along.announce();
            Ok(respond::see_other(&format!("{}?{NOTICE}={ASKED}", Flow::Email.path(site))))
        }
        EmailChangeRequest::Limited => Err(AccountError::TooMany),
        EmailChangeRequest::NoAccount => Ok(away(site)),
    }
}

/// A fresh link, with the mail that carries it.
fn link(site: &Site, user: &UserId, to: &Email) -> NewLink {
    let (token, now) = (site.random.token(), site.now());
    let code = MailCode::generate(&*site.random);
    let path = Flow::EmailConfirm.path(site);
    let path = Trip::default().via_with(&path, &[("token", &token.expose())]);
    let (link, digits) = (site.letters.absolute(&path), code.expose());
    let letter = Letter::ChangeEmail { link: &link, code: &digits };
    let (purpose, token) = (LinkPurpose::ChangeEmail, token.hash());
    NewLink {
        purpose,
        token,
        key: link_key(&site.letters.keyring, purpose, &token),
        code: Some(code.hash(&site.letters.keyring, code_for(user, to))),
        expires_at: now + site.policy.email_change_for,
        effects: site.letters.write(to.as_str(), &letter, now).into(),
    }
}

/// What a code is good for.
fn code_for<'a>(user: &'a UserId, email: &'a Email) -> CodeFor<'a> {
    CodeFor { purpose: CODE, user, email }
}

/// Lets the address stay as it is. It takes no fresh login: who finds a stranger's address there must
/// not be held up.
pub(super) async fn cancel(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    let along = site.effects(visit.entry(Action::CANCEL_EMAIL_CHANGE));
    if site.store.cancel_email_change(account.id(), &along).await? {
        along.announce();
    }
    Ok(respond::see_other(&format!("{}?{NOTICE}={CANCELLED}", Flow::Email.path(site))))
}

pub(super) async fn show_confirm(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    let Some(token) = token(visit.query.get("token")?) else { return Ok(over(site)) };
    let Some(email) = waits(site, &account, &token).await? else { return Ok(over(site)) };
    Ok(confirm_page(site, &account, (Some(&token), &email), false))
}

/// Changes the address. Every other session and every link of the user ends with it, and of all
/// browsers only this one is known to be the user's from now on.
pub(super) async fn confirm(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    let form = visit.form()?;
    if let Some(typed) = form.get("code")? {
        return match compare(site, visit, &account, typed).await? {
            Some((token, email)) => apply(site, visit, &account, (token, &email)).await,
            None => page(site, &account, Said { code_refused: true, ..Said::default() }).await,
        };
    }
    let Some(token) = token(form.get("token")?) else { return Ok(over(site)) };
    let Some(email) = waits(site, &account, &token).await? else { return Ok(over(site)) };
    apply(site, visit, &account, (token.hash(), &email)).await
}

/// Counts a try at the code, then looks at it; the link that it stands in for, and the address.
async fn compare(
    site: &Site,
    visit: &Visit,
    account: &Account,
    typed: &str,
) -> Result<Option<(TokenHash, Email)>, AccountError> {
    let (address, user) = (site.policy.code_tries, site.policy.email_change_tries);
    let tries = EmailChangeTries { each: TRIES, address, user };
    let mailed = site.store.begin_email_change_code(account.id(), tries, site.now()).await?;
    let right = mailed.and_then(|mailed| {
        let email = Email::parse(&mailed.email).ok()?;
        let (what, keyring) = (code_for(account.id(), &email), &site.letters.keyring);
        let is_it = MailCode::parse(typed)?.matches(keyring, what, &mailed.code);
        is_it.then_some((mailed.token, email))
    });
    if right.is_none() {
        let entry = visit.entry(Action::CHANGE_EMAIL).refused().at(site.now(), &*site.random);
        site.store.write_audit_entry(&entry).await?;
        entry.announce();
    }
    Ok(right)
}

async fn apply(
    site: &Site,
    visit: &Visit,
    account: &Account,
    (token, email): (TokenHash, &Email),
) -> Answer {
    let now = site.now();
    let change = EmailChange {
        user: account.id().clone(),
        proof: EmailProof::Link(token, email.as_str().to_owned()),
        keep: visit.session.id(),
        at: now,
    };
    let mut along = site.effects(visit.entry(Action::CHANGE_EMAIL).with("email", email.as_str()));
    if let Some(old) = account.email() {
        let home = site.letters.absolute(&site.paths.home);
        let letter = Letter::EmailChanged { home: &home, email: email.as_str() };
        along = along.and_delivery(site.letters.write(old, &letter, now));
    }
    let released = released(site);
    match site.store.change_email(&change, &along, &released).await? {
        EmailChanged::Done { device_epoch } => {
            along.announce();
            released.announce_if_written();
            visit.session.rotate().await?;
            let path = format!("{}?{NOTICE}={EMAIL_CHANGED}", Flow::Overview.path(site));
            let mut response = respond::see_other(&path);
            site.remember_device(visit, (email, account.id(), device_epoch), &mut response);
            Ok(response)
        }
        EmailChanged::Taken => Ok(confirm_page(site, account, (None, email), true)),
        EmailChanged::Managed | EmailChanged::Invalid => Ok(over(site)),
    }
}

/// Whether an organization that enforces single sign-on sees to either address: nobody leaves its
/// domain for one whose password is asked for, and nobody comes into it but by its provider. It is said
/// before a link is mailed; that it holds is for the transition to see.
async fn is_managed(site: &Site, account: &Account, new: &Email) -> Result<bool, AccountError> {
    let old = account.email().and_then(|email| Email::parse(email).ok());
    for email in old.iter().chain([new]) {
        if single_sign_on::enforced(site, email).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the audit log tells of whoever had the address and never confirmed it.
fn released(site: &Site) -> Effects {
    let entry = Entry::new(Action::CHANGE_EMAIL).by(AuditActor::System);
    site.effects(entry.with("released", true))
}

/// The address that waits for this link, if it is this user's.
async fn waits(
    site: &Site,
    account: &Account,
    token: &OpaqueToken,
) -> Result<Option<Email>, AccountError> {
    let pending = site.store.pending_email_change(account.id(), site.now()).await?;
    let pending = pending.filter(|pending| pending.token == token.hash());
    let pending = pending.filter(|pending| {
        let (token, user, email) = (pending.token, account.id().clone(), pending.email.clone());
        let (link, keyring) = (FollowedLink { token, user, email }, &site.letters.keyring);
        is_bound(keyring, LinkPurpose::ChangeEmail, &link, &pending.binding)
    });
    Ok(pending.and_then(|pending| Email::parse(&pending.email).ok()))
}

/// Whoever had to log in in between comes back by a GET.
pub(super) fn back(site: &Site) -> Response<Body> {
    respond::see_other(&Flow::Email.path(site))
}

/// Who is a user of the host's own has the address that the host says.
fn away(site: &Site) -> Response<Body> {
    respond::see_other(&Flow::Overview.path(site))
}

fn over(site: &Site) -> Response<Body> {
    let next = Flow::Email.path(site);
    let page = LinkOver { was_for: LinkFor::ChangeEmail, next: &next };
    respond::html(StatusCode::GONE, site.pages.link_over(&page))
}

fn confirm_page(
    site: &Site,
    account: &Account,
    (token, email): (Option<&OpaqueToken>, &Email),
    taken: bool,
) -> Response<Body> {
    let parts = FrameParts::new(site, account, Flow::Email);
    let action = Flow::EmailConfirm.path(site);
    let secret = token.map(OpaqueToken::expose).unwrap_or_default();
    let mut page = ConfirmEmailChange::new(parts.frame(site), [&action, &secret], email.as_str());
    page.taken = taken;
    let status = if taken { StatusCode::CONFLICT } else { StatusCode::OK };
    respond::html(status, site.pages.settings_email_confirm(&page))
}

/// What the page says beside what is stored.
#[derive(Default)]
struct Said<'a> {
    typed: &'a str,
    problem: Option<EmailProblem>,
    code_refused: bool,
    notice: Option<EmailNotice>,
}

async fn page(site: &Site, account: &Account, said: Said<'_>) -> Answer {
    if site.store.find_account(account.id()).await?.is_none() {
        return Ok(away(site));
    }
    let pending = site.store.pending_email_change(account.id(), site.now()).await?;
    let parts = FrameParts::new(site, account, Flow::Email);
    let paths = [Flow::Email, Flow::EmailConfirm, Flow::EmailCancel].map(|flow| flow.path(site));
    let paths = paths.each_ref().map(String::as_str);
    let mut page = EmailSettings::new(parts.frame(site), paths, account.email());
    page.pending = pending.as_ref().map(|pending| (pending.email.as_str(), pending.expires_at));
    (page.typed, page.problem, page.notice) = (said.typed, said.problem, said.notice);
    page.code_refused = said.code_refused;
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let is_refused = said.problem.is_some() || said.code_refused;
    let status = if is_refused { refused } else { StatusCode::OK };
    Ok(respond::html(status, site.pages.settings_email(&page)))
}
