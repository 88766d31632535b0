//! The second step of a login: a code.

use http::{Response, StatusCode};

use super::{Checked, check_code, use_up};
use crate::account::sign_in::{SignIn, open};
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::http::{Body, respond};
use crate::page::VerifyLogin;
use crate::scope::Method;
use crate::store::FactorProof;

pub(in crate::account) fn show(site: &Site, visit: &Visit) -> Answer {
    match site.factors.pending.read(&visit.headers, site.now()) {
        Some(_) => Ok(page(site, visit, StatusCode::OK, false)),
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
    let whom = (&pending.user, Some(email.as_str()), Some(pending.epoch));
    let refused = || Ok(page(site, visit, StatusCode::UNPROCESSABLE_ENTITY, true));
    let (user, proof) = match check_code(site, visit, Action::VERIFY, whom, typed).await? {
        Checked::Right(user, proof) => (user, proof),
        Checked::Wrong => return refused(),
        Checked::Gone => return Ok(site.begin_anew(visit)),
    };

    let mut methods = pending.methods;
    methods.extend([Method::ONE_TIME_CODE, Method::MULTI_FACTOR]);
    let who = SignIn {
        email: &email,
        account: &user.account,
        device_epoch: pending.epoch,
        methods,
        remember: pending.remember,
        must_change_password: pending.must_change_password,
    };
    let used = async |mut along: crate::store::Effects| {
        if let FactorProof::BackupCode(_) = proof {
            let left = user.backup_codes.len().saturating_sub(1);
            let entry = visit.entry(Action::USE_BACKUP_CODE).about(&pending.user);
            along.audit.push(entry.with("left", left).at(site.now(), &*site.random));
        }
        use_up(site, (&pending.user, pending.epoch), proof, along).await
    };
    match open(site, visit, &who, trust, used).await? {
        Some(mut response) => {
            site.factors.pending.forget(response.headers_mut());
            Ok(response)
        }
        None => refused(),
    }
}

fn page(site: &Site, visit: &Visit, status: StatusCode, refused: bool) -> Response<Body> {
    let trust_for = site.devices.trust_for();
    let page = site.pages.verify_login(&VerifyLogin::new(
        &visit.trip.via(&site.paths.verify),
        &visit.trip.via(&site.paths.login),
        refused,
        trust_for.map(|time| time.whole_days()),
    ));
    if visit.trip.leads_on() {
        respond::html_leading_on(status, page)
    } else {
        respond::html(status, page)
    }
}
