//! The second step of a login: a code.

use std::ops::ControlFlow;

use http::StatusCode;

use super::{Checked, check_code, use_up};
use crate::account::sign_in::{ProvenAt, SignIn, open};
use crate::account::site::{Answer, Asking, Site, Visit};
use crate::audit::Action;
use crate::page::VerifyLogin;
use crate::scope::{Method, UserId};
use crate::store::Effects;

pub(in crate::account) async fn show(site: &Site, visit: &Visit) -> Answer {
    match site.factors.pending.read(&visit.headers, site.now()) {
        Some((pending, _)) => page(site, visit, &pending.user, Refused::Nothing).await,
        None => Ok(site.begin_anew(visit)),
    }
}

pub(in crate::account) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let Some((pending, email)) = site.factors.pending.read(&visit.headers, site.now()) else {
        return Ok(site.begin_anew(visit));
    };
    let form = visit.form()?;
    let typed = form.get("code")?.unwrap_or_default();
    let trust = form.get("trust")?.is_some();
    if let (Some(keys), Some(answer)) = (&site.passkeys, form.get("credential")?) {
        return match keys.verify(site, visit, (&pending, &email), trust, answer).await? {
            Some(mut response) => {
                site.factors.pending.forget(response.headers_mut());
                Ok(response)
            }
            None => page(site, visit, &pending.user, Refused::Passkey).await,
        };
    }
    let whom = (&pending.user, Some(email.as_str()), Some(pending.epoch));
    let refused = async || page(site, visit, &pending.user, Refused::Code).await;
    let (user, proof) = match check_code(site, visit, Action::VERIFY, whom, typed).await? {
        Checked::Right(user, proof) => (user, proof),
        Checked::Wrong => return refused().await,
        Checked::Gone => return Ok(site.begin_anew(visit)),
    };

    let mut methods = pending.methods.clone();
    methods.extend([Method::ONE_TIME_CODE, Method::MULTI_FACTOR]);
    let who = SignIn {
        email: &email,
        account: &user.account,
        device_epoch: pending.epoch,
        methods,
        remember: pending.remember,
        must_change_password: pending.must_change_password,
        proven_at: ProvenAt::Now,
        login_path: pending.login_path.clone(),
        counted: true,
        permitted: false,
    };
    let used =
        async |along: Effects| use_up(site, visit, (&user, pending.epoch), proof, along).await;
    match open(site, visit, &who, trust, used).await? {
        Some(mut response) => {
            site.factors.pending.forget(response.headers_mut());
            Ok(response)
        }
        None => refused().await,
    }
}

/// What was refused, if anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    Nothing,
    Code,
    Passkey,
}

/// Asks for what the user has.
async fn page(site: &Site, visit: &Visit, user: &UserId, refused: Refused) -> Answer {
    let asking = if refused == Refused::Passkey { Asking::Anew } else { Asking::Still };
    let asked = match &site.passkeys {
        Some(keys) => match keys.ask_verify(site, visit, user, asking).await? {
            ControlFlow::Continue(asked) => asked,
            ControlFlow::Break(()) => return Ok(site.begin_anew(visit)),
        },
        None => None,
    };
    let factor = match asked {
        Some(_) => site.store.find_second_factor(user).await?,
        None => None,
    };
    // Without passkeys there is an app, or was when the login began.
    let takes_code = asked.is_none() || factor.is_some_and(|factor| factor.has_codes());
    let has_app = asked.is_none() || factor.is_some_and(|factor| factor.has_app());
    let trust_for = site.devices.trust_for();
    let (action, login) = (visit.trip.via(&site.paths.verify), visit.trip.via(&site.paths.login));
    let days = trust_for.map(|time| time.whole_days());
    let prompt = asked.as_ref().map(|asked| asked.prompt(refused == Refused::Passkey));
    let page = VerifyLogin::new(&action, &login, refused == Refused::Code, days)
        .with_passkey(prompt, takes_code)
        .with_app(has_app);
    let status = match refused {
        Refused::Nothing => StatusCode::OK,
        Refused::Code | Refused::Passkey => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(site.asking_page(visit, status, site.pages.verify_login(&page), asked.as_ref()))
}
