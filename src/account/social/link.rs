//! Whether to link an identity to the account that has its address: never without its owner, who
//! shows as always to be that, and presses a button.

use http::{Response, StatusCode};

use super::park::{Parked, Step, take, waiting};
use super::{Here, fault};
use crate::account::login::NOTICE;
use crate::account::settings::connections;
use crate::account::site::{Answer, Visit};
use crate::http::{Body, respond};
use crate::page::{LinkIdentity, LinkStep, LoginNotice};
use crate::scope::{Account, UserId};

pub(super) async fn show(here: Here<'_>, visit: &Visit) -> Answer {
    let Some((parked, user)) = linkable(waiting(here, visit).await?) else {
        return Ok(over(here, visit));
    };
    let step = match visit.session.scope().account() {
        None => LinkStep::LogIn,
        Some(account) if *account.id() != user => LinkStep::OtherAccount,
        Some(_) => {
            here.linker(visit).await?;
            LinkStep::Confirm
        }
    };
    Ok(page(here, &parked, step))
}

/// Links them. Whoever the identity waits for must be logged in, and have proven it just now.
pub(super) async fn submit(here: Here<'_>, visit: &Visit) -> Answer {
    let account = here.linker(visit).await?;
    let Some((parked, user)) = linkable(waiting(here, visit).await?) else {
        return Ok(over(here, visit));
    };
    if *account.id() != user {
        return Ok(page(here, &parked, LinkStep::OtherAccount));
    }
    let Some((parked, _)) = linkable(take(here, visit).await?) else {
        return Ok(over(here, visit));
    };
    let mut response = settle(here, visit, &account, &parked).await?;
    here.providers.parking.forget(&mut response);
    Ok(response)
}

async fn settle(here: Here<'_>, visit: &Visit, account: &Account, parked: &Parked) -> Answer {
    let identity = here.identity(&parked.profile, parked.tokens.as_ref());
    match connections::link(here, visit, account, (&parked.profile, &identity)).await? {
        Ok(()) => {
            let trip = parked.trip();
            Ok(respond::see_other(trip.destination(&here.site.paths.home)))
        }
        Err(notice) => Ok(connections::back(here.site, Some(notice))),
    }
}

fn linkable(parked: Option<Parked>) -> Option<(Parked, UserId)> {
    let parked = parked?;
    match &parked.step {
        Step::Link { user } => {
            let user = user.clone();
            Some((parked, user))
        }
        Step::Ask | Step::Mailed { .. } => None,
    }
}

/// Nobody waits here (any more).
pub(super) fn over(here: Here<'_>, visit: &Visit) -> Response<Body> {
    let notice = fault::name_of(LoginNotice::TimedOut);
    respond::see_other(&visit.trip.via_with(&here.site.paths.login, &[(NOTICE, notice)]))
}

fn page(here: Here<'_>, parked: &Parked, step: LinkStep) -> Response<Body> {
    let site = here.site;
    let action = here.path("/link");
    let back = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", &action)
        .finish();
    let login = match step {
        LinkStep::OtherAccount => site.paths.logout.clone(),
        LinkStep::LogIn | LinkStep::Confirm => format!("{}?{back}", site.paths.login),
    };
    let email = parked.profile.email.as_deref().unwrap_or_default();
    let paths = [action.as_str(), &login, &site.paths.home];
    let page = LinkIdentity::new(paths, &here.provider.name, email, step);
    respond::html_leading_on(StatusCode::OK, site.pages.link_identity(&page))
}
