//! Behind the mailed link to join an organization. Opening it changes nothing, since mail scanners
//! open links. It is for the invited address alone: who is logged in with another one is told so,
//! and of the invitation nothing.

use http::{Method, Response, StatusCode, Uri};

use super::config::SignUps;
use super::hook::{self, Applied, SignUpWay, may_sign_up, refuse_newcomer};
use super::login::{LOGIN_HINT, NOTICE};
use super::organization::{InvitationLink, OrganizationAct};
use super::register::closed;
use super::sign_in::{ProvenAt, SignIn, open};
use super::site::{Answer, Site, Visit};
use super::trip::Trip;
use super::{AccountError, Email, choice, single_sign_on};
use crate::audit::Action;
use crate::crypto::{RandomExt as _, Redacted};
use crate::http::{Body, Form, respond};
use crate::page::{InvitationPage, InvitationState, PasswordProblem};
use crate::scope::{Account, Method as AuthenticationMethod, UserId};
use crate::store::{
    Acceptance, Effects, FollowedInvitation, Invitation, LoginCompletion, LoginCounter, NewUser,
};

/// An invitation that the visitor has the link of.
struct Found {
    link: InvitationLink,
    invitation: Invitation,
}

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let Some(found) = find(site, visit.query.get("token")?).await? else { return Ok(over(site)) };
    Ok(page(site, visit, &found, StatusCode::OK, &Typed::default()))
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    // Who has no link makes us hash nothing.
    let Some(found) = find(site, form.get("token")?).await? else { return Ok(over(site)) };
    if visit.session.scope().account().is_none() {
        return register(site, visit, &found, &form).await;
    }
    let account = visit.account_in_person()?;
    if !is_invited(&account, &found) || !account.email_verified() {
        return Ok(page(site, visit, &found, StatusCode::FORBIDDEN, &Typed::default()));
    }
    let (user, invitation) = (account.id(), &found.invitation);
    let act = joining(invitation);
    if !site.permits(&account, &act).await {
        return Err(AccountError::Forbidden);
    }
    let entry = visit.entry(Action::ACCEPT_INVITATION).to("invitation", invitation.id.0);
    let along = site.effects(entry.in_organization(invitation.organization.id));
    let followed = followed(site, invitation);
    match site.store.accept_invitation(&followed, user, &along, site.now()).await? {
        Acceptance::Joined => {
            along.announce();
            site.has_done(&account, &act).await;
        }
        Acceptance::AlreadyMember => {}
        Acceptance::EmailTaken | Acceptance::Invalid => return Ok(over(site)),
    }
    visit.session.act_in(invitation.organization.id).await?;
    Ok(respond::see_other(visit.trip.destination(&site.paths.home)))
}

/// A new account with the invited address: whoever has the link reads its mail.
async fn register(site: &Site, visit: &Visit, found: &Found, form: &Form) -> Answer {
    let invitation = &found.invitation;
    let Ok(email) = Email::parse(&invitation.email) else { return Ok(over(site)) };
    // Whose provider knows them has a way in, whoever else may sign up here.
    if single_sign_on::enforced(site, &email).await?.is_some() {
        let back = here(site, found);
        let fields = [(NOTICE, single_sign_on::ENFORCED), (LOGIN_HINT, email.as_str())];
        return Ok(respond::see_other(&back.via_with(&site.paths.login, &fields)));
    }
    if site.policy.sign_ups == SignUps::Closed {
        return Ok(closed(site, visit, StatusCode::FORBIDDEN));
    }
    let refused_as = |taken, problem, refused| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let typed = Typed { taken, problem, form: Some(form), refused };
        Ok(page(site, visit, found, status, &typed))
    };
    let refused = |taken, problem| refused_as(taken, problem, None);
    let password = Redacted(form.get("password")?.unwrap_or_default().to_owned());
    let problem = choice::problem(site, &password, &invitation.email).await?;
    if problem.is_some() || hook::problem(&site.sign_up_fields, form) {
        return refused(false, problem);
    }
    let way = SignUpWay::Invitation(invitation.organization.id);
    let who = Applied { email: email.as_str(), way, form: Some(form) };
    let attributes = match may_sign_up(site, visit, who).await? {
        Ok(attributes) => attributes,
        Err(reason) => return refused_as(false, None, Some(&reason)),
    };
    let hash = site.passwords.hash(password).await?;
    let now = site.now();
    let id = UserId::from(site.random.uuid_v7(now));
    let account = Account::new(id.clone()).with_email(email.as_str(), true);
    let account = account.with_attributes(attributes);
    let new = NewUser { account, password: Some(hash.clone()), created_at: now };
    let act = joining(invitation);
    if !site.permits(&new.account, &act).await {
        return Err(AccountError::Forbidden);
    }
    let methods = vec![AuthenticationMethod::PASSWORD];
    if let Some(answer) = refuse_newcomer(site, visit, (&new.account, &methods)).await? {
        return Ok(answer);
    }
    let organization = invitation.organization.id;
    let entry = visit.entry(Action::ACCEPT_INVITATION).to("invitation", invitation.id.0);
    let joins = entry.about(&id).in_organization(organization).at(now, &*site.random);
    let along = site.effects(visit.entry(Action::REGISTER).about(&id)).and_entry(joins);
    match site.store.register_invited(&followed(site, invitation), &new, &along).await? {
        Acceptance::Joined => {
            along.announce();
            site.has_done(&new.account, &act).await;
        }
        Acceptance::EmailTaken => return refused(true, None),
        Acceptance::AlreadyMember | Acceptance::Invalid => return Ok(over(site)),
    }
    let who = SignIn {
        email: &email,
        account: &new.account,
        device_epoch: 0,
        methods,
        remember: false,
        must_change_password: false,
        proven_at: ProvenAt::Now,
        login_path: None,
        counted: false,
        permitted: true,
    };
    let settle = async |along: Effects| {
        let (address, counter) = (email.as_str(), LoginCounter::Address);
        let told = site.store.complete_login(address, counter, (&hash, None), None, &along).await?;
        let completed = told == LoginCompletion::Completed;
        if completed {
            along.announce();
        }
        Ok(completed)
    };
    match open(site, visit, &who, false, settle).await? {
        Some(response) => Ok(response),
        None => Ok(respond::see_other(&visit.trip.via(&site.paths.login))),
    }
}

