//! Setting up an authenticator app. Until a first code confirms it, its secret is in a sealed
//! cookie and nowhere else.

use http::header::SET_COOKIE;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::two_factor::{back, show_codes};
use super::{Flow, FrameParts};
use crate::account::cookie::SealedCookie;
use crate::account::mfa::{TotpSecret, TotpStep};
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::crypto::{Keyring, Purpose};
use crate::http::{Body, CookiePolicy, respond};
use crate::page::{Letter, TwoFactorSetup};
use crate::scope::{Account, Method, SessionId, UserId};
use crate::store::{Enrolment, NewTotp};

const PURPOSE: Purpose = Purpose::new("account/totp-setup");
/// How long it may take.
const WAITS: Duration = Duration::minutes(15);

/// The cookie that keeps the secret.
pub(in crate::account) fn cookie(policy: CookiePolicy, keyring: &Keyring) -> SealedCookie {
    SealedCookie { name: "totp-setup", purpose: PURPOSE, policy, keyring: keyring.clone() }
}

/// A secret that waits to be confirmed, in the session in which it was made.
#[derive(Serialize, Deserialize)]
struct Begun {
    user: UserId,
    session: Option<SessionId>,
    secret: Vec<u8>,
    #[serde(with = "time::serde::timestamp::microseconds")]
    until: OffsetDateTime,
}

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.factor_account(site).await?;
    let factor = site.store.find_second_factor(account.id()).await?;
    if factor.is_some_and(|factor| factor.has_app()) {
        return Ok(back(site));
    }
    if let Some(secret) = begun(site, visit, &account) {
        return Ok(page(site, visit, &account, (&secret, StatusCode::OK)));
    }
    let secret = TotpSecret::generate(&*site.random);
    let begun = Begun {
        user: account.id().clone(),
        session: visit.session.id(),
        secret: secret.as_bytes().to_vec(),
        until: site.now() + WAITS,
    };
    let mut response = page(site, visit, &account, (&secret, StatusCode::OK));
    let set = site.factors.setup.set(&*site.random, &begun, WAITS);
    response.headers_mut().append(SET_COOKIE, set);
    Ok(response)
}

pub(super) async fn confirm(site: &Site, visit: &Visit) -> Answer {
    let account = visit.factor_account(site).await?;
    let form = visit.form()?;
    let typed = form.get("code")?.unwrap_or_default();
    let Some(secret) = begun(site, visit, &account) else {
        return Ok(respond::see_other(&visit.trip.via(&Flow::TwoFactorSetup.path(site))));
    };
    let (id, now) = (account.id(), site.now());
    let Some(TotpStep(step)) = secret.check(typed, now, None) else {
        return Ok(page(site, visit, &account, (&secret, StatusCode::UNPROCESSABLE_ENTITY)));
    };
    let (codes, backup_codes) = site.factors.backup_codes(&*site.random, id);
    let totp = NewTotp {
        user: id.clone(),
        secret: site.factors.seal(&*site.random, id, &secret),
        step,
        backup_codes,
        created_at: now,
    };
    let mut along = site.effects(visit.entry(Action::ENROLL));
    if let Some(to) = account.email() {
        let letter = |forgot| Letter::AppAdded { forgot };
        along = along.and_delivery(site.letters.notice(to, letter, now));
    }
    let mut response = match site.store.enroll_totp(&totp, visit.session.id(), &along).await? {
        Enrolment::Enrolled => {
            along.announce();
            let methods = [Method::ONE_TIME_CODE, Method::MULTI_FACTOR];
            // The codes are shown this once, whatever becomes of the session.
            if let Err(error) = visit.session.strengthen(methods).await {
                tracing::warn!(%error, "a session does not know of the second factor set up in it");
            }
            show_codes(site, visit, &account, &codes)
        }
        Enrolment::Refused => back(site),
    };
    response.headers_mut().append(SET_COOKIE, site.factors.setup.clear());
    Ok(response)
}

/// The secret that this user began with, in this session.
fn begun(site: &Site, visit: &Visit, account: &Account) -> Option<TotpSecret> {
    let begun: Begun = site.factors.setup.read(&visit.headers)?;
    let ours = begun.user == *account.id()
        && begun.session == visit.session.id()
        && site.now() < begun.until;
    TotpSecret::stored(&begun.secret).filter(|_| ours)
}

fn page(
    site: &Site,
    visit: &Visit,
    account: &Account,
    (secret, status): (&TotpSecret, StatusCode),
) -> Response<Body> {
    let parts = FrameParts::new(site, account, Flow::TwoFactor);
    let action = visit.trip.via(&Flow::TwoFactorSetup.path(site));
    let next = Flow::TwoFactor.path(site);
    let theme = site.pages.theme();
    let name = account.email().unwrap_or(account.id().as_str());
    let qr = secret.expose_qr(theme.product(), name, &theme.messages().two_factor_qr_label);
    let refused = status != StatusCode::OK;
    let shown = secret.expose();
    let page =
        TwoFactorSetup::new(parts.frame(site), [&action, &next], (qr.as_deref(), &shown), refused);
    respond::html(status, site.pages.settings_two_factor_setup(&page))
}
