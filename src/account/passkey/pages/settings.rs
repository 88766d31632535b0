//! The page where a user sees to their passkeys.

use http::header::SET_COOKIE;
use http::{Method, Response, StatusCode};
use uuid::Uuid;

use super::ceremony::{Asking, Kind, Whose};
use super::verify::named;
use super::{Asked, PasskeySite, methods};
use crate::account::AccountError;
use crate::account::Email;
use crate::account::passkey::{
    CreationOptions, RegisteredCredential, RegistrationResponse, UserHandle, UserVerification,
    verify_registration,
};
use crate::account::settings::{Flow, FrameParts};
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::crypto::RandomExt as _;
use crate::http::{Body, respond};
use crate::page::{Letter, PasskeyEntry, PasskeyNotice, PasskeySettings};
use crate::scope::{Account, storable_text};
use crate::session::UserAgent;
use crate::store::{AnsweredChallenge, MAX_PASSKEYS, Passkey, PasskeyAddition, PasskeyRemoval};

/// The longest name of a passkey, in characters.
const NAME_LENGTH: usize = 64;

impl PasskeySite {
    /// Answers a request to one of the pages about passkeys.
    pub(in crate::account) async fn settings(
        &self,
        site: &Site,
        (flow, method): (Flow, &Method),
        visit: &Visit,
    ) -> Answer {
        let account = visit.factor_account(site).await?;
        match flow {
            Flow::Passkeys if method == Method::POST => add(site, self, visit, &account).await,
            Flow::PasskeyRename if method == Method::POST => rename(site, visit, &account).await,
            Flow::PasskeyDelete if method == Method::POST => {
                delete(site, self, visit, &account).await
            }
            // Whoever had to log in in between comes back by a GET.
            Flow::PasskeyRename | Flow::PasskeyDelete => Ok(back(site)),
            _ => page(site, self, visit, &account, None).await,
        }
    }
}

/// Registers the passkey that was just made.
async fn add(site: &Site, keys: &PasskeySite, visit: &Visit, account: &Account) -> Answer {
    let (form, now) = (visit.form()?, site.now());
    let whose = whose(visit, account);
    let waiting = keys.ceremonies.waiting(&visit.headers, (Kind::Register, &whose), now);
    let made = waiting.and_then(|(challenge, answered)| {
        let response = RegistrationResponse::parse(form.get("credential").ok()??).ok()?;
        let (asked, other) = (UserVerification::Preferred, keys.policy.other_attestation);
        let made = verify_registration(response, &challenge, &keys.party, asked, other);
        made.map(|made| (made, answered)).ok()
    });
    let Some((made, answered)) = made else {
        return page(site, keys, visit, account, Some(PasskeyNotice::Refused)).await;
    };
    let name = name(form.get("name")?).unwrap_or_else(|| default_name(site, visit));
    let passkey = new_passkey(site, keys, account, (&made, name));
    let notice = match write(site, visit, account, (&passkey, answered)).await? {
        PasskeyAddition::Added => {
            visit.session.strengthen(methods(&passkey)).await?;
            None
        }
        PasskeyAddition::TooMany => Some(PasskeyNotice::TooMany),
        PasskeyAddition::Refused => Some(PasskeyNotice::Refused),
    };
    let mut response = match notice {
        None => back(site),
        Some(_) => page(site, keys, visit, account, notice).await?,
    };
    if notice.is_none() {
        response.headers_mut().append(SET_COOKIE, keys.ceremonies.end(Kind::Register));
    }
    Ok(response)
}

async fn rename(site: &Site, visit: &Visit, account: &Account) -> Answer {
    let form = visit.form()?;
    if let (Some(id), Some(name)) = (id(form.get("id")?), name(form.get("name")?)) {
        let entry = visit.entry(Action::RENAME_PASSKEY).to("passkey", id);
        let along = site.effects(entry);
        if site.store.rename_passkey(account.id(), id, &name, &along).await? {
            along.announce();
        }
    }
    Ok(back(site))
}

/// No browser is known any more but this one if it was the last second factor, so that none is
/// trusted if another follows.
async fn delete(site: &Site, keys: &PasskeySite, visit: &Visit, account: &Account) -> Answer {
    let Some(id) = id(visit.form()?.get("id")?) else { return Ok(back(site)) };
    let (user, now) = (account.id(), site.now());
    let entry = visit.entry(Action::REMOVE_PASSKEY).to("passkey", id);
    let (mut along, mut last) = (site.effects(entry), crate::store::Effects::none());
    if let Some(to) = account.email() {
        along = along.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::PasskeyRemoved { forgot },
            now,
        ));
        last = site.letters.notice(to, |forgot| Letter::SecondFactorRemoved { forgot }, now).into();
    }
    match site.store.remove_passkey(user, id, &site.open_ways(), &along, &last).await? {
        PasskeyRemoval::Removed { device_epoch, last_factor } => {
            along.announce();
            let mut response = back(site);
            let email = account.email().and_then(|email| Email::parse(email).ok());
            if let (true, Some(email)) = (last_factor, email) {
                site.remember_device(visit, (&email, user, device_epoch), &mut response);
            }
            Ok(response)
        }
        PasskeyRemoval::LastWayIn => {
            page(site, keys, visit, account, Some(PasskeyNotice::LastWayIn)).await
        }
        PasskeyRemoval::LastToComeIn => {
            page(site, keys, visit, account, Some(PasskeyNotice::LastToComeIn)).await
        }
        PasskeyRemoval::NotFound => Ok(back(site)),
    }
}

