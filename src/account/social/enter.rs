//! What becomes of somebody whom a provider vouches for.

use http::Response;
use time::OffsetDateTime;

use super::answer::refuse;
use super::decide::{Outcome, decide};
use super::domain::{self, Domain};
use super::park::{Parked, Step};
use super::pending::Aim;
use super::policy::SocialPolicy;
use super::protocol::profile::Profile;
use super::protocol::token::Tokens;
use super::provider::Freshness;
use super::{Here, Provider, fault};
use crate::account::config::{SignUps, Unconfirmed};
use crate::account::confirm;
use crate::account::hook::{Applied, SignUpWay, may_sign_up, refuse_newcomer};
use crate::account::login::NOTICE;
use crate::account::sign_in::{ProvenAt, SignIn, sign_in};
use crate::account::site::{Answer, Visit};
use crate::account::{AccountError, Email};
use crate::audit::Action;
use crate::crypto::RandomExt as _;
use crate::http::{Body, respond};
use crate::page::LoginNotice;
use crate::scope::{Account, Attributes, Method, UserId};
use crate::store::{
    Effects, IdentityRegistration, IdentityUse, LoginUser, NewIdentity, NewUser, ReplacedTokens,
};

/// Whoever loses a race for an identity or an address is judged once more by who won it.
const JUDGED: usize = 3;

/// Lets them in, or asks what is still to be known.
pub(super) async fn enter(
    here: Here<'_>,
    visit: &Visit,
    profile: Profile,
    tokens: Option<Tokens>,
) -> Answer {
    let Here { site, providers, .. } = here;
    let identity = here.identity(&profile, tokens.as_ref());
    let trusted = profile.trusted_email();
    let unbacked = async || refuse(here, visit, &Aim::LogIn, fault::Fault::Unbacked).await;
    for _ in 0..JUDGED {
        let email = trusted.as_ref().map(Email::as_str);
        let owners = site.store.find_identity(&identity.provider, &identity.subject, email).await?;
        let sign_up = providers.policy.sign_up && site.policy.sign_ups == SignUps::Open;
        let policy = SocialPolicy { sign_up, ..providers.policy };
        let outcome = match decide(&profile, owners, &policy, site.policy.unconfirmed) {
            Ok(outcome) => outcome,
            Err(fault) => return refuse(here, visit, &Aim::LogIn, fault).await,
        };
        match outcome {
            Outcome::LogIn(user) => {
                // The link may be older than the rule.
                if domain::disowns(here, &user.account, &profile).await? {
                    domain::unlink(here, visit, &user.account).await?;
                    return unbacked().await;
                }
                return log_in(here, visit, (&profile, tokens.as_ref()), (&*user, false)).await;
            }
            Outcome::Register(email) => {
                match domain::look(here, visit, (&email, &profile)).await? {
                    Domain::Others(elsewhere) => return Ok(elsewhere),
                    Domain::Unbacked => return unbacked().await,
                    Domain::Own(_) | Domain::Open => {}
                }
                match register(here, visit, (&identity, &profile), &email).await? {
                    Registered::Done(user) => {
                        let vouched = (&profile, tokens.as_ref());
                        return log_in(here, visit, vouched, (&*user, true)).await;
                    }
                    Registered::Refused(answer) => return Ok(answer),
                    Registered::Taken => {}
                }
            }
            Outcome::TakeOver(account) => {
                if let Some(email) = &trusted {
                    match domain::look(here, visit, (email, &profile)).await? {
                        Domain::Others(elsewhere) => return Ok(elsewhere),
                        Domain::Unbacked => return unbacked().await,
                        Domain::Own(_) | Domain::Open => {}
                    }
                }
                let email = account.email().unwrap_or_default();
                may_come(here, visit, email).await?;
                // Then they are judged as its user.
                take_over(here, visit, &identity, &account).await?;
            }
            Outcome::AskToLink(account) => {
                let domain = match &trusted {
                    Some(email) => domain::look(here, visit, (email, &profile)).await?,
                    None => Domain::Open,
                };
                match domain {
                    Domain::Others(elsewhere) => return Ok(elsewhere),
                    Domain::Unbacked => return unbacked().await,
                    Domain::Own(sso) => {
                        let whose = (&sso, &identity);
                        match domain::link(here, visit, whose, &account).await? {
                            // Then they are judged as its user.
                            Ok(()) => continue,
                            Err(fault) => return refuse(here, visit, &Aim::LogIn, fault).await,
                        }
                    }
                    Domain::Open => {}
                }
                let step = Step::Link { user: account.id().clone() };
                return park(here, visit, (profile, tokens), step, "/link").await;
            }
            Outcome::AskForEmail => {
                return park(here, visit, (profile, tokens), Step::Ask, "/email").await;
            }
        }
    }
    refuse(here, visit, &Aim::LogIn, fault::Fault::Expired).await
}

