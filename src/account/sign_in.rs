//! What comes after a user has proven who they are: a session, the question for a second factor, or
//! that for another password. Here, and nowhere else among the account pages, a session is written.

use std::future::Future;

use http::Response;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::admin::impersonate;
use super::deletion::keep;
use super::hook::{LoginDoor, refuse_login};
use super::seen::sighting;
use super::site::{Site, Visit};
use super::{AccountError, Email, single_sign_on};
use crate::audit::Action;
use crate::http::{Body, respond};
use crate::scope::{Account, BREAK_GLASS, Method};
use crate::session::Proof;
use crate::store::Effects;

/// Who comes in, and how.
#[derive(Clone)]
pub(super) struct SignIn<'a> {
    pub(super) email: &'a Email,
    pub(super) account: &'a Account,
    /// The user's epoch when they began.
    pub(super) device_epoch: i64,
    pub(super) methods: Vec<Method>,
    pub(super) remember: bool,
    /// Whether another password must be chosen before there is a session.
    pub(super) must_change_password: bool,
    pub(super) proven_at: ProvenAt,
    /// Where they logged in, if not here: the path of a provider, or
    /// [`BREAK_GLASS`](crate::scope::BREAK_GLASS).
    pub(super) login_path: Option<String>,
    /// Whether the attempt was counted before it was looked at, so that it counts against them until it is
    /// settled.
    pub(super) counted: bool,
    /// Whether the host was asked, before the account was written.
    pub(super) permitted: bool,
}

/// When somebody proved who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ProvenAt {
    /// Just now.
    #[default]
    Now,
    /// Then, as another party says.
    At(#[serde(with = "time::serde::timestamp::microseconds")] OffsetDateTime),
    /// Another party does not say: nothing is fresh.
    Unknown,
}

impl ProvenAt {
    fn of(self, proof: Proof, now: OffsetDateTime) -> Proof {
        match self {
            Self::Now => proof.proven_at(now),
            Self::At(at) => proof.proven_at(at),
            Self::Unknown => proof.proven_at(now).stale(),
        }
    }
}

/// Goes on after a first factor. Who has a second one, and is not in a browser that is trusted to
/// do without, gets no session but the question for it. `settle` writes what it is given, if
/// what was proven still holds; if it does not, the answer is `None` and nobody is logged in.
pub(super) async fn sign_in<F>(
    site: &Site,
    visit: &Visit,
    who: &SignIn<'_>,
    has_second_factor: bool,
    settle: impl FnOnce(Effects) -> F,
) -> Result<Option<Response<Body>>, AccountError>
where
    F: Future<Output = Result<bool, AccountError>>,
{
    let (user, now) = (who.account.id(), site.now());
    if !has_second_factor {
        return open(site, visit, who, false, settle).await;
    }
    // Who breaks the glass shows both factors, whatever the browser.
    let asks_always = who.login_path.as_deref() == Some(BREAK_GLASS);
    let whom = (who.email, user, who.device_epoch);
    if !asks_always && site.devices.trusts(&visit.headers, whom, now) {
        let mut who = who.clone();
        who.methods.push(Method::TRUSTED_BROWSER);
        return open(site, visit, &who, false, settle).await;
    }
    if !settle(Effects::none()).await? {
        return Ok(None);
    }
    let mut response = respond::see_other(&visit.trip.via(&site.paths.verify));
    site.factors.pending.keep(&*site.random, response.headers_mut(), (who, false), now);
    Ok(Some(response))
}