/// Back to the page about passkeys.
fn back(site: &Site) -> Response<Body> {
    respond::see_other(&Flow::Passkeys.path(site))
}

async fn write(
    site: &Site,
    visit: &Visit,
    account: &Account,
    (passkey, answered): (&Passkey, AnsweredChallenge),
) -> Result<PasskeyAddition, AccountError> {
    let entry = visit.entry(Action::ADD_PASSKEY).to("passkey", passkey.id);
    let mut along = site.effects(entry);
    if let Some(to) = account.email() {
        along = along.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::PasskeyAdded { forgot },
            site.now(),
        ));
    }
    let added = site.store.add_passkey(passkey, answered, visit.session.id(), &along).await?;
    if added == PasskeyAddition::Added {
        along.announce();
    }
    Ok(added)
}

fn new_passkey(
    site: &Site,
    keys: &PasskeySite,
    account: &Account,
    (made, name): (&RegisteredCredential, String),
) -> Passkey {
    let now = site.now();
    Passkey {
        id: site.random.uuid_v7(now),
        user: account.id().clone(),
        credential: made.id().clone(),
        public_key: made.public_key().as_bytes().to_vec(),
        sign_count: made.sign_count(),
        aaguid: made.aaguid(),
        name,
        transports: made.transports().iter().map(|name| (*name).to_owned()).collect(),
        backup_eligible: made.backup_eligible(),
        backed_up: made.backed_up(),
        user_verified: made.user_verified(),
        rp_id: keys.party.id().to_owned(),
        created_at: now,
        last_used_at: None,
        suspended_at: None,
    }
}

/// The registration is of this user, in this session.
fn whose(visit: &Visit, account: &Account) -> Whose {
    Whose { user: Some(account.id().clone()), session: visit.session.id() }
}

fn ask(
    site: &Site,
    keys: &PasskeySite,
    visit: &Visit,
    (account, passkeys): (&Account, &[Passkey]),
    asking: Asking,
) -> Asked {
    let existing = named(passkeys);
    let what = (Kind::Register, whose(visit, account), asking);
    let (challenge, cookie) =
        keys.ceremonies.begin(&*site.random, &visit.headers, what, site.now());
    let options = CreationOptions {
        party: &keys.party,
        product: site.pages.theme().product(),
        user: &UserHandle::of(account.id(), &keys.party),
        name: account.email().unwrap_or(account.id().as_str()),
        challenge: &challenge,
        existing: &existing,
    };
    Asked::new(site, options.to_json(), cookie)
}

async fn page(
    site: &Site,
    keys: &PasskeySite,
    visit: &Visit,
    account: &Account,
    notice: Option<PasskeyNotice>,
) -> Answer {
    let passkeys = site.store.passkeys_of(account.id()).await?;
    let factor = site.store.find_second_factor(account.id()).await?;
    let has_codes = factor.is_some_and(|factor| factor.has_codes());
    let asking = if notice.is_some() { Asking::Anew } else { Asking::Still };
    let asked = ask(site, keys, visit, (account, &passkeys), asking);
    let entries: Vec<_> = passkeys
        .iter()
        .map(|passkey| {
            let times = (passkey.created_at, passkey.last_used_at);
            PasskeyEntry::new(passkey.id.to_string(), &passkey.name, times, passkey.backed_up)
                .suspended(passkey.suspended_at.is_some())
        })
        .collect();
    let parts = FrameParts::new(site, account, Flow::Passkeys);
    let paths = [Flow::Passkeys, Flow::PasskeyRename, Flow::PasskeyDelete].map(|f| f.path(site));
    let [add, rename, delete] = &paths;
    let room = passkeys.len() < MAX_PASSKEYS as usize;
    let prompt = room.then(|| asked.prompt(notice == Some(PasskeyNotice::Refused)));
    let only_one = passkeys.len() == 1 && !has_codes;
    let page = PasskeySettings::new(parts.frame(site), &entries, [add, rename, delete], prompt)
        .with_notice(notice)
        .with_only_one(only_one);
    let status = match notice {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let body = site.pages.settings_passkeys(&page);
    Ok(site.asking_page(visit, status, body, Some(&asked)))
}

fn id(text: Option<&str>) -> Option<Uuid> {
    Uuid::try_parse(text?).ok()
}

/// What somebody calls a passkey: a line of text.
fn name(text: Option<&str>) -> Option<String> {
    let line: String = text?.chars().filter(|c| !c.is_control()).take(NAME_LENGTH).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| storable_text(line.to_owned()))
}

/// What it is called if nobody says: where it was made.
fn default_name(site: &Site, visit: &Visit) -> String {
    let agent = visit.session.device().user_agent.as_deref().map(UserAgent::read);
    match agent.filter(|agent| agent.name.is_some() || agent.system.is_some()) {
        Some(agent) => agent.to_string(),
        None => site.pages.theme().messages().passkeys_default_name.to_string(),
    }
}