async fn park(
    here: Here<'_>,
    visit: &Visit,
    (profile, tokens): (Profile, Option<Tokens>),
    step: Step,
    page: &str,
) -> Answer {
    let Here { site, providers, provider } = here;
    let parked = Parked::new(provider, (profile, tokens), step, &visit.trip);
    let (row, cookie) = providers.parking.park(&*site.random, &parked, site.now());
    site.store.park_identity(&row).await?;
    let mut response = respond::see_other(&here.path(page));
    response.headers_mut().append(http::header::SET_COOKIE, cookie);
    Ok(response)
}

/// What the host gives somebody new.
pub(super) async fn may_come(
    here: Here<'_>,
    visit: &Visit,
    email: &str,
) -> Result<Attributes, AccountError> {
    let who = Applied { email, way: SignUpWay::Provider(&here.provider.id), form: None };
    may_sign_up(here.site, visit, who).await?.map_err(AccountError::Refused)
}

/// How the registration of somebody who is about to come in ended.
enum Registered {
    Done(Box<LoginUser>),
    /// The host does not let them in; there is no account.
    Refused(Response<Body>),
    /// Identity or address are somebody's by now.
    Taken,
}

/// Makes the account, if the host lets its user in.
async fn register(
    here: Here<'_>,
    visit: &Visit,
    (identity, profile): (&NewIdentity, &Profile),
    email: &Email,
) -> Result<Registered, AccountError> {
    let site = here.site;
    let attributes = may_come(here, visit, email.as_str()).await?;
    let now = site.now();
    let id = UserId::from(site.random.uuid_v7(now));
    let account = Account::new(id).with_email(email.as_str(), true).with_attributes(attributes);
    let methods = methods(here.provider, profile);
    if let Some(answer) = refuse_newcomer(site, visit, (&account, &methods)).await? {
        return Ok(Registered::Refused(answer));
    }
    let user = NewUser { account: account.clone(), password: None, created_at: now };
    let entry = visit.entry(Action::REGISTER).about(account.id());
    let along = site.effects(about(entry, identity));
    match site.store.register_with_identity(&user, identity, &along).await? {
        IdentityRegistration::Registered => {
            along.announce();
            Ok(Registered::Done(Box::new(LoginUser {
                account,
                password: None,
                device_epoch: 0,
                has_second_factor: false,
                password_set_at: None,
                must_change_password: false,
            })))
        }
        IdentityRegistration::IdentityTaken | IdentityRegistration::EmailTaken => {
            Ok(Registered::Taken)
        }
    }
}

/// Gives an account to the owner of its address, if nobody was quicker.
pub(super) async fn take_over(
    here: Here<'_>,
    visit: &Visit,
    identity: &NewIdentity,
    account: &Account,
) -> Result<(), AccountError> {
    let entry = visit.entry(Action::CONFIRM_EMAIL).about(account.id()).with("took_over", true);
    let along = here.site.effects(about(entry, identity));
    let email = account.email().unwrap_or_default();
    let store = &here.site.store;
    let told = store.take_over_with_identity(account.id(), email, identity, &along).await?;
    if told == IdentityRegistration::Registered {
        along.announce();
    }
    Ok(())
}

