//! Log out: by a form, since a link from elsewhere must not do it.

use http::StatusCode;

use super::admin::impersonate;
use super::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::http::respond;
use crate::page::{LoggedOut, Logout};
use crate::scope::Actor;

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    let scope = visit.session.scope();
    let Some(account) = scope.account() else { return Ok(gone(site, visit)) };
    let page = site.pages.logout(&Logout {
        action: &visit.trip.via(&site.paths.logout),
        stay: &site.paths.home,
        account: account.email().unwrap_or(account.id().as_str()),
    });
    Ok(if visit.trip.leads_on() {
        respond::html_leading_on(StatusCode::OK, page)
    } else {
        respond::html(StatusCode::OK, page)
    })
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    if matches!(visit.session.scope().actor(), Actor::Impersonator(_)) {
        // Or the administrator's own session would wait for whoever comes next.
        return impersonate::stop(site, visit).await;
    }
    let along = site.effects(visit.entry(Action::LOG_OUT));
    let somebody = visit.session.scope().account().is_some();
    visit.session.log_out_along(&along).await?;
    if somebody {
        along.announce();
    }
    let mut response = respond::see_other(visit.trip.destination(&site.paths.logout));
    impersonate::leave(site, visit, &mut response).await?;
    Ok(response)
}

/// Nobody is logged in: on with the trip, or the end of it.
fn gone(site: &Site, visit: &Visit) -> http::Response<crate::http::Body> {
    if visit.trip.leads_on() {
        return respond::see_other(visit.trip.destination(&site.paths.home));
    }
    let page = site.pages.logged_out(&LoggedOut { login: &site.paths.login });
    respond::html(StatusCode::OK, page)
}