/// Goes on after all factors. Opens a session for whoever may come in. Who has asked for the end of the account is asked
/// whether to keep it; who is kept out gets no other answer than one who has proven nothing; who logs
/// in at an identity provider is sent there, whatever they have proven here.
pub(super) async fn open<F>(
    site: &Site,
    visit: &Visit,
    who: &SignIn<'_>,
    trust: bool,
    settle: impl FnOnce(Effects) -> F,
) -> Result<Option<Response<Body>>, AccountError>
where
    F: Future<Output = Result<bool, AccountError>>,
{
    let standing = site.store.standing(who.account.id()).await?.unwrap_or_default();
    if standing.disabled_at.is_some() || standing.deleted_at.is_some() {
        let entry = visit.entry(Action::LOG_IN).about(who.account.id()).refused();
        let entry = entry.with("disabled", true).at(site.now(), &*site.random);
        site.store.write_audit_entry(&entry).await?;
        entry.announce();
        return Ok(None);
    }
    if let Some(answer) = single_sign_on::elsewhere(site, visit, who, &standing) {
        return Ok(Some(answer));
    }
    let proven = (who.account, who.methods.as_slice());
    let refused = match who.permitted {
        true => None,
        false => refuse_login(site, visit, proven, LoginDoor::Browser).await?,
    };
    if let Some(answer) = refused {
        // The host says no, and not that the proof was wrong: that locks nobody out. What was not counted,
        // as a link, is not used up.
        if who.counted && !settle(Effects::none()).await? {
            return Ok(None);
        }
        return Ok(Some(answer));
    }
    if standing.deletion_at.is_some() {
        return keep::offer(site, visit, who, settle).await;
    }
    enter(site, visit, who, trust, settle).await
}

/// Lets somebody in who may come in. Who must choose another password first gets no session but the
/// question for it.
pub(super) async fn enter<F>(
    site: &Site,
    visit: &Visit,
    who: &SignIn<'_>,
    trust: bool,
    settle: impl FnOnce(Effects) -> F,
) -> Result<Option<Response<Body>>, AccountError>
where
    F: Future<Output = Result<bool, AccountError>>,
{
    if !who.must_change_password {
        return write_session(site, visit, who, trust, settle).await;
    }
    if !settle(Effects::none()).await? {
        return Ok(None);
    }
    let mut response = respond::see_other(&visit.trip.via(&site.paths.new_password));
    site.pending.keep(&*site.random, response.headers_mut(), (who, trust), site.now());
    Ok(Some(response))
}

/// Writes the session, and only then settles that what was proven still holds: a reset that came
/// in between either sees the session or is seen here.
pub(super) async fn write_session<F>(
    site: &Site,
    visit: &Visit,
    who: &SignIn<'_>,
    trust: bool,
    settle: impl FnOnce(Effects) -> F,
) -> Result<Option<Response<Body>>, AccountError>
where
    F: Future<Output = Result<bool, AccountError>>,
{
    let (user, now) = (who.account.id(), site.now());
    let trust = trust && site.devices.trust_for().is_some();
    let proof = Proof::by(who.methods.clone()).remembered(who.remember);
    let mut proof = who.proven_at.of(proof, now);
    proof.login_path.clone_from(&who.login_path);
    // Read before there is a session: what fails after that must take it away again.
    let glass = single_sign_on::glass_of(site, who).await?;
    visit.session.log_in(who.account.clone(), proof).await?;
    let methods: Vec<_> = who.methods.iter().map(Method::as_str).collect();
    let entry = visit.entry(Action::LOG_IN).about(user).with("methods", methods);
    let mut along = site.effects(entry).and_sighting(sighting(site, visit, who, now));
    if let Some(glass) = &glass {
        single_sign_on::tell_owners(site, visit, who, glass, &mut along);
    }
    if trust {
        let entry = visit.entry(Action::TRUST_BROWSER).about(user);
        along.audit.push(entry.at(now, &*site.random));
    }
    let stands = settle(along).await;
    if !matches!(stands, Ok(true)) {
        visit.session.log_out().await?;
        return stands.map(|_| None);
    }
    let mut response = respond::see_other(visit.trip.destination(&site.paths.home));
    impersonate::leave(site, visit, &mut response).await?;
    let login = (who.email, user, who.device_epoch);
    if trust {
        site.trust_device(visit, login, &mut response);
    } else {
        site.remember_device(visit, login, &mut response);
    }
    Ok(Some(response))
}
