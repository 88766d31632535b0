//! The second factor, asked for in a session that was opened without it: by an identity provider, or
//! by a door of the host's, where an organization wants more. The session stays what it is, with the
//! provider that it came by; it gets a new token, and says from now on what was shown.
//!
//! It is no proof of who is there anew: nothing gets fresh by it. It is counted with the codes of
//! every login, and an administrator who acts as the user has nothing to show here.
//!
//! A browser that the user trusts is asked for no code, as at a login; and as there they may say so
//! with the code. Where such a user logs in elsewhere, the demand that leads here is the first that
//! asks, so that the trust is looked at here, and nowhere before.

use http::header::SET_COOKIE;
use http::{Response, StatusCode};

use super::{Checked, check_code, use_up};
use crate::account::login::FACTOR;
use crate::account::site::{Answer, Asking, Occasion, Site, Visit};
use crate::account::{AccountError, Email, again, settings};
use crate::audit::Action;
use crate::http::{Body, respond};
use crate::page::VerifyLogin;
use crate::scope::{Account, Authentication, Method};
use crate::store::Effects;

/// Whether a visitor was sent for it.
pub(in crate::account) fn is_asked(visit: &Visit) -> bool {
    matches!(visit.query.get(FACTOR), Ok(Some(_)))
}

/// Where it is asked for, with the trip.
pub(in crate::account) fn path(site: &Site, trip: &crate::account::trip::Trip) -> String {
    trip.via_with(&site.paths.again, &[(FACTOR, "second")])
}

pub(in crate::account) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    if is_done(visit) {
        return Ok(again::go_on(site, visit));
    }
    match by_trust(site, visit, &account).await? {
        Some(response) => Ok(response),
        None => page(site, visit, &account, Refused::Nothing).await,
    }
}

pub(in crate::account) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    if is_done(visit) {
        return Ok(again::go_on(site, visit));
    }
    let form = visit.form()?;
    let trust = form.get("trust")?.is_some();
    if let (Some(keys), Some(answer)) = (&site.passkeys, form.get("credential")?) {
        return match keys.prove_present(site, visit, &account, (Occasion::StepUp, answer)).await? {
            Some((methods, epoch, over)) => {
                let trust = trust.then_some(epoch);
                let mut response = strengthen(site, visit, &account, methods, trust).await?;
                response.headers_mut().append(SET_COOKIE, over);
                Ok(response)
            }
            None => page(site, visit, &account, Refused::Passkey).await,
        };
    }
    let typed = form.get("code")?.unwrap_or_default();
    let whom = (account.id(), account.email(), None);
    let (user, proof) = match check_code(site, visit, Action::VERIFY, whom, typed).await? {
        Checked::Right(user, proof) => (user, proof),
        Checked::Wrong | Checked::Gone => return page(site, visit, &account, Refused::Code).await,
    };
    let along = site.effects(visit.entry(Action::VERIFY));
    if !use_up(site, visit, (&user, user.device_epoch), proof, along).await? {
        return page(site, visit, &account, Refused::Code).await;
    }
    let methods = [Method::ONE_TIME_CODE, Method::MULTI_FACTOR];
    strengthen(site, visit, &account, methods, trust.then_some(user.device_epoch)).await
}

/// The proof is used up by now: whoever ended the session meanwhile ended it for good. The browser is
/// trusted in this epoch, if any, which was the user's when the proof was used up.
async fn strengthen(
    site: &Site,
    visit: &Visit,
    account: &Account,
    methods: impl IntoIterator<Item = Method>,
    trust: Option<i64>,
) -> Answer {
    let trusted = trust.zip(trusting(site, account)).map(|(epoch, (email, _))| (email, epoch));
    let along = match &trusted {
        Some(_) => site.effects(visit.entry(Action::TRUST_BROWSER)),
        None => Effects::none(),
    };
    visit.session.strengthen_along(methods, along.clone()).await?;
    along.announce();
    let mut response = again::go_on(site, visit);
    if let Some((email, epoch)) = &trusted {
        site.trust_device(visit, (email, account.id(), *epoch), &mut response);
    }
    Ok(response)
}

/// By which address the user could trust this browser, and for how many days; `None` if they can't.
fn trusting(site: &Site, account: &Account) -> Option<(Email, i64)> {
    let days = site.devices.trust_for()?.whole_days();
    Some((Email::parse(account.email()?).ok()?, days))
}

/// Where they are going, if they trust this browser: no code is asked for, and the session says so. It
/// is what a login would have said, and no more: who trusted it before a reset, a sign-out or the end
/// of the factor does not any more.
async fn by_trust(
    site: &Site,
    visit: &Visit,
    account: &Account,
) -> Result<Option<Response<Body>>, AccountError> {
    let scope = visit.session.scope();
    let has_said = |login: &Authentication| login.methods.contains(&Method::TRUSTED_BROWSER);
    if scope.authentication().is_some_and(has_said) {
        // Whoever is sent here all the same is to show more.
        return Ok(None);
    }
    let Some((email, _)) = trusting(site, account) else { return Ok(None) };
    let whom = (&email, account.id());
    // Without the cookie nothing is read.
    let Some(epoch) = site.devices.trusted_in(&visit.headers, whom, site.now()) else {
        return Ok(None);
    };
    let user = site.store.load_login_user(account.id()).await?;
    if !user.is_some_and(|user| user.has_second_factor && user.device_epoch == epoch) {
        return Ok(None);
    }
    let method = Method::TRUSTED_BROWSER;
    let along = site.effects(visit.entry(Action::VERIFY).with("methods", vec![method.as_str()]));
    visit.session.strengthen_along([method], along.clone()).await?;
    along.announce();
    Ok(Some(again::go_on(site, visit)))
}

/// Whether the session has it already.
fn is_done(visit: &Visit) -> bool {
    let scope = visit.session.scope();
    scope.authentication().is_some_and(|authentication| authentication.used_second_factor(None))
}

/// What was refused, if anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    Nothing,
    Code,
    Passkey,
}

/// Asks for what the user has. Who has nothing sets it up first.
async fn page(site: &Site, visit: &Visit, account: &Account, refused: Refused) -> Answer {
    let asking = if refused == Refused::Passkey { Asking::Anew } else { Asking::Still };
    let asked = match &site.passkeys {
        Some(keys) => keys.ask_present(site, visit, account, (Occasion::StepUp, asking)).await?,
        None => None,
    };
    let factor = site.store.find_second_factor(account.id()).await?;
    let takes_code = factor.is_some_and(|factor| factor.has_codes());
    // Who has passkeys that cannot be used here sets nothing up beside them: that takes them first.
    let has_none = asked.is_none() && !takes_code;
    if has_none && !site.store.find_proofs(account.id()).await?.passkey {
        return Ok(respond::see_other(&visit.trip.via(&settings::second_factor_setup(site))));
    }
    let action = path(site, &visit.trip);
    let prompt = asked.as_ref().map(|asked| asked.prompt(refused == Refused::Passkey));
    let days = trusting(site, account).map(|(_, days)| days);
    let page = VerifyLogin::new(&action, &site.paths.home, refused == Refused::Code, days)
        .with_passkey(prompt, takes_code || has_none)
        .with_app(factor.is_some_and(|factor| factor.has_app()))
        .in_session();
    let status = match refused {
        Refused::Nothing => StatusCode::OK,
        Refused::Code | Refused::Passkey => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(site.asking_page(visit, status, site.pages.verify_login(&page), asked.as_ref()))
}
