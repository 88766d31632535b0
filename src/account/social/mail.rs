//! Which address somebody has, whose provider vouches for none. The link that is mailed works in the
//! browser that asked for it, and in no other: otherwise somebody could ask with another's address,
//! and wait for its owner to open the account to them.
//!
//! Whether the address has an account is looked at only once it is theirs.

use http::header::SET_COOKIE;
use http::{Response, StatusCode};

use super::Here;
use super::enter::enter;
use super::link::over;
use super::park::{Parked, Step, take, waiting};
use super::protocol::profile::Backing;
use crate::account::Email;
use crate::account::letters::token;
use crate::account::site::{Answer, Visit};
use crate::audit::Action;
use crate::crypto::{OpaqueToken, RandomExt as _};
use crate::http::{Body, respond};
use crate::page::{ProviderEmail, ProviderEmailStep};
use crate::store::Effects;

pub(super) async fn show(here: Here<'_>, visit: &Visit) -> Answer {
    let link = token(visit.query.get("token")?);
    let parked = waiting(here, visit).await?;
    let step = match (parked.as_ref().map(|parked| &parked.step), &link) {
        (Some(Step::Mailed { token, .. }), Some(link)) if link.hash().as_bytes() == token => {
            let link = link.expose();
            return Ok(page(here, parked.as_ref(), &ProviderEmailStep::Confirm { token: &link }));
        }
        // Another link than the last, or another browser.
        (_, Some(_)) => ProviderEmailStep::OtherBrowser,
        (Some(Step::Mailed { .. }), None) => ProviderEmailStep::Sent,
        (Some(Step::Ask), None) => ProviderEmailStep::Ask { invalid: false },
        (Some(Step::Link { .. }) | None, None) => return Ok(over(here, visit)),
    };
    Ok(page(here, parked.as_ref(), &step))
}

pub(super) async fn submit(here: Here<'_>, visit: &Visit) -> Answer {
    let form = visit.form()?;
    match token(form.get("token")?) {
        Some(link) => confirm(here, visit, &link).await,
        None => ask(here, visit, form.get("email")?.unwrap_or_default()).await,
    }
}

/// Mails a link to the address, or does not, if that was done too often: it looks the same.
async fn ask(here: Here<'_>, visit: &Visit, typed: &str) -> Answer {
    let Here { site, providers, provider } = here;
    let Some(parked) = waiting(here, visit).await? else { return Ok(over(here, visit)) };
    if matches!(parked.step, Step::Link { .. }) {
        return Ok(over(here, visit));
    }
    let Ok(email) = Email::parse(typed) else {
        let mut page = page(here, Some(&parked), &ProviderEmailStep::Ask { invalid: true });
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page);
    };
    let (now, link) = (site.now(), site.random.token());
    let step = Step::Mailed { email: email.as_str().to_owned(), token: *link.hash().as_bytes() };
    let parked = Parked { step, ..parked };
    let (row, cookie) = providers.parking.park(&*site.random, &parked, now);
    let path = format!("{}?token={}", here.path("/email"), link.expose());
    let letter = site.letters.provider_email(&email, &path, &provider.name, now);
    let entry = visit.entry(Action::REQUEST_LINK).with("purpose", "identity");
    let mail = Effects::from(letter).and_entry(entry.at(now, &*site.random));
    let limit = (site.policy.link_requests, now);
    if site.store.park_identity_with_mail(&row, email.as_str(), &mail, limit).await? {
        mail.announce();
    }
    let mut response = page(here, Some(&parked), &ProviderEmailStep::Sent);
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// The address is theirs: it counts as if the provider had vouched for it, but where an organization
/// has its users vouched for by the provider alone.
async fn confirm(here: Here<'_>, visit: &Visit, link: &OpaqueToken) -> Answer {
    let waits = waiting(here, visit).await?;
    let is_it = waits.is_some_and(|parked| {
        matches!(parked.step, Step::Mailed { token, .. } if token == *link.hash().as_bytes())
    });
    if !is_it {
        return Ok(page(here, None, &ProviderEmailStep::OtherBrowser));
    }
    let Some(parked) = take(here, visit).await? else { return Ok(over(here, visit)) };
    let (trip, mut profile) = (parked.trip(), parked.profile);
    if let Step::Mailed { email, .. } = parked.step {
        (profile.email, profile.email_trusted) = (Some(email), true);
        profile.backing = Backing::Nobody;
    }
    let visit = visit.on(trip);
    let mut response = enter(here, &visit, profile, parked.tokens).await?;
    // Unless somebody waits anew.
    if response.headers().get_all(SET_COOKIE).iter().all(|set| !here.providers.parking.sets(set)) {
        here.providers.parking.forget(&mut response);
    }
    Ok(response)
}

fn page(here: Here<'_>, parked: Option<&Parked>, step: &ProviderEmailStep<'_>) -> Response<Body> {
    let site = here.site;
    let email = parked.and_then(|parked| match &parked.step {
        Step::Mailed { email, .. } => Some(email.as_str()),
        Step::Ask | Step::Link { .. } => parked.profile.email.as_deref(),
    });
    let paths = [&here.path("/email"), site.paths.login.as_str()];
    let page =
        ProviderEmail::new(paths, &here.provider.name, email.unwrap_or_default(), step.clone());
    // The confirmation ends where the trip does.
    respond::html_leading_on(StatusCode::OK, site.pages.provider_email(&page))
}
