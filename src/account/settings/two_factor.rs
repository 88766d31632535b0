//! The second factor: what there is, new backup codes, and doing without.

use http::header::SET_COOKIE;
use http::{Response, StatusCode};

use super::{Flow, FrameParts};
use crate::account::AccountError;
use crate::account::Email;
use crate::account::second_factor::{Checked, check_code};
use crate::account::site::{Answer, Asking, Occasion, Site, Visit};
use crate::audit::Action;
use crate::http::{Body, respond};
use crate::page::{BackupCodes, EnrolledApp, Letter, PasskeyCodes, TwoFactor, TwoFactorForm};
use crate::scope::Account;
use crate::store::{Effects, FactorProof, FactorRemoval, FactorUse};

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    page(site, visit, &account, StatusCode::OK, None).await
}

/// New codes take the place of the old ones. Only the app allows it, or of who has none a passkey:
/// who found one backup code must not get ten.
pub(super) async fn regenerate(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let (form, id) = (visit.form()?, account.id());
    if let (Some(keys), Some(answer)) = (&site.passkeys, form.get("credential")?) {
        return match keys.prove_present(site, visit, &account, (Occasion::Codes, answer)).await? {
            Some((_, _, over)) => {
                let mut response = write_codes(site, visit, &account).await?;
                response.headers_mut().append(SET_COOKIE, over);
                Ok(response)
            }
            None => refused(site, visit, &account, TwoFactorForm::Regenerate).await,
        };
    }
    let typed = form.get("code")?.unwrap_or_default();
    let (action, whom) = (Action::REGENERATE_BACKUP_CODES, (id, account.email(), None));
    match check_code(site, visit, action, whom, typed).await? {
        Checked::Right(_, FactorProof::Totp(step)) => {
            let (codes, hashes) = site.factors.backup_codes(&*site.random, id);
            let along = new_codes(site, visit, &account);
            let (store, session) = (&site.store, visit.session.id());
            let used = store.regenerate_backup_codes(id, step, &hashes, session, &along).await?;
            if used == FactorUse::Done {
                along.announce();
                return Ok(show_codes(site, visit, &account, &codes));
            }
        }
        Checked::Right(..) | Checked::Wrong => {}
        Checked::Gone => return Ok(back(site)),
    }
    refused(site, visit, &account, TwoFactorForm::Regenerate).await
}

/// What is told of new codes.
fn new_codes(site: &Site, visit: &Visit, account: &Account) -> Effects {
    let along = site.effects(visit.entry(Action::REGENERATE_BACKUP_CODES));
    let letter = |forgot| Letter::BackupCodesReplaced { forgot };
    match account.email() {
        Some(to) => along.and_delivery(site.letters.notice(to, letter, site.now())),
        None => along,
    }
}

/// Codes for who has passkeys and no app.
async fn write_codes(site: &Site, visit: &Visit, account: &Account) -> Answer {
    let (id, session) = (account.id(), visit.session.id());
    let (codes, hashes) = site.factors.backup_codes(&*site.random, id);
    let along = new_codes(site, visit, account);
    let store = &site.store;
    if store.write_backup_codes(id, &hashes, session, &along, site.now()).await? == FactorUse::Done
    {
        along.announce();
        return Ok(show_codes(site, visit, account, &codes));
    }
    Ok(back(site))
}

/// No second factor any more. No browser is known then but this one, so that none is trusted if
/// another app follows.
pub(super) async fn disable(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let (form, id) = (visit.form()?, account.id());
    let typed = form.get("code")?.unwrap_or_default();
    match check_code(site, visit, Action::DISABLE, (id, account.email(), None), typed).await? {
        Checked::Right(_, proof) => {
            let mut along = site.effects(visit.entry(Action::DISABLE));
            if let Some(to) = account.email() {
                let is_last = site.store.passkeys_of(id).await?.is_empty();
                let letter = |forgot| match is_last {
                    true => Letter::SecondFactorRemoved { forgot },
                    false => Letter::AppRemoved { forgot },
                };
                along = along.and_delivery(site.letters.notice(to, letter, site.now()));
            }
            match site.store.remove_totp(id, Some(proof), &along).await? {
                FactorRemoval::Removed { device_epoch } => {
                    along.announce();
                    let mut response = back(site);
                    let email = account.email().and_then(|email| Email::parse(email).ok());
                    if let Some(email) = email {
                        site.remember_device(visit, (&email, id, device_epoch), &mut response);
                    }
                    return Ok(response);
                }
                FactorRemoval::LastToComeIn => {
                    return refused(site, visit, &account, TwoFactorForm::DisableNeeded).await;
                }
                FactorRemoval::Refused => {}
            }
        }
        Checked::Wrong => {}
        Checked::Gone => return Ok(back(site)),
    }
    refused(site, visit, &account, TwoFactorForm::Disable).await
}

/// Back to the page about second factors.
pub(super) fn back(site: &Site) -> Response<Body> {
    respond::see_other(&Flow::TwoFactor.path(site))
}

/// The page that shows fresh codes, once.
pub(super) fn show_codes(
    site: &Site,
    visit: &Visit,
    account: &Account,
    codes: &[String],
) -> Response<Body> {
    let parts = FrameParts::new(site, account, Flow::TwoFactor);
    let here = Flow::TwoFactor.path(site);
    // Whoever was sent to set it up goes back to where they were.
    let next = visit.trip.destination(&here);
    let page = BackupCodes::new(parts.frame(site), codes, next);
    respond::html(StatusCode::OK, site.pages.settings_backup_codes(&page))
}

async fn refused(site: &Site, visit: &Visit, account: &Account, form: TwoFactorForm) -> Answer {
    page(site, visit, account, StatusCode::UNPROCESSABLE_ENTITY, Some(form)).await
}

async fn page(
    site: &Site,
    visit: &Visit,
    account: &Account,
    status: StatusCode,
    refused: Option<TwoFactorForm>,
) -> Result<Response<Body>, AccountError> {
    let found = site.store.find_second_factor(account.id()).await?;
    let left = found.map_or(0, |found| found.backup_codes_left);
    let app = found.and_then(|found| found.app_since).map(|since| EnrolledApp::new(since, left));
    let asking = if refused.is_some() { Asking::Anew } else { Asking::Still };
    let asked = match &site.passkeys {
        Some(keys) if app.is_none() => {
            keys.ask_present(site, visit, account, (Occasion::Codes, asking)).await?
        }
        _ => None,
    };
    let codes = asked.as_ref().map(|asked| PasskeyCodes::new(left, asked.prompt(false)));
    let parts = FrameParts::new(site, account, Flow::TwoFactor);
    let setup = Flow::TwoFactorSetup.path(site);
    let (regenerate, disable) = (Flow::BackupCodes.path(site), Flow::TwoFactorDisable.path(site));
    let paths = [setup.as_str(), &regenerate, &disable];
    let page = TwoFactor::new(parts.frame(site), app, paths, refused).with_passkey_codes(codes);
    let body = site.pages.settings_two_factor(&page);
    Ok(site.asking_page(visit, status, body, asked.as_ref()))
}
