//! Back from the provider.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::fault::{Fault, name_of};
use super::pending::{Aim, Attempt};
use super::protocol::callback::{Callback, name_of_apple_user};
use super::protocol::profile::Profile;
use super::protocol::state;
use super::protocol::token::Tokens;
use super::{Here, enter};
use crate::account::login::NOTICE;
use crate::account::site::{Answer, Visit};
use crate::account::{AccountError, limits, settings};
use crate::audit::Action;
use crate::crypto::{Purpose, Sealed};
use crate::http::respond;

const FORWARDED: Purpose = Purpose::new("account/social-answer");
/// How long a browser may take to follow one redirect.
const FORWARDED_FOR: Duration = Duration::minutes(1);
/// The longest handle that is looked at, in bytes.
const HANDLE: usize = 12 * 1024;

/// An answer that came by a form.
#[derive(Serialize, Deserialize)]
struct Forwarded {
    answer: Callback,
    #[serde(with = "time::serde::timestamp::microseconds")]
    until: OffsetDateTime,
}

/// Takes an answer by form, which another site posts, so that our cookies are not with it: if it
/// could be one to a request of ours it is sealed, and the browser sent on to bring it as itself.
/// Nothing is stored for whoever posts.
pub(super) fn forward(here: Here<'_>, visit: &Visit) -> Answer {
    let Here { site, providers, provider } = here;
    let answer = Callback::read(&visit.form()?)?;
    let now = site.now();
    if !state::is_ours(&providers.keyring, &provider.id, &answer.state, now) {
        return Ok(to_login(here, visit, &Fault::Expired));
    }
    let forwarded = Forwarded { answer, until: now + FORWARDED_FOR };
    let plain = serde_json::to_vec(&forwarded).unwrap_or_default();
    let context = provider.id.as_bytes();
    let sealed = providers.keyring.seal(&*site.random, FORWARDED, context, &plain);
    let handle = URL_SAFE_NO_PAD.encode(sealed.as_bytes());
    Ok(respond::see_other(&format!("{}?handle={handle}", here.path("/callback"))))
}

/// Takes an answer that the browser brings as itself.
pub(super) async fn receive(here: Here<'_>, visit: &Visit) -> Answer {
    let Here { site, providers, provider } = here;
    let now = site.now();
    let answer = match visit.query.get("handle")? {
        Some(handle) => open(here, handle, now),
        None => Some(Callback::read(&visit.query)?),
    };
    let taken = answer.and_then(|answer| {
        let key = (provider.id.as_str(), answer.state.as_str());
        let taken = providers.attempts.take(&*site.random, &visit.headers, key, now)?;
        Some((answer, taken))
    });
    let Some((answer, (attempt, cookie))) = taken else {
        return Ok(to_login(here, visit, &Fault::Expired));
    };
    let visit = visit.on(attempt.trip());
    // Before the provider is asked: who brings one answer over and over makes us call nobody.
    limits::count_login(site, &visit).await?;
    let mut response = match believe(here, &attempt, &answer).await {
        Err(fault) => refuse(here, &visit, &attempt.aim, fault).await?,
        Ok((profile, tokens)) => match &attempt.aim {
            Aim::LogIn => enter::enter(here, &visit, profile, tokens).await?,
            Aim::Link(user, session) => {
                let asked = (user, *session);
                settings::connections::connect(here, &visit, asked, &profile, tokens).await?
            }
        },
    };
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

fn open(here: Here<'_>, handle: &str, now: OffsetDateTime) -> Option<Callback> {
    if handle.len() > HANDLE {
        return None;
    }
    let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(handle).ok()?);
    let context = here.provider.id.as_bytes();
    let plain = here.providers.keyring.open(FORWARDED, context, &sealed).ok()?;
    let forwarded: Forwarded = serde_json::from_slice(&plain).ok()?;
    (now < forwarded.until).then_some(forwarded.answer)
}

/// Who the provider says the user is, after every check.
async fn believe(
    here: Here<'_>,
    attempt: &Attempt,
    answer: &Callback,
) -> Result<(Profile, Option<Tokens>), Fault> {
    let Here { providers, provider, .. } = here;
    let endpoints = providers.client.endpoints(provider).await?;
    if !endpoints.may_answer(answer.iss.as_deref()) {
        return Err(Fault::Issuer);
    }
    let code = match &answer.outcome {
        Ok(code) => code,
        Err(error) if is_cancellation(error) => return Err(Fault::Cancelled),
        Err(error) => return Err(Fault::Said(error.clone())),
    };
    let redirect_uri = here.redirect_uri();
    let answered = (code.as_str(), answer.iss.as_deref());
    let redeemed = providers.client.redeem(provider, attempt, (answered, &redirect_uri)).await?;
    let (mut profile, issued) = redeemed;
    if profile.name.is_none() && provider.form_post {
        profile.name = answer.user.as_deref().and_then(name_of_apple_user);
    }
    let tokens = provider.keeps_tokens.then(|| issued.keep(here.site.now()));
    Ok((profile, tokens))
}

/// The words of providers for a user who turned back: RFC 6749's, Apple's, OpenID's.
fn is_cancellation(error: &str) -> bool {
    matches!(
        error,
        "access_denied" | "user_cancelled_authorize" | "login_required" | "interaction_required"
    )
}

/// Tells the log what happened, and the visitor what to do.
pub(super) async fn refuse(here: Here<'_>, visit: &Visit, aim: &Aim, fault: Fault) -> Answer {
    let action = match aim {
        Aim::LogIn => Action::LOG_IN,
        Aim::Link(..) => Action::LINK_IDENTITY,
    };
    tell(here, visit, action, &fault).await?;
    Ok(match aim {
        Aim::LogIn => to_login(here, visit, &fault),
        Aim::Link(..) => settings::connections::back(here.site, Some((&fault).into())),
    })
}

/// Tells the log that an identity was not linked.
pub(in crate::account) async fn refuse_link(
    here: Here<'_>,
    visit: &Visit,
    fault: &Fault,
) -> Result<(), AccountError> {
    tell(here, visit, Action::LINK_IDENTITY, fault).await
}

async fn tell(
    here: Here<'_>,
    visit: &Visit,
    action: Action,
    fault: &Fault,
) -> Result<(), AccountError> {
    let Here { site, provider, .. } = here;
    tracing::warn!(provider = provider.id, %fault, "nobody came in by a provider");
    let entry = visit.entry(action).refused().with("provider", provider.id.as_str());
    let entry = entry.with("reason", fault.reason()).at(site.now(), &*site.random);
    site.store.write_audit_entry(&entry).await?;
    entry.announce();
    Ok(())
}

fn to_login(here: Here<'_>, visit: &Visit, fault: &Fault) -> http::Response<crate::http::Body> {
    let notice = name_of(fault.notice());
    respond::see_other(&visit.trip.via_with(&here.site.paths.login, &[(NOTICE, notice)]))
}