/// What was typed by somebody who signs up, and what is wrong with it.
#[derive(Default)]
struct Typed<'a> {
    taken: bool,
    problem: Option<PasswordProblem>,
    form: Option<&'a Form>,
    refused: Option<&'a str>,
}

/// What the host is asked.
fn joining(invitation: &Invitation) -> OrganizationAct<'_> {
    OrganizationAct::Join { organization: invitation.organization.id, role: &invitation.role }
}

/// Back to this page.
fn here(site: &Site, found: &Found) -> Trip {
    let here = format!("{}?token={}", site.paths.invitation, found.link.expose());
    here.parse::<Uri>().map(|uri| Trip::back_to(&uri, &Method::GET)).unwrap_or_default()
}

/// The invitation that a link opens.
async fn find(site: &Site, token: Option<&str>) -> Result<Option<Found>, AccountError> {
    let Some(link) = token.and_then(InvitationLink::parse) else { return Ok(None) };
    let Some(invitation) = site.store.find_invitation(link.id, site.now()).await? else {
        return Ok(None);
    };
    let (keyring, stored) = (&site.letters.keyring, &invitation.secret);
    let opens = link.opens(keyring, stored, invitation.organization.id, &invitation.email);
    Ok(opens.then_some(Found { link, invitation }))
}

/// What the transition is to look at once more.
fn followed(site: &Site, invitation: &Invitation) -> FollowedInvitation {
    let givers = site.organizations.givers(&invitation.role);
    FollowedInvitation { id: invitation.id, secret: invitation.secret, givers }
}

fn is_invited(account: &Account, found: &Found) -> bool {
    let email = account.email().and_then(|email| Email::parse(email).ok());
    email.is_some_and(|email| email.as_str() == found.invitation.email)
}

fn over(site: &Site) -> Response<Body> {
    let home = site.paths.home.as_str();
    let page = InvitationPage::new(InvitationState::Over, ["", ""], ["", "", home]);
    respond::html(StatusCode::GONE, site.pages.invitation(&page))
}

fn page(
    site: &Site,
    visit: &Visit,
    found: &Found,
    status: StatusCode,
    typed: &Typed<'_>,
) -> Response<Body> {
    let scope = visit.session.scope();
    let (organization, email) =
        (found.invitation.organization.name.as_str(), found.invitation.email.as_str());
    let state = match scope.account() {
        None => InvitationState::Visitor {
            organization,
            email,
            taken: typed.taken,
            closed: site.policy.sign_ups == SignUps::Closed,
            password_problem: typed.problem,
            password_length: site.password_rules.bounds(),
        },
        Some(account) if !is_invited(account, found) => {
            InvitationState::Other { account: account.email().unwrap_or(account.id().as_str()) }
        }
        Some(account) if !account.email_verified() => InvitationState::Unconfirmed { email },
        Some(_) => InvitationState::Ready { organization, email },
    };
    let token = found.link.expose();
    let back = here(site, found);
    let login = match state {
        InvitationState::Visitor { .. } => back.via_with(&site.paths.login, &[(LOGIN_HINT, email)]),
        _ => String::new(),
    };
    let logout = back.via(&site.paths.logout);
    let action = visit.trip.via(&site.paths.invitation);
    let fields = hook::entries(&site.sign_up_fields, typed.form);
    let paths = [login.as_str(), &logout, &site.paths.home];
    let page = InvitationPage::new(state, [&action, &token], paths).asking(&fields, typed.refused);
    let html = site.pages.invitation(&page);
    if visit.trip.leads_on() {
        respond::html_leading_on(status, html)
    } else {
        respond::html(status, html)
    }
}