async fn log_in(
    here: Here<'_>,
    visit: &Visit,
    (profile, tokens): (&Profile, Option<&Tokens>),
    (user, permitted): (&LoginUser, bool),
) -> Answer {
    let Here { site, providers, provider } = here;
    let account = &user.account;
    let over = || {
        let notice = fault::name_of(LoginNotice::TimedOut);
        Ok(respond::see_other(&visit.trip.via_with(&site.paths.login, &[(NOTICE, notice)])))
    };
    let Some(email) = account.email().and_then(|email| Email::parse(email).ok()) else {
        return refuse(here, visit, &Aim::LogIn, fault::Fault::NoEmail).await;
    };
    let (identity, replaced) = keeping(here, account.id(), profile, tokens).await?;
    let settle = async |along: Effects| {
        let (id, since) = (account.id(), (user.device_epoch, replaced));
        let used = site.store.log_in_with_identity(id, &identity, since, &along).await?;
        if used == IdentityUse::Done {
            along.announce();
        }
        Ok(used == IdentityUse::Done)
    };
    if !account.email_verified() && site.policy.unconfirmed == Unconfirmed::Block {
        if !settle(Effects::none()).await? {
            return over();
        }
        let mut response = confirm::send(site, visit, &email).await?;
        site.remember_registrant(visit, account.id(), &mut response);
        return Ok(response);
    }
    let methods = methods(provider, profile);
    let suffices = methods.contains(&Method::MULTI_FACTOR);
    let who = SignIn {
        email: &email,
        account,
        device_epoch: user.device_epoch,
        must_change_password: site.must_change_password(user, &methods),
        methods,
        remember: providers.policy.remember,
        proven_at: proven_at(provider, profile, user),
        login_path: Some(here.path("")),
        counted: false,
        permitted,
    };
    let asks = user.has_second_factor && !suffices;
    match sign_in(site, visit, &who, asks, settle).await? {
        Some(response) => Ok(response),
        None => over(),
    }
}

/// How they logged in: by more than one factor, if the provider says that it asked for what suffices.
fn methods(provider: &Provider, profile: &Profile) -> Vec<Method> {
    let suffices = profile.amr.iter().any(|method| provider.sufficient.contains(method));
    let all = [Some(Method::FEDERATED), suffices.then_some(Method::MULTI_FACTOR)];
    all.into_iter().flatten().collect()
}

/// What is written of the identity. Providers give a refresh token with the first consent only: without
/// a new one the one that was kept goes on.
async fn keeping(
    here: Here<'_>,
    user: &UserId,
    profile: &Profile,
    tokens: Option<&Tokens>,
) -> Result<(NewIdentity, ReplacedTokens), AccountError> {
    let Some(tokens) = tokens.filter(|tokens| tokens.refresh_token.is_none()) else {
        return Ok((here.identity(profile, tokens), ReplacedTokens::Any));
    };
    let Some(stored) = here.site.store.provider_tokens(user, &here.provider.id).await? else {
        return Ok((here.identity(profile, Some(tokens)), ReplacedTokens::None));
    };
    let kept = here.providers.open_tokens(&here.provider.id, &stored);
    let refresh_token = kept.and_then(|kept| kept.refresh_token);
    let tokens = Tokens { refresh_token, ..tokens.clone() };
    Ok((here.identity(profile, Some(&tokens)), ReplacedTokens::Version(stored.version)))
}

/// When the user proved to the provider who they are. One that could say, and does not, may have asked
/// nobody: whoever finds the browser of somebody who is logged in there comes so far.
fn proven_at(provider: &Provider, profile: &Profile, user: &LoginUser) -> ProvenAt {
    let has_nothing_else = user.password.is_none() && !user.has_second_factor;
    match profile.auth_time.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()) {
        Some(at) => ProvenAt::At(at),
        None if provider.freshness == Freshness::Assumed => ProvenAt::Now,
        None if provider.freshness == Freshness::NothingElse && has_nothing_else => ProvenAt::Now,
        None => ProvenAt::Unknown,
    }
}

/// What the audit log tells of an identity.
pub(in crate::account) fn about(
    entry: crate::audit::Entry,
    identity: &NewIdentity,
) -> crate::audit::Entry {
    entry
        .to("identity", format!("{}:{}", identity.provider, identity.subject))
        .with("provider", identity.provider.as_str())
}
